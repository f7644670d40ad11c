"""A mail message (.eml) to text: who wrote to whom, when, about what, and the message. Attachments are only named."""

from __future__ import annotations

from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import cast

from rota.documents.reading.decoding import decode
from rota.documents.reading.html import HtmlText, html_text
from rota.documents.reading.tidy import sane_title
from rota.errors import UnreadableDocumentError

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
MAX_HEADER = 2000
"""Characters of a header that are kept: lists of recipients can be longer than messages, and the parser of headers
takes time with their square."""

MAX_ATTACHMENTS = 100
"""So many are named."""


class _ShortHeaders(EmailPolicy):
    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(list(sourcelines))
        return name, value[:MAX_HEADER]


def mail_text(data: bytes) -> HtmlText:
    """The message with its headers above it, and its subject as the title. Raises UnreadableDocumentError."""
    try:
        message = cast("EmailMessage", message_from_bytes(data, policy=_ShortHeaders()))
        headers = [(name, _header(message, name)) for name in _HEADERS]
        parts = [_body(message), *_attachments(message)]
    except (UnreadableDocumentError, MemoryError):
        raise
    except Exception as error:  # the parser of headers lets IndexError and others out of those that are broken
        raise UnreadableDocumentError(f"is a broken mail message ({type(error).__name__})") from error
    head = "\n".join(f"{name}: {value}" for name, value in headers if value)
    return HtmlText(sane_title(dict(headers)["Subject"]), "\n\n".join(part for part in (head, *parts) if part))


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _body(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    payload = body.get_payload(decode=True)
    text = decode(payload, str(body.get("Content-Type", ""))) if isinstance(payload, bytes) and payload.strip() else ""
    return html_text(text).text if body.get_content_type() == "text/html" else text


def _attachments(message: EmailMessage) -> list[str]:
    names = [" ".join((part.get_filename() or part.get_content_type()).split()) for part in message.iter_attachments()]
    return [f"[attachment, not read: {name}]" for name in names[:MAX_ATTACHMENTS]]

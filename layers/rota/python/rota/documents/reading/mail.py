"""A mail message (.eml) to text: who wrote to whom, when, about what, and the message; with the files it came with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from itertools import islice
from typing import cast

from rota.documents.reading.decoding import decode
from rota.documents.reading.html import html_text
from rota.documents.reading.tidy import sane_title
from rota.errors import UnreadableDocumentError

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
MAX_HEADER = 2000
"""Characters of a header that are kept: lists of recipients can be longer than messages, and the parser of headers
takes time with their square."""

MAX_ATTACHMENTS = 100
"""So many are named, and given."""

_UNREAD = frozenset(("image", "audio", "video"))
_SIGNATURES = frozenset(("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"))


@dataclass(frozen=True, slots=True)
class MailText:
    """A message's text, its subject, and (name, bytes) of what was attached but for pictures, sound and signatures."""

    title: str
    text: str
    attachments: tuple[tuple[str, bytes], ...]


class _ShortHeaders(EmailPolicy):
    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(list(sourcelines))
        return name, value[:MAX_HEADER]


def mail_text(data: bytes) -> MailText:
    """The message with its headers above it and the names of attachments below. Raises UnreadableDocumentError."""
    try:
        message = cast("EmailMessage", message_from_bytes(data, policy=_ShortHeaders()))
        headers = [(name, _header(message, name)) for name in _HEADERS]
        attached = list(islice(message.iter_attachments(), MAX_ATTACHMENTS))
        parts = [_body(message), *(f"[attachment: {_name(part)}]" for part in attached)]
        attachments = tuple((_name(part), _bytes(part)) for part in attached if _is_read(part))
    except (UnreadableDocumentError, MemoryError):
        raise
    except Exception as error:  # the parser of headers lets IndexError and others out of those that are broken
        raise UnreadableDocumentError(f"is a broken mail message ({type(error).__name__})") from error
    head = "\n".join(f"{name}: {value}" for name, value in headers if value)
    text = "\n\n".join(part for part in (head, *parts) if part)
    return MailText(sane_title(dict(headers)["Subject"]), text, attachments)


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _body(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    payload = body.get_payload(decode=True)
    text = decode(payload, str(body.get("Content-Type", ""))) if isinstance(payload, bytes) and payload.strip() else ""
    return html_text(text).text if body.get_content_type() == "text/html" else text


def _name(part: Message) -> str:
    """The file's name; a mail that was passed on is called by its subject."""
    if part.get_content_type() == "message/rfc822" and not part.get_filename():
        subject = _header(cast("EmailMessage", part.get_payload(0)), "Subject")
        return f"{subject or 'message'}.eml"
    return " ".join((part.get_filename() or part.get_content_type()).split())


def _is_read(part: Message) -> bool:
    return part.get_content_maintype() not in _UNREAD and part.get_content_type() not in _SIGNATURES


def _bytes(part: Message) -> bytes:
    if part.get_content_type() == "message/rfc822":
        return cast("EmailMessage", part.get_payload(0)).as_bytes()
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""

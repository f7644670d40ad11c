"""A mail message (.eml) to text: who wrote to whom, when, about what, and the message; with the files it came with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
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

MIN_PLAIN = 0.2
"""Of the length of the HTML's text; a plain text that is shorter says that there is HTML, or was cut."""

_ALTERNATIVE = "multipart/alternative"
_UNREAD = frozenset(("image", "audio", "video"))
_SIGNATURES = frozenset(("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"))


@dataclass(frozen=True, slots=True)
class MailText:
    """A message's text, its subject, and (name, bytes) of what was attached but for pictures, sound and signatures."""

    title: str
    text: str
    attachments: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a part of a message holds: text, its media type, and what is attached."""

    text: str
    kind: str
    attached: tuple[Message, ...]


class _ShortHeaders(EmailPolicy):
    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(list(sourcelines))
        return name, value[:MAX_HEADER]


def mail_text(data: bytes) -> MailText:
    """The message with its headers above it and the names of attachments below. Raises UnreadableDocumentError."""
    try:
        message = cast("EmailMessage", message_from_bytes(data, policy=_ShortHeaders()))
        headers = [(name, _header(message, name)) for name in _HEADERS]
        content = _content(message)
        attached = content.attached[:MAX_ATTACHMENTS]
        parts = [content.text, *(f"[attachment: {_name(part)}]" for part in attached)]
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


def _content(part: Message, container: str = "", is_first: bool = True) -> _Content:
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart":
        return _contents(part, kind)
    if _is_message_text(part, container, is_first):
        try:
            return _Content(_text(part), kind, ())
        except UnreadableDocumentError:
            if not container:
                raise
    return _Content("", kind, () if _is_of_a_page(part, container) else (part,))


def _contents(part: Message, kind: str) -> _Content:
    payload = part.get_payload()
    parts = cast("list[Message]", payload) if isinstance(payload, list) else []  # a string where it is broken
    contents = [_content(one, kind, number == 0) for number, one in enumerate(parts)]
    attached = tuple(one for content in contents for one in content.attached)
    texts = [content for content in contents if content.text.strip()]
    if kind == _ALTERNATIVE and texts:
        best = _best(texts)
        return _Content(best.text, best.kind, attached)
    is_html = any(content.kind == "text/html" for content in texts)
    text = "\n\n".join(content.text.strip("\n") for content in texts)
    return _Content(text, "text/html" if is_html else "text/plain", attached)


def _best(texts: list[_Content]) -> _Content:
    """Of the same text in several forms the plain one, if it is whole, else the HTML."""
    plain = next((content for content in texts if content.kind == "text/plain"), None)
    html = next((content for content in texts if content.kind == "text/html"), None)
    if plain and html and len(plain.text) < MIN_PLAIN * len(html.text):
        return html
    return plain or html or texts[0]


def _is_message_text(part: Message, container: str, is_first: bool) -> bool:
    """Whether a part is what was written, and no file: the signature of a list is, and text between two files."""
    if part.get_content_maintype() != "text" or part.get_content_disposition() == "attachment":
        return False
    if container == _ALTERNATIVE:  # the other forms say the same, but an invitation has more than they do
        return part.get_content_type() != "text/calendar"
    return is_first or not part.get_filename()


def _is_of_a_page(part: Message, container: str) -> bool:
    """Whether a part is a picture that the HTML beside it shows."""
    is_shown = container == "multipart/related" and part.get_content_disposition() != "attachment"
    return is_shown and part.get_content_maintype() in _UNREAD


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    text = decode(payload, str(part.get("Content-Type", ""))) if isinstance(payload, bytes) and payload.strip() else ""
    return html_text(text).text if part.get_content_type() == "text/html" else text


def _name(part: Message) -> str:
    """The file's name; a mail that was passed on is called by its subject."""
    if part.get_content_type() == "message/rfc822" and not part.get_filename():
        subject = _header(cast("EmailMessage", part.get_payload(0)), "Subject")
        return f"{subject or 'message'}.eml"
    return " ".join((part.get_filename() or part.get_content_type()).split())


def _is_read(part: Message) -> bool:
    return part.get_content_maintype() not in _UNREAD and part.get_content_type() not in _SIGNATURES


def _bytes(part: Message) -> bytes:
    """The file; one of text is in UTF-8, for nobody knows later which set the mail declared."""
    if part.get_content_maintype() == "message":
        return b"\n".join(one.as_bytes() for one in cast("list[Message]", part.get_payload()))
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return b""
    if part.get_content_maintype() != "text" or not part.get_content_charset():
        return payload
    try:
        return decode(payload, str(part["Content-Type"])).encode("utf-8", "replace")
    except UnreadableDocumentError:
        return payload

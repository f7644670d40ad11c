"""Mails as programs write them: what is the message, and what came with it."""

from __future__ import annotations

import pytest

from rota.documents.reading.read import ReadText, read_document

PLAIN = ("text/plain", "Hello there")
FOOTER = ("text/plain", "List footer")
HTML = ("text/html", "<p>Hello page</p>")
PDF = ('application/pdf; name="a.pdf"', "%PDF-1.7")
IMAGE = ("image/png", "PNG")
SIGNATURE = ("application/pkcs7-signature", "p7s")
CALENDAR = ("text/calendar", "BEGIN:VCALENDAR")
INNER = ("message/rfc822", "Subject: Old\n\nOld text")
STATUS = ("message/delivery-status", "Reporting-MTA: dns; a\n\nAction: failed\n")
MIXED, ALTERNATIVE, RELATED = "multipart/mixed", "multipart/alternative", "multipart/related"

Part = tuple[str, "str | list[Part]"]


def written(part: Part, number: str = "1") -> str:
    """A part with its header, whose inner parts have longer boundaries."""
    kind, content = part
    if isinstance(content, str):
        return f"Content-Type: {kind}\n\n{content}"
    inner = "".join(f"--{number}\n{written(one, f'{number}.{at}')}\n" for at, one in enumerate(content, start=1))
    return f'Content-Type: {kind}; boundary="{number}"\n\n{inner}--{number}--\n'


def read(part: Part) -> ReadText:
    """The mail with this content."""
    return read_document(f"Subject: S\nMIME-Version: 1.0\n{written(part)}".encode(), "a.eml")


@pytest.mark.parametrize(
    ("part", "text", "names"),
    [
        ((ALTERNATIVE, [PLAIN, (MIXED, [HTML, PDF, HTML])]), "Hello there", ["a.pdf"]),
        ((ALTERNATIVE, [("text/plain", " "), (MIXED, [HTML, PDF, HTML])]), "Hello page\n\nHello page", ["a.pdf"]),
        (("multipart/signed", [(MIXED, [PLAIN, PDF]), SIGNATURE]), "Hello there", ["a.pdf"]),
        ((MIXED, [(MIXED, [PLAIN, PDF]), FOOTER]), "Hello there\n\nList footer", ["a.pdf"]),
        ((MIXED, [PLAIN, ('text/plain; name="b.txt"', "File"), INNER]), "Hello there", ["b.txt", "Old.eml"]),
        ((MIXED, [(ALTERNATIVE, [PLAIN, (RELATED, [HTML, IMAGE])]), PDF]), "Hello there", ["a.pdf"]),
        ((ALTERNATIVE, [PLAIN, ("text/x-amp-html", "amp"), HTML, CALENDAR]), "Hello there", ["text/calendar"]),
        ((ALTERNATIVE, [("text/plain", "See"), ("text/html", "Hello page " * 9)]), "Hello page " * 9, []),
        (("multipart/report", [PLAIN, STATUS]), "Hello there", ["message/delivery-status"]),
        (CALENDAR, "BEGIN:VCALENDAR", []),
        (("text/markdown", "# Hello"), "# Hello", []),
        (PDF, "", ["a.pdf"]),
        (("application/zip", "PK"), "", ["application/zip"]),
        (('text/csv; name="a.csv"\nContent-Disposition: attachment', "a,b"), "", ["a.csv"]),
    ],
)
def test_the_leaves_of_a_mail(part: Part, text: str, names: list[str]) -> None:
    """Each is text of the message, another form of it, or attached with its bytes."""
    mail = read(part)
    shown = mail.text.removeprefix("Subject: S").partition("[attachment: ")[0].strip()
    assert shown == text.strip()
    assert [name for name, _ in mail.attachments] == names
    assert all(data for _, data in mail.attachments)


def test_a_part_of_text_that_is_binary_is_attached() -> None:
    """It does not take the message with it."""
    mail = read((MIXED, [PLAIN, ("text/plain", "\x01\x02\x03")]))
    assert "Hello there" in mail.text
    assert mail.attachments == (("text/plain", b"\x01\x02\x03"),)


@pytest.mark.parametrize(
    ("charset", "data", "given"),
    [
        ("; charset=koi8-r", "Привет".encode("koi8-r"), "Привет".encode()),
        ("; charset=no-such", b"plain", b"plain"),
        ("", "Привет".encode("koi8-r"), "Привет".encode("koi8-r")),
    ],
)
def test_attached_text_keeps_its_character_set(charset: str, data: bytes, given: bytes) -> None:
    """What the mail declares is known to nobody who has the file alone."""
    head = f'Content-Type: text/csv{charset}; name="a.csv"\nContent-Disposition: attachment\n\n'
    assert read_document(b"Subject: S\n" + head.encode() + data, "a.eml").attachments == (("a.csv", given),)

"""mbox: a folder of mails in one file, as mail programs export them. Each mail is a file of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import BinaryIO

from rota.documents.sources.archive_entry import Entry
from rota.documents.sources.archive_limits import Account

MAX_SUBJECT = 80
"""Characters of a subject in a mail's name."""

_LINE_BYTES = 65_536  # longer lines are read in pieces
_HEAD_BYTES = 65_536
_POSTMARK = b"From "
_POSTMARK_WITH_DATE = re.compile(rb"From \S+ .*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.*\d\d:\d\d")
_HEADER = re.compile(rb"[!-9;-~]+:")
_QUOTED = re.compile(rb">+From ")
_SUBJECT = re.compile(rb"^subject:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)


def starts_mbox(start: bytes, by_name: bool = False) -> bool:
    """Whether a file begins with a mail behind its postmark, which has a date unless the name says what it is."""
    first, _, rest = start.partition(b"\n")
    marked = first.startswith(_POSTMARK) if by_name else _POSTMARK_WITH_DATE.match(first) is not None
    return marked and _HEADER.match(rest) is not None


def mbox_entries(file: BinaryIO, account: Account) -> Iterator[Entry]:
    """The mails in their order, named by their number and subject (`12 Ferry times.eml`)."""
    for number, (data, size) in enumerate(_mails(file, account.limits.max_member_bytes), start=1):
        account.pass_headers()
        subject = _subject(data)
        name = f"{number} {subject}.eml" if subject else f"{number}.eml"
        yield Entry(name, size, lambda data=data: data, in_stream=True)  # type: ignore[misc]


def _mails(file: BinaryIO, most: int) -> Iterator[tuple[bytes, int]]:
    """Each mail without its postmark, `most` bytes of it, and its size.

    A postmark stands behind an empty line and before a header: mails that hold one in their text were not always
    quoted by what wrote them.
    """
    file.seek(0)
    held: list[bytes] = []
    size, after_empty = 0, True
    line = file.readline(_LINE_BYTES)
    while line:
        following = file.readline(_LINE_BYTES)
        if after_empty and line.startswith(_POSTMARK) and _HEADER.match(following):
            if size:
                yield b"".join(held), size
            held, size = [], 0
        else:
            size += len(line)
            if size <= most:
                held.append(line[1:] if _QUOTED.match(line) else line)
        after_empty = not line.strip()
        line = following
    if size:
        yield b"".join(held), size


def _subject(mail: bytes) -> str:
    """A mail's subject as a part of a file's name; empty if it has none."""
    head = mail[:_HEAD_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    found = _SUBJECT.search(head)
    raw = b" ".join(found[1].split()).decode("utf-8", "replace")[: 20 * MAX_SUBJECT] if found else ""
    try:
        text = str(make_header(decode_header(raw)))
    except (MessageError, LookupError, ValueError):  # broken encodings stand as they are
        text = raw
    text = " ".join(text.replace("/", "-").replace("\\", "-").split())
    return text if len(text) <= MAX_SUBJECT else f"{text[: MAX_SUBJECT - 1].rstrip()}…"

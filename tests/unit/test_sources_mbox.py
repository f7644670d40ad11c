"""A folder of mails in one file: each mail is a document of its own, under its subject."""

from __future__ import annotations

import gzip
import io
import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from rota.documents.reading.read import read_document
from rota.documents.sources.archive_limits import ArchiveLimits
from rota.documents.sources.archives import Member, has_archive_name, is_archive, open_archive
from rota.errors import UnreadableDocumentError
from tests.fixtures.archives import listed, zipped

BODY = "The ferry leaves at ten.\n\nFrom here on it rains.\n\nFrom: is no header here, and this is no mail.\n"


def mail(subject: str, body: str = BODY) -> EmailMessage:
    """A message."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@example.org", "bob@example.org", subject
    message.set_content(body)
    return message


@pytest.fixture
def folder(tmp_path: Path) -> bytes:
    """As Python's own writer of such files writes it."""
    box = mailbox.mbox(tmp_path / "written")
    for subject in ("Ferry times", "Grüße / größere Fähre", "", "a" * 200):
        box.add(mail(subject))
    box.close()
    return (tmp_path / "written").read_bytes()


def test_each_mail_is_a_file_under_its_subject(folder: bytes) -> None:
    """With its text as it was sent, whatever the file is called; the same with the lines of other systems."""
    for data, name in ((folder, "inbox.mbox"), (folder, "mbox"), (folder.replace(b"\n", b"\r\n"), "a.mbox")):
        assert is_archive(name, data[:512])
        found = listed(data, name)
        names = [path for path, _ in found]
        assert names == ["1 Ferry times.eml", "2 Grüße - größere Fähre.eml", "3.eml", f"4 {'a' * 79}….eml"]
        for path, each in found:
            read = read_document(each, path)
            assert read.media_type == "message/rfc822"
            assert BODY.strip() in read.text


def test_a_packed_one_and_one_within_an_archive(folder: bytes) -> None:
    """Mails are named below the file that holds them."""
    assert listed(gzip.compress(folder), "inbox.mbox.gz")[0][0] == "inbox.mbox/1 Ferry times.eml"
    inside = listed(zipped({"Takeout/All.mbox": folder}), "takeout.zip")
    assert inside[0][0] == "Takeout/All.mbox/1 Ferry times.eml"


@pytest.mark.parametrize(
    "postmark", ["From - Mon Nov 02 10:00:00 2026", "From 17@xxx Mon Nov 02 10:00:00 +0000 2026", "From ???@??? "]
)
def test_what_mail_programs_write_between_mails(postmark: str) -> None:
    """Dates differ, or there are none: a name that says what it is will do."""
    data = "".join(f"{postmark}\nSubject: {n}\n\nText {n}.\n\n" for n in range(3)).encode()
    assert [path for path, _ in listed(data, "a.mbox")] == ["1 0.eml", "2 1.eml", "3 2.eml"]


@pytest.mark.parametrize(
    "text", ["From the desk of Ada\nTo: Bob\n", "From Monday on it rains at 10:00.\nNobody goes out.\n", "From "]
)
def test_a_letter_is_no_folder_of_mails(text: str) -> None:
    """Though it may begin like one; and a name alone does not make one."""
    assert not is_archive("letter.txt", text.encode())
    if "To:" not in text:
        with pytest.raises(UnreadableDocumentError, match="is not the archive that its name says"):
            open_archive(io.BytesIO(text.encode()), "letter.mbox")


def test_broken_and_large_mails_are_said_or_read(folder: bytes) -> None:
    """A subject in no encoding there is; a mail of many bytes is named, and those behind it are read."""
    odd = b"From a@b Mon Nov 02 10:00:00 2026\nSubject: =?nonsense?q?x?= \xff\n\nText.\n\n"
    assert listed(odd, "a.mbox")[0][0].startswith("1 =?nonsense")
    large = b"From a@b Mon Nov 02 10:00:00 2026\nSubject: Much\n\n" + b"line\n" * 10_000 + b"\n" + folder
    items = list(open_archive(io.BytesIO(large), "a.mbox", ArchiveLimits(max_member_bytes=20_000)) or ())
    assert not isinstance(items[0], Member)
    assert (items[0].path, items[0].reason.startswith("has 0.1 MB")) == ("1 Much.eml", True)
    assert all(isinstance(item, Member) for item in items[1:])
    assert has_archive_name("Inbox.MBOX")

"""Archives as sources of documents: zip, tar, tar.gz, tar.bz2, tar.xz, mbox, and single files in gzip, bzip2, xz.

    open ─► entries in the archive's order ─► a member's bytes, or why it is not read ─► …, one at a time

Nothing is written to a disk, and names are titles only. Archives are made to harm as often as to carry: whatever they
say, memory and time stay within `ArchiveLimits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO

from rota.documents.sources.archive_entry import Entry
from rota.documents.sources.archive_formats import ENDINGS, begins_otherwise, begins_zip, entries_of
from rota.documents.sources.archive_limits import Account, ArchiveLimits, LimitReachedError
from rota.documents.sources.archive_names import MAX_WRITTEN, inside, readable, shortened
from rota.documents.sources.noise import is_noise_in, project_folder
from rota.errors import UnreadableDocumentError

_OFFICE = frozenset(
    (
        *(".docm", ".docx", ".dotx", ".potx", ".ppsx", ".pptm", ".pptx", ".xlsm", ".xlsx", ".xltx"),
        *(".epub", ".odg", ".odp", ".ods", ".odt", ".ott"),
    )
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive: its path in there, with forward slashes, and its bytes."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class RejectedMember:
    """A file that is not read: `reason` completes "<path> …". An empty path stands for the archive itself."""

    path: str
    reason: str


class Contents(Iterator[Member | RejectedMember]):
    """What an archive holds, in its order and one at a time, with the archives in it."""

    def __init__(self, items: Iterator[Member | RejectedMember], account: Account) -> None:
        self._items, self._account = items, account

    def __next__(self) -> Member | RejectedMember:
        return next(self._items)

    @property
    def passed_over(self) -> int:
        """How many files were passed over up to here because they are hidden, built or vendored."""
        return self._account.noise


def is_archive(name: str, start: bytes) -> bool:
    """Whether a file is an archive, or one packed file, by its first 512 bytes, else by its name.

    Also true for a ZIP of an unknown ending that may be one document inside: `open_archive` decides.
    """
    if begins_zip(start):
        return PurePosixPath(name.lower()).suffix not in _OFFICE
    return begins_otherwise(start) or has_archive_name(name)


def has_archive_name(name: str) -> bool:
    """Whether a file is called an archive or a packed file, such as `a.tar.gz`, before any of its bytes are there."""
    return name.lower().endswith(ENDINGS)


def open_archive(file: BinaryIO, name: str, limits: ArchiveLimits | None = None, skip: int = 0) -> Contents | None:
    """The contents of an archive without the first `skip` items, which were given before.

    None for a ZIP that is one document, such as a .docx: it has to be read as a whole.

    `file` can be sought in and stays open while there is more to come. Folders and empty files are passed over in
    silence, hidden and built ones are counted. Archives within are opened when their names say so, and their members
    come in their place. Where an archive breaks off, or a limit is reached, a RejectedMember says so and is the last of
    it. Raises UnreadableDocumentError, whose message completes "<archive> …", when not even its beginning can be read.
    """
    account = Account(limits or ArchiveLimits(), skip)
    try:
        entries = entries_of(file, name, account)
    except LimitReachedError as reached:
        raise UnreadableDocumentError(str(reached)) from reached
    return None if entries is None else Contents(_items(entries, Archive(file, name, account)), account)


@dataclass(frozen=True)
class Archive:
    """An archive on the way through it: its bytes, its name, and its path in the outermost one.

    That is empty for the outermost itself; `depth` archives lie around it.
    """

    file: BinaryIO
    name: str
    account: Account
    path: str = ""
    depth: int = 0

    @cached_property
    def project(self) -> str:
        """The `project_folder` of its files: all their names are looked at once more, within the same limits."""
        at = self.file.tell()
        try:
            return project_folder(self._paths(Account(self.account.limits)))
        finally:
            self.file.seek(at)

    def _paths(self, account: Account) -> Iterator[str]:
        with suppress(LimitReachedError, UnreadableDocumentError):  # as far as it can be read
            for entry in entries_of(self.file, self.name, account) or ():
                account.charge(entry.size if entry.in_stream else 0)
                path = inside(readable(entry.name))
                if path:
                    yield path


def _items(entries: Iterator[Entry], archive: Archive) -> Iterator[Member | RejectedMember]:
    account = archive.account
    try:
        yield from _walked(entries, archive)
    except LimitReachedError as reached:
        remark = str(reached)
    else:
        nothing = (account.noise or account.empty) and not account.listed
        remark = "holds nothing to read: its files are hidden, built or empty" if nothing else ""
    if remark and account.gives_last():
        yield RejectedMember("", remark)


def _walked(entries: Iterator[Entry], archive: Archive) -> Iterator[Member | RejectedMember]:
    try:
        for entry in entries:
            yield from _of_entry(entry, archive)
    except UnreadableDocumentError as error:
        if archive.account.gives():
            yield RejectedMember(archive.path, str(error))


def _of_entry(entry: Entry, archive: Archive) -> Iterator[Member | RejectedMember]:
    account = archive.account
    name = readable(entry.name)
    path = inside(name)
    if _is_passed_over(entry, path, archive):
        account.charge(entry.size if entry.in_stream else 0)
        return
    nested = has_archive_name(name)
    reason = entry.refused or _misplaced(entry, path) or account.too_large(entry.size)
    if nested and not reason and archive.depth >= account.limits.max_depth:
        reason = f"is nested deeper than {account.limits.max_depth} archives"
    account.charge(entry.size if entry.in_stream or not reason else 0)
    title = shortened(f"{archive.path}/{path or name}" if archive.path else path or name)
    if nested and not reason:
        yield from _nested(entry, archive, title)
    elif account.gives():  # a member that was given before need not be read
        yield RejectedMember(title, reason) if reason else _read(entry, title)


def _is_passed_over(entry: Entry, path: str | None, archive: Archive) -> bool:
    """Whether nobody wants to hear of an entry; it is counted."""
    if not (entry.size or entry.refused):
        archive.account.empty += 1
        return True
    if path and is_noise_in(path, lambda: archive.project):
        archive.account.noise += 1
        return True
    return False


def _misplaced(entry: Entry, path: str | None) -> str:
    if len(entry.name) > MAX_WRITTEN:
        return f"has a name of {len(entry.name):,} characters"
    return "leads out of the archive" if path is None else ""


def _read(entry: Entry, title: str) -> Member | RejectedMember:
    try:
        return Member(title, entry.read())
    except UnreadableDocumentError as error:
        return RejectedMember(title, str(error))


def _nested(entry: Entry, around: Archive, title: str) -> Iterator[Member | RejectedMember]:
    """Where an archive was given before, what is in it still has to be counted."""
    account = around.account
    item = _read(entry, title)
    if isinstance(item, Member):
        file = BytesIO(item.data)
        try:
            entries = entries_of(file, title, account)
        except UnreadableDocumentError as error:
            item = RejectedMember(title, str(error))
        else:
            if entries is not None:
                yield from _walked(entries, Archive(file, title, account, title, around.depth + 1))
                return
    if account.gives():
        yield item

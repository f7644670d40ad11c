"""Archives as sources of documents: zip, tar, tar.gz, tar.bz2, tar.xz, mbox, and single files in gzip, bzip2, xz.

    open ─► entries in the archive's order ─► a member's bytes, or why it is not read ─► …, one at a time

Nothing is written to a disk, and names are titles only. Archives are made to harm as often as to carry: whatever they
say, memory and time stay within `ArchiveLimits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO

from rota.documents.sources.archive_entry import Entry
from rota.documents.sources.archive_limits import Account, ArchiveLimits, LimitReachedError
from rota.documents.sources.archive_mbox import mbox_entries, starts_mbox
from rota.documents.sources.archive_names import MAX_WRITTEN, inside, readable, shortened
from rota.documents.sources.archive_streams import BZIP2_MAGIC, PACKINGS, Packed, Packing, Plain
from rota.documents.sources.archive_tar import BROKEN, starts_tar, tar_entries
from rota.documents.sources.archive_zip import zip_entries
from rota.documents.sources.noise import is_noise
from rota.errors import UnreadableDocumentError

START_BYTES = 512
"""So many first bytes of a file tell whether it is an archive."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second is the end, and all, of an empty one
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_TARS = (".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_MBOX = ".mbox"
_ENDINGS = (".zip", ".tar", _MBOX, *(ending for packing in PACKINGS for ending in packing.endings))
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


def is_archive(name: str, start: bytes) -> bool:
    """Whether a file is an archive, or one packed file, by its first 512 bytes, else by its name.

    Also true for a ZIP of an unknown ending that may be one document inside: `open_archive` decides.
    """
    if start.startswith(_ZIP):
        return PurePosixPath(name.lower()).suffix not in _OFFICE
    if _packing(start) or start[257:262] == b"ustar" or starts_mbox(start):
        return True
    return has_archive_name(name)


def has_archive_name(name: str) -> bool:
    """Whether a file is called an archive or a packed file, such as `a.tar.gz`, before any of its bytes are there."""
    return name.lower().endswith(_ENDINGS)


def open_archive(
    file: BinaryIO, name: str, limits: ArchiveLimits | None = None, skip: int = 0
) -> Iterator[Member | RejectedMember] | None:
    """What an archive holds, in its order and one at a time; the first `skip` items are passed over.

    None for a ZIP that is one document, such as a .docx: it has to be read as a whole.

    `file` can be sought in and stays open while there is more to come. Folders, hidden and built files and empty ones
    are passed over in silence. Archives within are opened when their names say so, and their members come in their
    place. Where an archive breaks off, or a limit is reached, a RejectedMember says so and is the last of it. Raises
    UnreadableDocumentError, whose message completes "<archive> …", when not even its beginning can be read.
    """
    account = Account(limits or ArchiveLimits(), skip)
    try:
        entries = _entries(file, name, account)
    except LimitReachedError as reached:
        raise UnreadableDocumentError(str(reached)) from reached
    return None if entries is None else _items(entries, account)


def _packing(start: bytes) -> Packing | None:
    found = next((packing for packing in PACKINGS if start.startswith(packing.magic)), None)
    is_text = start.startswith(BZIP2_MAGIC) and start[4:10] not in _BZIP2_BLOCKS  # one may begin with these letters
    return None if is_text else found


def _entries(file: BinaryIO, name: str, account: Account) -> Iterator[Entry] | None:
    file.seek(0)
    start = file.read(START_BYTES)
    lower = name.lower()
    if packing := _packing(start):
        return _in_stream(file, packing, name, account)
    if start.startswith(_ZIP) or lower.endswith(".zip"):
        return zip_entries(file, account)
    if start[257:262] == b"ustar" or lower.endswith(".tar"):
        if not _may_be_tar(start):
            raise UnreadableDocumentError(BROKEN)
        return tar_entries(Plain(file), account)
    if starts_mbox(start, by_name=lower.endswith(_MBOX)):
        return mbox_entries(file, account)
    raise UnreadableDocumentError("is not the archive that its name says")


def _in_stream(file: BinaryIO, packing: Packing, name: str, account: Account) -> Iterator[Entry]:
    file.seek(0)
    start = Packed(file, packing, account).read(START_BYTES)
    file.seek(0)
    stream = Packed(file, packing, account)
    if name.lower().endswith(_TARS) and not _may_be_tar(start):
        raise UnreadableDocumentError(BROKEN)
    if starts_tar(start) or name.lower().endswith(_TARS):
        return tar_entries(stream, account)
    return _single(stream, name, account)


def _may_be_tar(start: bytes) -> bool:
    """Zeros are an empty one."""
    return starts_tar(start) or start == bytes(START_BYTES)


def _single(stream: Packed, name: str, account: Account) -> Iterator[Entry]:
    """The one file of a stream that is no tar, by the archive's name without its ending."""
    path = PurePosixPath(readable(name))
    endings = tuple(ending for packing in PACKINGS for ending in packing.endings)
    most = account.limits.max_member_bytes
    data = stream.read(most + 1)
    refused = f"has more than the {most / 1e6:.0f} MB that are read" if len(data) > most else ""
    title = path.stem if path.suffix.lower() in endings else path.name
    yield Entry(title, len(data), lambda: data, refused, in_stream=True)


def _items(entries: Iterator[Entry], account: Account) -> Iterator[Member | RejectedMember]:
    try:
        yield from _walked(entries, account, "", 0)
    except LimitReachedError as reached:
        remark = str(reached)
    else:
        nothing = account.left_out and not account.listed
        remark = "holds nothing to read: its files are hidden, built or empty" if nothing else ""
    if remark and account.gives_last():
        yield RejectedMember("", remark)


def _walked(entries: Iterator[Entry], account: Account, archive: str, depth: int) -> Iterator[Member | RejectedMember]:
    """The items of the archive at this path, `depth` archives deep."""
    try:
        for entry in entries:
            yield from _of_entry(entry, account, archive, depth)
    except UnreadableDocumentError as error:
        if account.gives():
            yield RejectedMember(archive, str(error))


def _of_entry(entry: Entry, account: Account, archive: str, depth: int) -> Iterator[Member | RejectedMember]:
    name = readable(entry.name)
    path = inside(name)
    nested = has_archive_name(name)
    empty = not (entry.size or entry.refused)
    if empty or (path and is_noise(path)):
        account.left_out += 1
        account.charge(entry.size if entry.in_stream else 0)
        return
    reason = entry.refused or _misplaced(entry, path) or account.too_large(entry.size)
    if nested and not reason and depth >= account.limits.max_depth:
        reason = f"is nested deeper than {account.limits.max_depth} archives"
    account.charge(entry.size if entry.in_stream or not reason else 0)
    title = shortened(f"{archive}/{path or name}" if archive else path or name)
    if nested and not reason:
        yield from _nested(entry, account, title, depth + 1)
    elif account.gives():  # a member that is passed over need not be read
        yield RejectedMember(title, reason) if reason else _read(entry, title)


def _misplaced(entry: Entry, path: str | None) -> str:
    if len(entry.name) > MAX_WRITTEN:
        return f"has a name of {len(entry.name):,} characters"
    return "leads out of the archive" if path is None else ""


def _read(entry: Entry, title: str) -> Member | RejectedMember:
    try:
        return Member(title, entry.read())
    except UnreadableDocumentError as error:
        return RejectedMember(title, str(error))


def _nested(entry: Entry, account: Account, title: str, depth: int) -> Iterator[Member | RejectedMember]:
    """Where an archive is passed over, what is in it still has to be counted."""
    item = _read(entry, title)
    if isinstance(item, Member):
        try:
            entries = _entries(BytesIO(item.data), title, account)
        except UnreadableDocumentError as error:
            item = RejectedMember(title, str(error))
        else:
            if entries is not None:
                yield from _walked(entries, account, title, depth)
                return
    if account.gives():
        yield item

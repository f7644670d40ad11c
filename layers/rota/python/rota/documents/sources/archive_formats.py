"""The formats of archives: which of them some bytes are, and the entries of each, in the archive's order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from rota.documents.sources.archive_entry import Entry
from rota.documents.sources.archive_limits import Account
from rota.documents.sources.archive_mbox import mbox_entries, starts_mbox
from rota.documents.sources.archive_names import readable
from rota.documents.sources.archive_streams import BZIP2_MAGIC, PACKINGS, Packed, Packing, Plain
from rota.documents.sources.archive_tar import BROKEN, starts_tar, tar_entries
from rota.documents.sources.archive_zip import zip_entries
from rota.errors import UnreadableDocumentError

START_BYTES = 512
"""So many first bytes of a file tell whether it is an archive."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second is the end, and all, of an empty one
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_TARS = (".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_MBOX = ".mbox"
ENDINGS = (".zip", ".tar", _MBOX, *(ending for packing in PACKINGS for ending in packing.endings))
"""Of the names that archives and packed files have, in lower case."""


def begins_zip(start: bytes) -> bool:
    """Whether these are the first bytes of a ZIP, or of a document that is one inside."""
    return start.startswith(_ZIP)


def begins_otherwise(start: bytes) -> bool:
    """Whether these 512 bytes begin another archive, or a packed file."""
    return _packing(start) is not None or _begins_tar(start) or starts_mbox(start)


def entries_of(file: BinaryIO, name: str, account: Account) -> Iterator[Entry] | None:
    """The files of an archive, from its beginning; None for a ZIP that is one document.

    Raises UnreadableDocumentError when not even its beginning can be read, LimitReachedError.
    """
    file.seek(0)
    start = file.read(START_BYTES)
    lower = name.lower()
    if packing := _packing(start):
        return _in_stream(file, packing, name, account)
    if begins_zip(start) or lower.endswith(".zip"):
        return zip_entries(file, account)
    if _begins_tar(start) or lower.endswith(".tar"):
        if not _may_be_tar(start):
            raise UnreadableDocumentError(BROKEN)
        return tar_entries(Plain(file), account)
    if starts_mbox(start, by_name=lower.endswith(_MBOX)):
        return mbox_entries(file, account)
    raise UnreadableDocumentError("is not the archive that its name says")


def _packing(start: bytes) -> Packing | None:
    found = next((packing for packing in PACKINGS if start.startswith(packing.magic)), None)
    is_text = start.startswith(BZIP2_MAGIC) and start[4:10] not in _BZIP2_BLOCKS  # one may begin with these letters
    return None if is_text else found


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


def _begins_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"


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

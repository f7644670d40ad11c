"""tar, read forwards with one header in memory.

The standard library parses the headers; the way through them is our own. Its class reads extended headers whole, of
whatever size, calls itself for each one that follows another, keeps every entry that it passed, and takes a broken
header in the middle for the end.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

from rota.documents.sources.archive_entry import Entry
from rota.documents.sources.archive_limits import Account
from rota.documents.sources.archive_names import decoded
from rota.documents.sources.archive_streams import CUT_SHORT, Packed, Plain
from rota.errors import UnreadableDocumentError

MAX_EXTENDED_BYTES = 1_000_000
"""An extended header: a path and some attributes, rarely more than a few kilobytes."""

BROKEN = "is a broken tar archive"
_EXTENDED = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_SPARSE = "GNU.sparse"
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE)


def starts_tar(block: bytes) -> bool:
    """Whether 512 bytes are the header of an entry, by their checksum."""
    try:
        _parsed(block)
    except tarfile.HeaderError:
        return False
    return True


def tar_entries(stream: Plain | Packed, account: Account) -> Iterator[Entry]:
    """Files in the archive's order. Raises UnreadableDocumentError where it breaks off."""
    extended: dict[str, str] = {}
    while block := stream.read(tarfile.BLOCKSIZE):
        if not block.strip(b"\0"):
            return
        account.pass_headers()
        header = _header(block)
        if header.type in _EXTENDED + _PAX:
            extended |= _read_extended(stream, header, account)
            continue
        if header.type == tarfile.GNUTYPE_SPARSE and block[482]:
            _pass_sparse_map(stream, account)
        left = _Left(stream, _size(header, extended))
        if not header.isdir():
            yield Entry(_name(header, extended), left.size, left.read, _refusal(header, extended), stream.packed)
        stream.pass_over(left.padded)
        extended = {}


def _parsed(block: bytes) -> tarfile.TarInfo:
    # Surrogates keep the bytes, so that the encoding can be judged by the whole name.
    return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        header = _parsed(block)
    except tarfile.HeaderError as error:
        raise UnreadableDocumentError(CUT_SHORT if len(block) < tarfile.BLOCKSIZE else BROKEN) from error
    if header.size < 0:  # would lead backwards, and so around in circles
        raise UnreadableDocumentError(BROKEN)
    return header


def _size(header: tarfile.TarInfo, extended: dict[str, str]) -> int:
    if header.isreg() or header.type not in tarfile.SUPPORTED_TYPES:
        return int(extended.get("size", header.size))
    return 0  # links and devices have no bytes, whatever they say


def _name(header: tarfile.TarInfo, extended: dict[str, str]) -> str:
    name = extended.get("GNU.sparse.name") or extended.get("path") or header.name
    return decoded(name.encode("utf-8", "surrogateescape"), "latin-1")


class _Left:
    """The `size` bytes of an entry; `padded` are those that nobody read yet, with those that fill the last block."""

    def __init__(self, stream: Plain | Packed, size: int) -> None:
        self._stream, self.size = stream, size
        self.padded = -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE

    def read(self) -> bytes:
        data = self._stream.read(self.size)
        self.padded -= len(data)
        if len(data) < self.size:
            raise UnreadableDocumentError(CUT_SHORT)
        return data


def _refusal(header: tarfile.TarInfo, extended: dict[str, str]) -> str:
    if header.issym() or header.islnk():
        return "is a link"
    if header.type == tarfile.GNUTYPE_SPARSE or _SPARSE in extended:
        return "is a sparse file, which is not read"
    return "" if header.isreg() else "is no regular file"


def _pass_sparse_map(stream: Plain | Packed, account: Account) -> None:
    more = True
    while more:
        account.pass_headers()
        block = stream.read(tarfile.BLOCKSIZE)
        if len(block) < tarfile.BLOCKSIZE:
            raise UnreadableDocumentError(CUT_SHORT)
        more = bool(block[504])


def _read_extended(stream: Plain | Packed, header: tarfile.TarInfo, account: Account) -> dict[str, str]:
    """What a header says of the next entry. Those of the whole archive carry remarks, which are passed over."""
    if header.size > MAX_EXTENDED_BYTES:
        raise UnreadableDocumentError(f"{BROKEN}: a header in it has {header.size / 1e6:.1f} MB")
    left = _Left(stream, header.size)
    account.charge(left.padded)
    data = left.read()
    stream.pass_over(left.padded)
    if header.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.partition(b"\0")[0].decode("utf-8", "surrogateescape")}
    return _records(data) if header.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE) else {}


def _records(data: bytes) -> dict[str, str]:
    """The records `<length> <key>=<value>\\n` that concern us; the length is that of the whole record."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        digits = data[at : at + 8].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        record = data[at : at + length]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if not equals or len(record) < length or not record.endswith(b"\n"):
            raise UnreadableDocumentError(BROKEN)
        if key in (b"path", b"size", b"GNU.sparse.name"):
            found[key.decode()] = value.decode("utf-8", "surrogateescape")
        elif key.startswith(b"GNU.sparse."):
            found[_SPARSE] = ""
        at += length
    if not found.get("size", "0").isdecimal() or len(found.get("size", "0")) > 20:
        raise UnreadableDocumentError(BROKEN)
    return found

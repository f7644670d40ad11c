"""ZIP: its directory is read at once, within a limit; its files one at a time."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO, RawIOBase
from itertools import pairwise
from typing import IO, BinaryIO, cast

from rota.documents.sources.archive_entry import Entry
from rota.documents.sources.archive_limits import Account
from rota.documents.sources.archive_names import decoded
from rota.errors import UnreadableDocumentError

_BROKEN = "is a broken ZIP archive"
_CONTENT_TYPES, _MEDIA_TYPE = "[Content_Types].xml", "mimetype"
_ENCRYPTED, _UTF_8 = 0x1, 0x800
_LOCAL_HEADER_BYTES = 30
_CHUNK_BYTES = 262_144
_UNIX = (3, 19)  # systems that keep the mode of a file: Unix, and macOS by its own number

# What zipfile lets through when the bytes are not what they should be. Reading the file itself raises OSError, which
# is no fault of the archive and is passed on.
_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OverflowError, ValueError)


def zip_entries(file: BinaryIO, account: Account) -> Iterator[Entry] | None:
    """Files in the directory's order, or None for one document that is a ZIP inside, such as .docx, .odt or .epub.

    Raises UnreadableDocumentError for a directory that is broken or too large, files that share their bytes, and an
    archive that is encrypted throughout.
    """
    try:
        archive = zipfile.ZipFile(cast("IO[bytes]", _Bounded(file, account.limits.max_directory_bytes)))
    except _FAULTS as error:
        raise UnreadableDocumentError(_BROKEN) from error
    every = archive.infolist()
    account.pass_headers(len(every))
    if _is_one_document(every):
        return None
    _check_apart(every)
    files = [info for info in every if not _is_folder(info)]
    if files and all(info.flag_bits & _ENCRYPTED for info in files):
        raise UnreadableDocumentError("is encrypted")
    return (Entry(_name(info), info.file_size, partial(_read, archive, info), _refusal(info)) for info in files)


def _is_one_document(every: Sequence[zipfile.ZipInfo]) -> bool:
    """OpenDocument and EPUB lay their media type before all else; elsewhere that name may be any file's."""
    first = min(every, key=lambda info: info.header_offset, default=None)
    begins = first is not None and first.filename == _MEDIA_TYPE
    return begins or any(info.filename == _CONTENT_TYPES for info in every)


class _Bounded(RawIOBase):
    """A file for zipfile: refuses to read a directory into memory that is too large, or to go where nothing is."""

    def __init__(self, file: BinaryIO, max_read_bytes: int) -> None:
        self._file, self._max_read_bytes = file, max_read_bytes
        self._size = file.seek(0, 2)

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        position = offset + (0, self._file.tell(), self._size)[whence]
        if not 0 <= position <= self._size:
            # From the end of a small file zipfile tries places that there are not, and takes an OSError for an answer.
            raise OSError("before the file") if whence == 2 else zipfile.BadZipFile("nothing is there")
        return self._file.seek(position)

    def read(self, size: int = -1) -> bytes:
        most = self._max_read_bytes
        if size > most:
            raise UnreadableDocumentError(
                f"has a directory of {size / 1e6:.1f} MB; at most {most / 1e6:.0f} MB are read"
            )
        return self._file.read(size)


def _check_apart(every: Sequence[zipfile.ZipInfo]) -> None:
    """Files that share their bytes are how a small archive is made to hold endless ones, and nothing else."""
    spans = sorted(
        (info.header_offset, info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size) for info in every
    )
    if any(after[0] < before[1] for before, after in pairwise(spans)):
        raise UnreadableDocumentError(f"{_BROKEN}: files in it overlap")


def _name(info: zipfile.ZipInfo) -> str:
    """Many programs write UTF-8 and do not say so."""
    if info.flag_bits & _UTF_8 or info.filename.isascii():
        return info.filename
    try:
        return decoded(info.filename.encode("cp437"), "cp437")
    except UnicodeEncodeError:  # an extra field had the name, and zipfile took it from there
        return info.filename


def _kind(info: zipfile.ZipInfo) -> int:
    return stat.S_IFMT(info.external_attr >> 16) if info.create_system in _UNIX else 0


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith(("/", "\\")) or stat.S_ISDIR(_kind(info))


def _refusal(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if stat.S_ISLNK(_kind(info)):
        return "is a link"
    if _kind(info) not in (0, stat.S_IFREG):
        return "is no regular file"
    # zipfile unpacks bzip2 and LZMA without a bound on memory.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in a way that is not read"
    return ""


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """zipfile gives no more bytes than the directory says, and compares their checksum."""
    held = BytesIO()
    try:
        with archive.open(info) as file:
            while chunk := file.read(_CHUNK_BYTES):
                held.write(chunk)
    except (*_FAULTS, RuntimeError) as error:
        raise UnreadableDocumentError("is broken") from error
    return held.getvalue()

"""gzip, bzip2 and xz, unpacked forwards in small units: memory stays the same however much a few bytes stand for.

The file classes of the standard library would do but for two things: that of xz takes the memory that a file asks for
(up to 4 GB), and that of gzip reads a header byte by byte, however long its name is.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Protocol

from rota.documents.sources.archive_limits import Account
from rota.errors import UnreadableDocumentError

UNIT_BYTES = 65_536

XZ_MEMORY_BYTES = 80_000_000
"""What unpacking xz may take: its strongest preset needs 65 MiB."""

CUT_SHORT = "is cut short"


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the interface of the other two."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


@dataclass(frozen=True, slots=True)
class Packing:
    """A way to pack one stream of bytes: its first bytes, the endings of names that announce it, and what is said of
    a file that cannot be unpacked."""

    magic: bytes
    endings: tuple[str, ...]
    new: Callable[[], _Decompressor]
    broken: str


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)


BZIP2_MAGIC = b"BZh"
PACKINGS = (
    Packing(b"\x1f\x8b\x08", (".gz", ".tgz"), _Gzip, "is a broken gzip file"),
    Packing(BZIP2_MAGIC, (".bz2", ".tbz", ".tbz2"), bz2.BZ2Decompressor, "is a broken bzip2 file"),
    Packing(
        b"\xfd7zXZ\x00",
        (".xz", ".txz"),
        _xz,
        f"is an xz file that is broken, or needs more than {XZ_MEMORY_BYTES / 1e6:.0f} MB of memory",
    ),
)


class Plain:
    """A file that is not packed, read forwards; passing over is free."""

    packed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        file.seek(0)

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""
        return self._file.read(size)

    def pass_over(self, size: int) -> None:
        """Go forwards. Raises UnreadableDocumentError when there are not so many bytes."""
        position = self._file.tell() + size
        if position > self._size:
            raise UnreadableDocumentError(CUT_SHORT)
        self._file.seek(position)


class Packed:
    """A packed file, unpacked as it is read. Streams that follow each other are one, as their own programs have it."""

    packed = True

    def __init__(self, file: BinaryIO, packing: Packing, account: Account) -> None:
        self._file, self._packing, self._account = file, packing, account
        self._stream = packing.new()
        self._rest = b""
        self._unit, self._at = b"", 0
        self._ended = False
        self._failure = ""

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end. Raises UnreadableDocumentError for a broken file, and ever after."""
        held = BytesIO()
        for piece in self._pieces(size):
            held.write(piece)
        return held.getvalue()

    def pass_over(self, size: int) -> None:
        """Unpack and forget. Raises UnreadableDocumentError when there are not so many bytes."""
        if sum(map(len, self._pieces(size))) < size:
            raise UnreadableDocumentError(CUT_SHORT)

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size > 0:
            if self._at == len(self._unit):
                self._unit, self._at = self._next_unit(), 0
                if not self._unit:
                    return
            piece = self._unit[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def _next_unit(self) -> bytes:
        while not self._ended:
            if self._failure:
                raise UnreadableDocumentError(self._failure)
            if self._stream.eof:
                self._start_next_stream()
            elif unit := self._decompressed():
                return unit
        return b""

    def _decompressed(self) -> bytes:
        wants = self._stream.needs_input
        data, self._rest = self._rest or (self._file.read(UNIT_BYTES) if wants else b""), b""
        try:
            unit = self._stream.decompress(data, UNIT_BYTES)
        except (zlib.error, lzma.LZMAError, OSError, ValueError):  # bzip2 reports broken data as the latter two
            self._failure = self._packing.broken
            return b""
        if wants and not (data or unit or self._stream.eof):
            self._failure = CUT_SHORT
        return unit

    def _start_next_stream(self) -> None:
        """What follows and is no stream is not part of the file; zeros may pad it."""
        magic = self._packing.magic
        rest = self._stream.unused_data.lstrip(b"\0")
        while len(rest) < len(magic) and (more := self._file.read(UNIT_BYTES)):
            rest = (rest + more).lstrip(b"\0")
        if not rest.startswith(magic):
            self._ended = True
            return
        self._account.pass_headers()
        self._stream, self._rest = self._packing.new(), rest

"""Messages between a process and its child: a header in JSON and a body of bytes, each behind its length."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_LENGTHS = struct.Struct(">II")
MAX_BODY_BYTES = 64_000_000
"""Longer ones are not of our making: a file has at most 20 MB with all that is attached, a text 6 million
characters of at most four bytes."""


def write_message(stream: IO[bytes], header: dict[str, Any], body: bytes) -> None:
    """Send a message. Raises OSError when nobody is there to read it."""
    encoded = json.dumps(header).encode()
    stream.write(_LENGTHS.pack(len(encoded), len(body)) + encoded)
    stream.write(body)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """The next message. Raises EOFError when the other side ended before or within it, ValueError for rubbish."""
    header_bytes, body_bytes = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if max(header_bytes, body_bytes) > MAX_BODY_BYTES:
        raise ValueError(f"a message of {header_bytes + body_bytes:,} bytes")
    header: dict[str, Any] = json.loads(_exactly(stream, header_bytes))
    return header, _exactly(stream, body_bytes)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data

"""A urllib3 pool whose total time-out holds for the whole exchange.

urllib3 restarts its read time-out with every chunk, so a server that drips a byte now and then could hold a call for
ever. Here each read of a response, headers included, waits only for what is left of the total.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _DeadlineReader(io.RawIOBase):
    """The socket's own reader, with its time-out set anew before each read."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock = sock
        self._raw: io.RawIOBase = sock.makefile("rb", buffering=0)
        self._deadline_s = deadline_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the total time-out is over")
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineSocket:
    """What `http.client.HTTPResponse` needs of a socket: its reader."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._reader = _DeadlineReader(sock, deadline_s)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


class _Deadline(HTTPConnection):
    """Both kinds of connection; urllib3 leaves in `timeout` what remains of the total before it reads."""

    def response_class(self, sock: socket.socket, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:  # type: ignore[override]  # http.client only ever calls it
        deadline_s = time.monotonic() + (self.timeout or 0)
        wrapped: Any = _DeadlineSocket(sock, deadline_s)
        return http.client.HTTPResponse(wrapped, *args, **kwargs)


class _DeadlineHTTPSConnection(_Deadline, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _Deadline


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _DeadlineHTTPSConnection


def deadline_pool(connections: int) -> urllib3.PoolManager:
    """A pool without retries that keeps `connections` open per host; give each request a `Timeout(total=…)`."""
    pool = urllib3.PoolManager(maxsize=connections, retries=False)
    pool.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return pool

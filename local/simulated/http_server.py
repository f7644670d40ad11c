"""A small HTTP/1.1 server on asyncio: keep-alive, JSON in and out, and answers that misbehave on purpose."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 32 * 1024 * 1024
DRIP_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Request:
    """One request: decoded path, lower-case header names, whole body; `gone` returns when the client hangs up."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    gone: Callable[[], Awaitable[object]]

    def json(self) -> Any:
        """The parsed body; raises ValueError when it is not JSON."""
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: sent whole, dripped byte by byte, or withheld by closing the connection."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Literal["whole", "drip", "close"] = "whole"

    @classmethod
    def of_json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
        """A JSON answer."""
        return cls(status, json.dumps(value).encode(), {"content-type": "application/json", **(headers or {})})

    def encoded(self) -> bytes:
        """Head and body as they go over the wire."""
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = "Vendor Status"  # Groq's 498 is in no registry
        lines = [f"HTTP/1.1 {self.status} {reason}", f"content-length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


Handler = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Serves `handle` on 127.0.0.1, many connections at once in one thread."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port (0 asks for a free one)."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=MAX_HEAD_BYTES, backlog=1024)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening and drop every connection, also those that hang on purpose."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the client left, sends nonsense, or the server is being stopped
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await _read(reader)
            response = await self._answer(request) if isinstance(request, Request) else request
            if response.delivery == "close":
                return
            if response.delivery == "drip":
                await _drip(writer, response.encoded())
                return
            writer.write(response.encoded())
            await writer.drain()
            if not isinstance(request, Request) or request.headers.get("connection", "").lower() == "close":
                return

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handle(request)
        except Exception:  # noqa: BLE001 - one broken call must not take the vendor down; its trace goes to the log
            traceback.print_exc()
            return Response.of_json(500, {"message": "the simulator itself failed; its log says why"})


async def _read(reader: asyncio.StreamReader) -> Request | Response:
    """The next request of a connection, or the answer that ends it. IncompleteReadError when there is none."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    words = start.split(" ")
    length = headers.get("content-length", "0")
    if len(words) != 3 or not length.isdecimal():
        return Response.of_json(400, {"message": "not an HTTP/1.1 request"})
    if "transfer-encoding" in headers or int(length) > MAX_BODY_BYTES:
        return Response.of_json(413, {"message": f"send at most {MAX_BODY_BYTES} bytes, with a content-length"})
    body = await reader.readexactly(int(length))
    url = urlsplit(words[1])
    return Request(words[0], unquote(url.path), dict(parse_qsl(url.query)), headers, body, reader.read)


async def _drip(writer: asyncio.StreamWriter, encoded: bytes) -> None:
    for at in range(len(encoded)):
        writer.write(encoded[at : at + 1])
        await writer.drain()
        await asyncio.sleep(DRIP_PAUSE_S)

"""A vendor that answers every connection with the same bytes, however impolite, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

DRIP_PAUSE_S = 0.02


def http_answer(status: int, body: bytes | dict[str, Any], headers: Mapping[str, str] | None = None) -> bytes:
    """An HTTP/1.1 answer with a content-length; dictionaries become JSON."""
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Some Reason", f"content-length: {len(encoded)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + encoded


def chat_answer(text: str = "hello", **changes: Any) -> dict[str, Any]:
    """A chat completion; `changes` replace its top-level fields."""
    return {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107},
        **changes,
    }


class CannedVendor:
    """Listens on a free loopback port; `with CannedVendor(answer) as vendor: vendor.url`.

    `drip_from` sends the answer byte by byte from that offset on; an empty answer hangs until the client leaves;
    `pause_s` passes before it reads a request's body.
    """

    def __init__(
        self, answer: bytes, drip_from: int | None = None, tls: ssl.SSLContext | None = None, pause_s: float = 0
    ) -> None:
        self._answer = answer
        self._pause_s = pause_s
        self._tls = tls
        self._drip_from = len(answer) if drip_from is None else drip_from
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._ended = threading.Event()
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.connections = 0
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> CannedVendor:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            while self._read(stream):
                if not self._answer:
                    stream.read()
                    return
                connection.sendall(self._answer[: self._drip_from])
                for at in range(self._drip_from, len(self._answer)):
                    if self._ended.wait(DRIP_PAUSE_S):
                        return
                    connection.sendall(self._answer[at : at + 1])
                if b"connection: close" in self._answer:
                    return

    def _read(self, stream: Any) -> bool:
        start = stream.readline().decode()
        headers: dict[str, str] = {}
        while (line := stream.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self._ended.wait(self._pause_s)
        body = stream.read(int(headers.get("content-length", "0")))
        if start:
            self.requests.append((start.strip(), headers, json.loads(body)))
        return bool(start)

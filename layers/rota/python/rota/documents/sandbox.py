"""The parsers of source files in a process of their own, with limits of time and memory.

A file can be made to break a parser: 20 KB of nested `<` take tree-sitter's grammar for Java 900 MB, 300 KB of casts
take the one for TypeScript minutes, and others end in a fault. Here that ends the process, the file is not analysed,
and the next one gets a new process.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

from rota.documents.code.imports import can_analyse, imports

FILE_S = 2
"""Processor time for one file, to the second. The longest that are analysed take 0.2 s."""

MEMORY_BYTES = 400_000_000
"""Address space of the process. The longest files in Python take 200 MB; the function that gathers has 1,024 MB."""

ALL_FILES_S = 100.0
"""Time for all files of a job; those that come after it are not analysed. The gathering function has 300 s, and 0.57
of a processor, on which 100 s are 7,500 files of 20 KB."""

_MAIN = "import sys; sys.path[:] = sys.argv[1:]; from rota.documents.sandbox import serve; serve()"


class Parsers:
    """Analyses one file after the other, not for several threads at once.

    The process starts with the first file that has a parser, and ends with the context.
    """

    def __init__(self, all_files_s: float = ALL_FILES_S) -> None:
        self._left_s = all_files_s
        self._process: subprocess.Popen[bytes] | None = None

    def imports(self, title: str, text: str) -> list[str] | None:
        """`rota.documents.code.imports.imports`, and None also for a file that broke its parser, or came too late."""
        if self._left_s <= 0 or not can_analyse(title, text):
            return None
        start = time.monotonic()
        try:
            return self._asked(title, text)
        except (OSError, EOFError, ValueError):  # the process ended before its reply, or within it
            self._end()
            return None
        finally:
            self._left_s -= time.monotonic() - start

    def _asked(self, title: str, text: str) -> list[str] | None:
        if self._process is None:
            command = [sys.executable, "-I", "-c", _MAIN, *sys.path]
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and words
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        requests, replies = self._process.stdin, self._process.stdout
        if requests is None or replies is None:
            raise EOFError
        requests.write(json.dumps([title, text]).encode() + b"\n")
        requests.flush()
        reply = replies.readline()
        if not reply:
            raise EOFError
        return cast("list[str] | None", json.loads(reply))

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(OSError):  # what was not written to a process that ended
                process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()


def serve() -> None:
    """The process: a line of JSON with title and text comes in, one with the imports or null goes out."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # macOS does not know it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in sys.stdin.buffer:
        title, text = json.loads(line)
        until_s = math.ceil(time.process_time()) + FILE_S
        resource.setrlimit(resource.RLIMIT_CPU, (until_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        sys.stdout.write(json.dumps(imports(title, text)) + "\n")
        sys.stdout.flush()

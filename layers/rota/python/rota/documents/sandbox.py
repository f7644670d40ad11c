"""Readers and parsers of files in a process of their own, with limits of time and memory.

A file can be made to break what reads it: 1 MB of nested `<div>` keep an HTML parser busy for more than a minute,
20 KB of nested `<` take tree-sitter's grammar for Java 900 MB, and others end in a fault. Here that ends the process,
the file is refused with the reason, and the next one gets a new process. Its environment holds no credentials, and it
writes no byte into a file.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any, Self

from rota.documents.code.imports import can_analyse
from rota.documents.frames import read_message, write_message
from rota.documents.reading.read import ReadLimits, ReadText, too_large
from rota.documents.sandboxed import NO_MEMORY
from rota.errors import UnreadableDocumentError

READ_S = 20
"""Processor time to read one file. On a busy laptop: 4.6 s for HTML of 5 MB with 2.8 million characters, 3.4 s for
a PDF of 1,500 pages, 2.8 s for DOCX of 3.5 million characters, 0.4 s for 5 MB of text."""

IMPORTS_S = 2
"""Likewise to analyse one. The longest that are analysed take 0.2 s."""

WAITING_S = 10
"""So much longer may a file take by the clock, where the processor is shared."""

ALL_IMPORTS_S = 100.0
"""Time to analyse all files of a job; those that come after it are not. On 0.57 of a processor
100 s are 7,500 files of 20 KB; the function that gathers has a whole one."""

ENDING_S = 5
"""Time for a process that closed its pipes to end."""

MEMORY_BYTES = 800_000_000
"""Address space of the process, of which 60 MB are Python and its readers. The function that gathers has 1,769 MB, and
needs by estimate up to 700 MB itself, for eight files on their way in and eight documents on their way out."""

BREAKS = "breaks its reader"
"""Said of a file whose reader ended in a fault."""

_MAIN = "import sys; sys.path[:] = sys.argv[2:]; from rota.documents.sandboxed import serve; serve(int(sys.argv[1]))"
_KEPT = ("LD_LIBRARY_PATH",)  # where Lambda's Python has its own library
_OUT_OF_MEMORY = (NO_MEMORY, -signal.SIGKILL)  # the kernel ends whoever takes the machine's last memory


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of a processor to read and to analyse one file, and how much longer by the clock; bytes of memory."""

    read_s: int = READ_S
    imports_s: int = IMPORTS_S
    waiting_s: float = WAITING_S
    all_imports_s: float = ALL_IMPORTS_S
    memory_bytes: int = MEMORY_BYTES


class _BrokenError(Exception):
    """The process ended without a reply; the message completes "<file> …"."""


class Sandbox:
    """Reads and analyses one file after the other, not for several threads at once.

    The process starts with the first file, and ends with the context.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._left_s = self._limits.all_imports_s
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, data: bytes, name: str, media_type: str = "", limits: ReadLimits | None = None) -> ReadText:
        """`rota.documents.reading.read.read_document`: also raises UnreadableDocumentError for a file that takes too
        long, needs too much memory, or breaks its reader. Raises OSError when no process can be started."""
        limits = limits or ReadLimits()
        if len(data) > limits.max_bytes:
            raise UnreadableDocumentError(too_large(len(data), limits))
        question = {
            "do": "read",
            "name": name,
            "media_type": media_type,
            "limits": [limits.max_bytes, limits.max_pages, limits.max_characters],
            "cpu_s": self._limits.read_s,
        }
        try:
            return _read(*self._asked(question, data, self._limits.read_s))
        except _BrokenError as error:
            raise UnreadableDocumentError(str(error)) from error
        except (KeyError, TypeError, ValueError) as error:  # an answer that is none of `sandboxed`: who wrote it?
            self._end()
            raise UnreadableDocumentError(BREAKS) from error

    def imports(self, title: str, text: str) -> list[str] | None:
        """`rota.documents.code.imports.imports`, and None also for a file that broke its parser, or came too late."""
        if self._left_s <= 0 or not can_analyse(title, text):
            return None
        question = {"do": "imports", "title": title, "cpu_s": self._limits.imports_s}
        start = time.monotonic()
        try:
            answer, _ = self._asked(question, text.encode("utf-8", "surrogatepass"), self._limits.imports_s)
            found: list[str] | None = answer["imports"]
        except (_BrokenError, OSError, KeyError, ValueError):  # not worth a word: the file is read all the same
            self._end()
            return None
        finally:
            self._left_s -= time.monotonic() - start
        return found

    def _asked(self, question: dict[str, Any], body: bytes, cpu_s: int) -> tuple[dict[str, Any], bytes]:
        """The process's answer. Raises _BrokenError when it ends without one, and OSError when none can be started."""
        process = self._process = self._process or _start(self._limits.memory_bytes)
        watch = _Watch(process, cpu_s + self._limits.waiting_s)
        try:
            return _exchange(process, question, body)
        except (OSError, EOFError) as error:
            reason = _why(process, watch, cpu_s)
            self._end()
            raise _BrokenError(reason) from error
        finally:
            watch.cancel()
            if watch.is_over:  # perhaps just after the answer
                self._end()

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


class _Watch:
    """Ends a process by the clock: one that sleeps uses no processor time."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.seconds = seconds
        self.is_over = False
        self._process = process
        self._timer = Timer(seconds, self._over)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """No longer watch."""
        self._timer.cancel()

    def _over(self) -> None:
        self.is_over = True
        self._process.kill()


def _start(memory_bytes: int) -> subprocess.Popen[bytes]:
    # Isolated, without site packages of its own (`sys.path` names them), without caches to write.
    command = [sys.executable, "-I", "-S", "-B", "-c", _MAIN, str(memory_bytes)]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and words
        [*command, *(str(Path(place).resolve()) for place in sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        cwd="/",
    )


def _read(answer: dict[str, Any], body: bytes) -> ReadText:
    if "refused" in answer:
        raise UnreadableDocumentError(answer["refused"])
    ends = list(accumulate(answer["sizes"]))
    text, *files = (body[start:end] for start, end in pairwise([0, *ends]))
    attachments = tuple(zip(map(str, answer["attachments"]), files, strict=True))
    return ReadText(text.decode("utf-8"), answer["media_type"], answer["title"], tuple(answer["pages"]), attachments)


def _exchange(process: subprocess.Popen[bytes], question: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    write_message(process.stdin, question, body)
    return read_message(process.stdout)


def _why(process: subprocess.Popen[bytes], watch: _Watch, cpu_s: int) -> str:
    """What a person is told of a process that ended before its answer."""
    with suppress(subprocess.TimeoutExpired):  # it closed its pipes and goes on
        process.wait(ENDING_S)
    if watch.is_over:
        return f"took longer than {math.ceil(watch.seconds)} s to read"
    if process.returncode == -signal.SIGXCPU:
        return f"took longer than {cpu_s} s to read"
    return "needs too much memory to read" if process.returncode in _OUT_OF_MEMORY else BREAKS

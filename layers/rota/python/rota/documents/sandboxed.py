"""The process in the sandbox: a file comes in, its text or its imports go out, until a limit ends it."""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from contextlib import suppress
from typing import Any

from rota.documents.code.imports import imports
from rota.documents.frames import read_message, write_message
from rota.documents.reading.read import ReadLimits, read_document
from rota.errors import UnreadableDocumentError

NO_MEMORY = 77
"""The process ends with this status when Python found no memory for an object."""


def serve(memory_bytes: int) -> None:
    """Answer questions on standard input until it is closed."""
    # Nothing that a library prints may come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit(memory_bytes)
    while True:
        try:
            question, body = read_message(sys.stdin.buffer)
        except EOFError:
            return
        until_s = math.ceil(time.process_time()) + question["cpu_s"]
        resource.setrlimit(resource.RLIMIT_CPU, (until_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        try:
            write_message(answers, *_answer(question, body))
        except MemoryError:
            os._exit(NO_MEMORY)


def _limit(memory_bytes: int) -> None:
    """No dumps of memory, no file with a byte in it, no further process, and so much memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with suppress(ValueError, OSError):  # where a system does not know one
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _answer(question: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    if question["do"] == "imports":
        return {"imports": imports(question["title"], body.decode("utf-8", "surrogatepass"))}, b""
    try:
        read = read_document(body, question["name"], question["media_type"], ReadLimits(*question["limits"]))
    except UnreadableDocumentError as error:
        return {"refused": str(error)}, b""
    parts = [read.text.encode("utf-8"), *(data for _, data in read.attachments)]
    names = [name for name, _ in read.attachments]
    about = {"media_type": read.media_type, "title": read.title, "pages": read.pages, "attachments": names}
    return {**about, "sizes": list(map(len, parts))}, b"".join(parts)

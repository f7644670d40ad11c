"""Failures as sentences: what `rota` prints to a person before it exits with a code other than zero."""

from __future__ import annotations

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


class CliError(Exception):
    """The command cannot go on; the message is a whole sentence that says what to do."""

    exit_code = FAILED


class MisuseError(CliError):
    """What was typed can never be meant; as the parser says it of what it can see itself."""

    exit_code = MISUSED


class ApiError(CliError):
    """The API refused; `status` is HTTP's (0 when there was no answer), `code` Rota's stable name of the error."""

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

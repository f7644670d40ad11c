"""The names of an archive's entries as titles: in one form, with nothing that misleads the eye or leads elsewhere."""

from __future__ import annotations

import re
import unicodedata

MAX_PATH = 200
"""Characters of a path that is given; longer ones keep their end, which says what kind of file it is."""

MAX_WRITTEN = 4096
"""Characters of a name in an archive, which is what Linux takes. Some formats take any number, and each costs time."""

_ABSOLUTE = re.compile(r"/|[A-Za-z]:")
# Characters that set, embed, override or isolate the direction of what follows, and those of no width.
_MISLEADING = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_UNPRINTABLE = frozenset(("Cc", "Cs", "Zl", "Zp"))


def readable(raw: str) -> str:
    """An entry's name with forward slashes, without control characters, lone surrogates and tricks of direction.

    Of one longer than `MAX_WRITTEN` it is the end.
    """
    text = raw[-MAX_WRITTEN:].replace("\\", "/")
    if not text.isascii():
        text = unicodedata.normalize("NFC", _MISLEADING.sub("", text))
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(one) in _UNPRINTABLE else one for one in text)
    return " ".join(text.split())


def inside(name: str) -> str | None:
    """A readable name with `.` and `..` resolved, `untitled` when nothing is left; None when it leads out."""
    if _ABSOLUTE.match(name):
        return None
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts) or "untitled"


def shortened(path: str) -> str:
    """The path, or its end when it is overlong."""
    return path if len(path) <= MAX_PATH else f"…{path[1 - MAX_PATH :]}"


def decoded(name: bytes, otherwise: str) -> str:
    """A name of an encoding that was not declared: UTF-8 if it can be, else the one that the format grew up with."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode(otherwise, "replace")

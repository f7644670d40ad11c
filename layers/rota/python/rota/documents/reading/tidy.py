"""Text as it is stored: line feeds only, nothing that is invisible or not Unicode."""

from __future__ import annotations

import re

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""What no text holds, and files of other kinds do."""

TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n\x08]\x08")
"""Colours and movements of a terminal, and a letter that another one is typed over, as in logs and manuals."""

# A trailing run is tried at its first character only, and kept whole: 20 MB of spaces take the time of one pass.
_TRAILING = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]++$", re.MULTILINE)
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_EMPTY_LINES = re.compile(r"\n{4,}")


def tidy(text: str) -> str:
    """Text that JSON and prompts can carry, each line in its place. Tidy text stays as it is."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    text = _SURROGATES.sub("\ufffd", CONTROLS.sub("", TERMINAL.sub("", text)))
    return _TRAILING.sub("", text).rstrip("\n")


def compact(text: str) -> str:
    """Tidy text without heaps of empty lines, for text whose lines are nobody's: pages, letters, office documents."""
    return _EMPTY_LINES.sub("\n\n\n", tidy(text.replace("\f", "\n\n"))).strip("\n")


def sane_title(title: str) -> str:
    """A title on one line, or an empty string for one that says nothing: none, too long, or a program's own."""
    title = " ".join(tidy(title).split())
    return "" if len(title) > MAX_TITLE or _SAYS_NOTHING.search(title) else title


MAX_TITLE = 300
"""Characters; longer ones are a page's first paragraph, or an attempt."""

_SAYS_NOTHING = re.compile(
    r"^(?:untitled|unbenannt|document|dokument|title|index|slide|presentation|microsoft word|powerpoint)\b[\s\d-]*$"
    r"|^microsoft (?:word|powerpoint|excel) - |\.(?:docx?|pdf|pptx?|xlsx?|tex|dvi|indd|qxd|rtf|odt)$|[/\\]\w+\.\w+$",
    re.IGNORECASE,
)

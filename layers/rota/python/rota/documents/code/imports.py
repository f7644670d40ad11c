"""What a source file imports, found by a parser of its language; a language without one is not analysed.

Names are as the language writes them, for only the other files of the job tell what they lead to:

    Python   `a.b` for `import a.b`, `a.b.c` for `from a.b import c` (module or not), `a.b` for a star, `..a`
    Java     `a.b.C`, `a.b.*`
    Rust     `crate::a::B`, one for each name of a list; `self::a` for `mod a;`
    C, C++   `a/b.h` in quotes, `<a/b.h>` in brackets
    others   the string: `./a`, `react`, `example.com/module/package`

Parsers of text that nobody vouches for belong into a process of their own: `rota.documents.sandbox`.
"""

from __future__ import annotations

from rota.documents.code.files import family, suffix
from rota.documents.code.imports_python import python_imports

MAX_CHARACTERS = 300_000
"""Longer files are not analysed. CPython's longest module has 230,000; an `ast` takes up to 600 bytes a character."""

MAX_IMPORTS = 300
"""So many are kept of one file, far above what a score distinguishes: they are stored with every document."""

MAX_NAME = 200
"""Longer names are left out: no path within a job is longer."""


def can_analyse(title: str, text: str) -> bool:
    """Whether there is a parser for this file, and the file is not too long for it."""
    return family(title) != "" and len(text) <= MAX_CHARACTERS


def imports(title: str, text: str) -> list[str] | None:
    """What a file imports, each name once; None when it was not analysed: `can_analyse`, or it does not parse."""
    names = _names(title, text) if can_analyse(title, text) else None
    if names is None:
        return None
    return list(dict.fromkeys(name for name in names if 0 < len(name) <= MAX_NAME))[:MAX_IMPORTS]


def _names(title: str, text: str) -> list[str] | None:
    if family(title) == "python":
        return python_imports(text)
    from rota.documents.code.imports_syntax import syntax_imports

    return syntax_imports(suffix(title), text)

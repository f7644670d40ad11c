"""What a title says about a document: whether it is code, in which language, and whether core, test or less."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

from rota.documents.reading.kinds import AS_WRITTEN

Kind = Literal["core", "test", "generated", "config", "docs"]

_FAMILIES = {
    "python": ".py .pyi .pyw",
    "javascript": ".js .mjs .cjs .jsx .ts .mts .cts .tsx",
    "java": ".java",
    "go": ".go",
    "rust": ".rs",
    "c": ".c .h .cc .cpp .cxx .hh .hpp .hxx",
    "": ".vue .svelte .kt .kts .scala .groovy .clj .cljs .m .mm .swift .zig .cs .fs .vb .rb .php .pl .pm .lua .r "
    ".jl .dart .ex .exs .erl .hs .ml .mli .elm .nim .f90 .f .pas .adb .ads .asm .s .sh .bash .zsh .ps1 .sql "
    ".proto .tf .sol",
}
"""Endings by the way of importing; the last are not analysed. Data, markup and styles (.json .html) are no code."""

_FAMILY = {ending: family for family, endings in _FAMILIES.items() for ending in endings.split()}

# Conventions of test runners, generators and build tools, by folder or by name. The first that fits decides.
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "generated",
        re.compile(
            r"(?i:(?:^|/)(?:generated|node_modules|vendor|third_party|dist|migrations)/)"
            r"|_pb2(?:_grpc)?\.pyi?$|\.pb\.\w+$|[._-](?:generated|gen|min|bundle)\.\w+$"
        ),
    ),
    (
        "test",
        re.compile(
            r"(?i:(?:^|/)(?:tests?|__tests__|specs?|testdata|fixtures)/)"
            r"|(?:^|/)(?:test_[^/]*|conftest)\.\w+$|[._-](?:test|tests|spec)\.\w+$|\w(?:Tests?|Spec)\.\w+$"
        ),
    ),
    ("docs", re.compile(r"(?i:(?:^|/)(?:docs?|examples?|samples?|demos?)/)")),
    ("config", re.compile(r"(?i:(?:^|/)(?:setup\.py|conf\.py|noxfile\.py|(?:gulp|grunt)file\.\w+)$|\.config\.\w+$)")),
)


def suffix(title: str) -> str:
    """The ending of a title that tells its language: lower case, with its dot."""
    return PurePosixPath(title).suffix.lower()


def is_code(title: str) -> bool:
    """Whether a file is source code, by the ending of its title."""
    return suffix(title) in _FAMILY


def is_source(title: str, media_type: str) -> bool:
    """Whether a document that was read as this media type is source code.

    Pages, PDFs, mails and the like never are: they are called "Introduction to Node.js", or lie at /viewtopic.php.
    """
    return media_type in AS_WRITTEN and is_code(title)


def family(title: str) -> str:
    """The languages that a source file shares its imports with, such as `python`; empty when they are not analysed."""
    return _FAMILY.get(suffix(title), "")


def kind(title: str) -> Kind:
    """What a source file is for, by its path: `core` unless a convention says otherwise."""
    return next((kind for kind, pattern in _KINDS if pattern.search(title)), "core")

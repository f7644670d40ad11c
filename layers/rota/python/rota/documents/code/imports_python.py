"""The imports of a Python file, by Python's own parser: everywhere in it, inside functions and conditions too."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
"""Where statements hold statements. Expressions are not walked: they import nothing, and are most of a tree."""


def python_imports(text: str) -> list[str] | None:
    """Names as `rota.documents.code.imports` writes them; None for text that is not Python 3 of this interpreter."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that will be errors one day
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # ValueError: a zero byte
        return None
    return [name for statement in _statements(tree) for name in _imported(statement)]


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All statements in their order. A chain of `elif` is as deep as it is long, so nothing recurses here."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        held = [child for block in _BLOCKS for child in getattr(node, block, ())]
        waiting.extend(reversed(held))


def _imported(statement: ast.AST) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom) and statement.module != "__future__":
        module = "." * statement.level + (statement.module or "")
        for alias in statement.names:
            yield module if alias.name == "*" else f"{module}{'' if module.endswith('.') else '.'}{alias.name}"

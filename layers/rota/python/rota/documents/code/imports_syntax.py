"""The imports of JavaScript, TypeScript, Java, Go, Rust, C and C++, by tree-sitter, wherever its grammars see one.

A grammar recovers from errors, so code with a mistake in it, or with a dialect's extras, is analysed around them.
Imported with the first such file: loading the grammars takes 30 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import tree_sitter_c
import tree_sitter_cpp
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Query, QueryCursor

MAX_NAME = 200
"""Longer paths are not followed into their lists."""

_IN_QUOTES = "(string (string_fragment) @name)"
_JAVASCRIPT = f"""
(import_statement source: {_IN_QUOTES})
(export_statement source: {_IN_QUOTES})
(call_expression function: (import) arguments: (arguments . {_IN_QUOTES}))
(call_expression function: (identifier) @called arguments: (arguments . {_IN_QUOTES}) (#eq? @called "require"))
"""
_TYPESCRIPT = f"{_JAVASCRIPT} (import_require_clause source: {_IN_QUOTES})"
_JAVA = "(import_declaration) @java"
_GO = "(import_spec path: (_) @name)"
_C = "(preproc_include path: [(string_literal) (system_lib_string)] @name)"
# Only what stands at the top of the file: `super` means something else in a module within it, mostly its tests.
_RUST = """
(source_file (use_declaration argument: (_) @use))
(source_file (mod_item name: (_) @mod !body))
(source_file (extern_crate_declaration name: (_) @name))
"""


_GRAMMARS: Mapping[str, tuple[Callable[[], object], str]] = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), (tree_sitter_javascript.language, _JAVASCRIPT)),
    **dict.fromkeys((".ts", ".mts", ".cts"), (tree_sitter_typescript.language_typescript, _TYPESCRIPT)),
    ".tsx": (tree_sitter_typescript.language_tsx, _TYPESCRIPT),
    ".java": (tree_sitter_java.language, _JAVA),
    ".go": (tree_sitter_go.language, _GO),
    ".rs": (tree_sitter_rust.language, _RUST),
    ".c": (tree_sitter_c.language, _C),
    # A header is most often valid as both; what C++ adds would be errors in C.
    **dict.fromkeys((".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), (tree_sitter_cpp.language, _C)),
}


@dataclass(frozen=True, slots=True)
class _Grammar:
    language: Language
    query: Query


def syntax_imports(ending: str, text: str) -> list[str] | None:
    """Names as `rota.documents.code.imports` writes them; None when most of the text is no code of its language.

    `ending` is that of a title, such as `.go`.
    """
    grammar = _grammar(ending)
    root = Parser(grammar.language).parse(text.encode("utf-8", "replace")).root_node
    if not _understood(root):
        return None
    captured = QueryCursor(grammar.query).captures(root)
    found = sorted(((node, kind) for kind, nodes in captured.items() for node in nodes), key=_place)
    return [name for node, kind in found for name in _NAMES[kind](node)]


def _place(found: tuple[Node, str]) -> int:
    return found[0].start_byte


def _understood(root: Node) -> bool:
    """Whether at least half of the text is outside errors: the rest of a file whose start is no code is one error."""
    wrong = sum(child.end_byte - child.start_byte for child in root.children if child.is_error)
    return not root.is_error and wrong * 2 <= root.end_byte - root.start_byte


@cache
def _grammar(ending: str) -> _Grammar:
    """The grammar for the ending of a title."""
    load, query = _GRAMMARS[ending]
    language = Language(load())
    return _Grammar(language, Query(language, query))


def _text(node: Node | None) -> str:
    return "".join((node.text or b"").decode("utf-8", "replace").split()) if node else ""


def _java_import(declaration: Node) -> Iterator[str]:
    """A static import names a member of its class, or all, and the class is what is imported."""
    children = {child.type: _text(child) for child in declaration.children}
    name = children.get("scoped_identifier", "")
    if "asterisk" in children:
        yield name if "static" in children else f"{name}.*"
    else:
        yield name.rpartition(".")[0] if "static" in children else name


def _used(tree: Node) -> Iterator[str]:
    """Every path of a `use` in Rust: `a::{b, c::d as e, f::*}` is `a::b`, `a::c::d` and `a::f`."""
    waiting = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        path = node.child_by_field_name("path")
        if node.type in {"scoped_use_list", "use_list"}:
            held = node.child_by_field_name("list") or node
            joined = _joined(prefix, _text(path))
            waiting += [(joined, child) for child in reversed(held.named_children) if len(joined) <= MAX_NAME]
        elif node.type == "use_as_clause" and path:
            waiting.append((prefix, path))
        elif node.type == "use_wildcard":
            yield _joined(prefix, _text(node).removesuffix("*"))
        elif node.type == "self" and prefix:
            yield prefix
        elif node.type in {"identifier", "scoped_identifier", "crate", "self", "super"}:
            yield _joined(prefix, _text(node))


def _joined(prefix: str, path: str) -> str:
    return "::".join(part for part in (*prefix.split("::"), *path.split("::")) if part)


_NAMES: Mapping[str, Callable[[Node], Iterable[str]]] = {
    "name": lambda node: [_text(node).strip('"`')],
    "mod": lambda node: [f"self::{_text(node)}"],
    "java": _java_import,
    "use": _used,
    "called": lambda _: [],
}
"""What a node that a query captures under a name stands for."""

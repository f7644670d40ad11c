"""Imports of source files: what a parser of each language finds, what is not analysed, what breaks only itself."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from rota.documents.code.imports import MAX_CHARACTERS, MAX_IMPORTS, imports
from rota.documents.sandbox import Limits, Sandbox

PYTHON = r'''
"""import nothing"""
from __future__ import annotations
import a.b as c, d
from e.f import g, h as i
from j import *
from . import k
from .. import *
from ..l.m import n
if c:
    try:
        import o
    except d:
        import p
    else:
        import q
    finally:
        import r
match c:
    case 1:
        def s():
            import t  # and "\d" warns of nothing
# import u
v = "import w"
'''

SCRIPT = """
import a from 'a'
import './b.css'
export * from "../c"
// import d from 'd'
const e = require("e"), f = await import('./f'), g = `${require("g")}`
const not = other("h"), text = "import i from 'i'"
const pattern = /import "j"/
"""

JAVA = """
/* import a.A; */
package b.c; // import d.D;
import e.f.G;
import e.f.H.I;
import static j.k.L.m;
import static n.O.*;
import p . q . *;
class R { String s = "import t.U;"; }
"""

GO = """
package a
import "fmt"
import (
\tb "example.com/m/b"
\t. `example.com/m/c`
\t_ "d" // import "e"
)
func main() { f := `import "g"` }
"""

RUST = """
use a::{b::{self, C}, d as e, f::*};
pub use crate::g::H;
use super::super::i;
use ::std::io;
mod j;
pub(crate) mod k;
extern crate l;
mod tests { use super::*; }
fn m() { let n = "use o;"; }
"""

C = """
#include "a/b.h"
#ifdef D
# include <sys/types.h>
#endif
/* #include "e.h" */
#include MACRO
char *f = "#include <g.h>";
int main() { return 0; }
#include "h.h"
"""

FOUND: dict[str, tuple[str, list[str]]] = {
    "a.py": (PYTHON, ["a.b", "d", "e.f.g", "e.f.h", "j", ".k", "..", "..l.m.n", "o", "p", "q", "r", "t"]),
    "a.pyi": ("from .b import C", [".b.C"]),
    "A.PY": ("import a", ["a"]),
    "a.js": (SCRIPT, ["a", "./b.css", "../c", "e", "./f", "g"]),
    "a.mjs": ("export { a } from 'b'", ["b"]),
    "a.jsx": ("import a from 'a'; const b = <p>Don't import 'c'</p>", ["a"]),
    "a.ts": ("import type { A } from './b.js'; import c = require('d'); let e = <F<G>>h", ["./b.js", "d"]),
    "a.tsx": ("import a from 'a'; const b: B<C> = <p>Don't</p>", ["a"]),
    "A.java": (JAVA, ["e.f.G", "e.f.H.I", "j.k.L", "n.O", "p.q.*"]),
    "a.go": (GO, ["fmt", "example.com/m/b", "example.com/m/c", "d"]),
    "a.rs": (
        RUST,
        ["a::b", "a::b::C", "a::d", "a::f", "crate::g::H", "super::super::i", "std::io", "self::j", "self::k", "l"],
    ),
    "a.c": (C, ["a/b.h", "<sys/types.h>", "h.h"]),
    "a.h": ('#include <vector>\nnamespace a { template <class T> class B; }\n#include "c.hh"', ["<vector>", "c.hh"]),
}

NOT_ANALYSED = {
    "a.rb": "require 'b'",
    "a.kt": "import b.C",
    "README.md": "import b",
    "noname": "import b",
    "syntax.py": "import a\ndef (:\n",
    "two.py": "import a\nprint 'Python 2'\n",
    "zero.py": "import a\0",
    "prose.go": "The quick brown fox jumps over the lazy dog, and import does not mean a thing here. " * 9,
    "prose.rs": "The quick brown fox jumps over the lazy dog, and use does not mean a thing here. " * 9,
    "long.py": "import a\n" + "#" * MAX_CHARACTERS,
    "one_line.js": "import 'a';" + "f();" * 1_250_000,
}

HOSTILE = {
    "parentheses.py": "(" * 100_000,
    "minus.py": "-" * 100_000 + "1",
    "calls.py": "f" + "()" * 100_000,
    "elif.py": "import a\nif a: pass\n" + "elif a: pass\n" * 10_000,
    "lines.py": "x=1\n" * 75_000,
    "generics.java": "class A { B<" + "a<" * 10_000,
    "generics.ts": "f<T," * 5_000,
    "casts.ts": "(a)" * 100_000,
    "quotes.go": '"' * 100_000,
    "lists.rs": "use a::" + "{b::" * 30_000 + "c" + "}" * 30_000 + ";",
    "words.c": "x y " * 25_000,
}


@pytest.mark.parametrize("title", FOUND)
def test_imports_are_what_the_parser_sees(title: str) -> None:
    """In conditions and functions too; never in comments or strings."""
    text, expected = FOUND[title]
    assert imports(title, text) == expected


@pytest.mark.parametrize("title", NOT_ANALYSED)
def test_what_cannot_be_parsed_is_not_analysed(title: str) -> None:
    """No estimate and no exception, whether a parser is lacking, the text is none of its language, or too long."""
    assert imports(title, NOT_ANALYSED[title]) is None


def test_code_with_a_mistake_is_analysed_around_it() -> None:
    """Grammars recover; only Python's own parser does not."""
    assert imports("a.go", 'package a\nimport "b"\nfunc c( { d := }\n') == ["b"]


def test_names_come_once_and_are_bounded() -> None:
    """Whatever a generator wrote, a document's record stays small."""
    assert imports("a.py", "import a\n" * 9 + f"import {'b' * 999}\nimport c") == ["a", "c"]
    many = imports("a.py", "".join(f"import a{n}\n" for n in range(2 * MAX_IMPORTS)))
    assert many == [f"a{n}" for n in range(MAX_IMPORTS)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One process for all files, and its successors."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_file_breaks_only_itself(sandbox: Sandbox, title: str) -> None:
    """It is analysed or not, in time, and the file after it is analysed."""
    start = time.monotonic()
    found = sandbox.imports(title, HOSTILE[title])
    assert found is None or isinstance(found, list)
    assert sandbox.imports("a.ts", "import 'b'") == ["b"]
    assert time.monotonic() - start < 30  # two seconds of a processor, on a busy machine


@pytest.mark.parametrize("title", FOUND)
def test_the_process_finds_the_same(sandbox: Sandbox, title: str) -> None:
    """Titles and texts cross the pipe unharmed."""
    assert sandbox.imports(title, f"{FOUND[title][0]}\n") == imports(title, FOUND[title][0])
    assert sandbox.imports("größe.py", "import größe; x = '\u2028'") == ["größe"]


def test_no_process_starts_without_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job of prose pays nothing; nor does one whose time for this is spent."""
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **options: pytest.fail("started"))
    with Sandbox() as sandbox:
        assert sandbox.imports("a.md", "import a") is None
        assert sandbox.imports("a.py", " " * (MAX_CHARACTERS + 1)) is None
    with Sandbox(Limits(all_imports_s=0)) as late:
        assert late.imports("a.py", "import a") is None


def test_files_that_come_too_late_are_not_analysed() -> None:
    """The gathering function must end in time, whatever its files hold."""
    with Sandbox(Limits(all_imports_s=1e-9)) as sandbox:
        assert sandbox.imports("a.py", "import a") == ["a"]
        assert sandbox.imports("b.py", "import a") is None


def test_without_a_process_nothing_is_analysed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none can be started, documents are gathered all the same."""

    def refused(*args: object, **options: object) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with Sandbox() as sandbox:
        assert sandbox.imports("a.py", "import a") is None


def test_a_process_ends_with_its_context() -> None:
    """Nothing is left running in a function that Lambda keeps."""
    with Sandbox() as sandbox:
        sandbox.imports("a.py", "import a")
        process = sandbox._process
    assert process is not None
    assert process.returncode is not None

"""What a place in a document stands within: told by its lines, for any text, in time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.context import WITHIN_TOKENS, Context
from rota.documents.tokens import estimate_tokens

PYTHON = """import os

class A(B):
    x = 1

    def f(
        self,
    ) -> int:
        y = 2
# a note
        z = 3

    async def g(self):
        return 1

last = 1
"""
JAVA = """public class A {
    private int x;
    public void f(int a) throws E {
        for (;;) {
            b();
        }
    }

    void g() {
        c();
    }
}
"""
C = """#include <x>

int
foo(int a)
{
  if (a) {
    b();
#if X
    c();
  }
}

struct s {
  int e;
};
int h;
"""
SCRIPT = "export const f = async (a) => {\n  b();\n};\nexport class C {\n  m(x) {\n    d();\n  }\n}\n"
GO = "type S struct {\n\tA int\n}\n\nfunc (s *S) F() {\n\tb()\n}\n"
PAGE = "# One\n\ntext\n\n## Two ##\n\n```\n# no heading\n```\n\nmore\n\n### Three\n\n## Four\n\nend\n\n# Five\n"


@pytest.mark.parametrize(
    ("title", "text", "places"),
    [
        (
            "a.py",
            PYTHON,
            {
                "import": "",
                "x = 1": "class A(B)",
                "def f": "class A(B)",
                "y = 2": "class A(B) / def f(",
                "z = 3": "class A(B) / def f(",
                "return 1": "class A(B) / async def g(self)",
                "last": "",
            },
        ),
        (
            "A.java",
            JAVA,
            {
                "b()": "public class A / public void f(int a) throws E",
                "void g": "public class A",
                "c()": "public class A / void g()",
            },
        ),
        ("a.c", C, {"b()": "foo(int a)", "c()": "foo(int a)", "int e": "struct s", "int h": ""}),
        ("a.js", SCRIPT, {"b()": "export const f = async (a) =>", "d()": "export class C / m(x)"}),
        ("a.go", GO, {"A int": "type S struct", "b()": "func (s *S) F()"}),
        (
            "a.md",
            PAGE,
            {"text": "One", "more": "One / Two", "### Three": "One / Two", "## Four": "One", "end": "One / Four"},
        ),
        ("a.csv", "a,b\n1,2\n3,4\n", {"a,b": "", "1,2": "a,b", "3,4": "a,b"}),
        ("a.txt", PAGE, {"more": ""}),
    ],
)
def test_what_encloses_a_place(title: str, text: str, places: dict[str, str]) -> None:
    """By the ways of each kind of text; comments and labels at the margin close nothing."""
    context = Context(title, text)
    assert {place: context.at(text.index(place)) for place in places} == places


def test_the_media_type_tells_when_the_title_does_not() -> None:
    """As of a page of the web."""
    assert Context("example.com/page", PAGE, "text/html").at(PAGE.index("more")) == "One / Two"
    assert Context("figures", "a,b\n1,2\n", "text/csv").at(4) == "a,b"


@pytest.mark.parametrize("media_type", ["text/html", "application/pdf", "message/rfc822"])
def test_what_is_called_like_code_need_not_be_code(media_type: str) -> None:
    """A page about a file, named by it: its indented lines stand within no class, but below its headings."""
    text = "# Tides\n\nclass A(B)\n    of boats\n"
    told = Context("docs.example.com/boats.py", text, media_type).at(text.index("of boats"))
    assert told == ("Tides" if media_type == "text/html" else "")
    assert Context("boats.py", text, "text/plain").at(text.index("of boats")) == "class A(B)"


def test_what_was_enclosed_before_still_is() -> None:
    """The context of a piece is that of its beginning, until something closes it."""
    text = "        y = 2\n    def g(self):\n        z = 3\nlast = 1\n"
    context = Context("a.py", text, inherited="class A(B) / def f(self)")
    places = [context.at(text.index(place)) for place in ("y = 2", "z = 3", "last")]
    assert places == ["class A(B) / def f(self)", "class A(B) / def g(self)", ""]
    assert Context("a.csv", "1,2\n3,4\n", inherited="a,b").at(4) == "a,b"


def test_of_too_many_the_innermost_are_told() -> None:
    """And of one that is too long its beginning."""
    deep = "".join(f"{'#' * level} {'heading ' * 4}{level}\n" for level in range(1, 7)) + "text"
    told = Context("a.md", deep).at(len(deep) - 4)
    assert told.endswith("heading 6")
    assert "heading 1" not in told
    assert Context("a.csv", "column," * 90 + "\n1").at(631).endswith("…")


@settings(deadline=None)
@given(
    st.sampled_from(["a.py", "a.java", "a.md", "a.csv", "a.txt"]),
    st.text(st.sampled_from("ab(){}:#`\n \t,é漢"), max_size=400),
    st.text(max_size=40),
)
def test_any_text_has_some_context(title: str, text: str, inherited: str) -> None:
    """Short, on one line, wherever it is asked for."""
    context = Context(title, text, inherited=inherited.replace("\n", " "))
    for offset in range(0, len(text) + 1, 7):
        told = context.at(offset)
        assert estimate_tokens(told) <= WITHIN_TOKENS
        assert "\n" not in told


@pytest.mark.parametrize(
    "line", ["x" * 400_000, "class a:\n" * 40_000, "(" * 200_000, " \n" * 100_000, "# a\n" * 90_000]
)
@pytest.mark.parametrize("title", ["a.py", "a.md", "a.csv"])
def test_hostile_texts_take_no_longer_than_others(title: str, line: str) -> None:
    """A document may have ten times as many characters as these."""
    context, start = Context(title, line), time.process_time()
    for offset in range(0, len(line), 1_200):
        context.at(offset)
    assert time.process_time() - start < 3


@pytest.mark.parametrize("text", ["\n" * 400_000, "\n" * 400_000 + "x"])
def test_empty_lines_are_passed_once(text: str) -> None:
    """Not again from each of the pieces that they are cut into."""
    context, start = Context("a.md", text), time.process_time()
    for offset in range(0, len(text), 10):
        context.at(offset)
    assert time.process_time() - start < 3

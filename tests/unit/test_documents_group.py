"""Packing: every document exactly once, no batch above its budget, the same batches at every run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.code.files import is_code
from rota.documents.context import WITHIN_TOKENS
from rota.documents.group import MIN_BATCH_TOKENS, OPEN_BATCHES, pack, pack_groups, passage_tokens, shortened
from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidInputError
from rota.records import Batch, Document, Passage
from rota.steps import delimit


def document(number: int, text: str, title: str = "") -> Document:
    """A document of a job."""
    title = title or f"file-{number}.md"
    return Document(
        number=number,
        title=title,
        origin="request",
        media_type="text/plain",
        bytes=len(text),
        characters=len(text),
        text=text,
    )


PIECES = {
    "prose": ["word ", "<document> ", "Größe. ", "漢字。", "\n\n", "\n \t\n", "# H\n\n", "## H [3]\n"],
    "lines": ["x" * 700, "é" * 300, "word", "\n"],
    "code": [
        "class A:\n",
        "    def f(self):\n",
        "\n\n",
        "        x = 1\n",
        "}\n",
        "func g() {\n",
        "\t/* ü */\n",
        "{\n",
    ],
    "table": ["a,b,c\n", '1,"x, y",3\n', "漢,字,。\n", '"two\nlines",2,3\n'],
}
TITLES = st.one_of(
    st.text(min_size=1, max_size=300),
    st.sampled_from(["a.py", "src/b.go", "c.java", "d.c", "e.md", "f.csv", "g.tsv", "h.html", "漢" * 130 + ".rs"]),
)
PILES = st.lists(
    st.tuples(
        st.sampled_from(sorted(PIECES)).flatmap(
            lambda kind: st.lists(st.sampled_from(PIECES[kind]), max_size=600).map("".join)
        ),
        TITLES,
    ),
    max_size=12,
).map(lambda pile: [document(number, text, title) for number, (text, title) in enumerate(pile, start=1)])


def in_groups(pile: list[Document], size: int, max_tokens: int) -> list[Batch]:
    """The pile packed as code, `size` documents to a group."""
    groups = [pile[at : at + size] for at in range(0, len(pile), size)]
    return list(pack_groups((max_tokens + 100 * (at % 2), group) for at, group in enumerate(groups)))


@settings(deadline=None)
@given(PILES, st.integers(MIN_BATCH_TOKENS, 1500), st.integers(0, 4))
def test_batches_hold_their_budget_as_they_stand_in_the_prompt(
    pile: list[Document], max_tokens: int, group: int
) -> None:
    """Delimiters, titles, context and escapes included: what counts is the text that is sent."""
    most = max_tokens + (100 if group else 0)
    for batch in in_groups(pile, group, max_tokens) if group else pack(pile, max_tokens):
        assert sum(map(passage_tokens, batch["passages"])) <= most
        assert estimate_tokens(delimit.documents(batch["passages"])) <= most


@settings(deadline=None)
@given(PILES, st.integers(MIN_BATCH_TOKENS, 1500), st.integers(0, 4))
def test_every_document_is_covered_exactly_once(pile: list[Document], max_tokens: int, group: int) -> None:
    """The parts of a document follow each other without a gap but white space, and without an overlap."""
    parts: dict[int, list[Passage]] = defaultdict(list)
    for batch in in_groups(pile, group, max_tokens) if group else pack(pile, max_tokens):
        for passage in batch["passages"]:
            parts[passage["number"]].append(passage)
    for one in pile:
        text, found = one["text"], sorted(parts[one["number"]], key=lambda passage: passage["part"])
        assert [p["part"] for p in found] == list(range(1, len(found) + 1))
        assert all(p["parts"] == len(found) for p in found)
        assert all(text[p["start"] : p["end"]] == p["text"] for p in found)
        starts = [*(p["start"] for p in found), len(text)]
        ends = [0, *(p["end"] for p in found)]
        assert all(end <= start and not text[end:start].strip() for end, start in zip(ends, starts, strict=True))


@settings(deadline=None)
@given(PILES, st.integers(MIN_BATCH_TOKENS, 900))
def test_context_is_short_and_lines_are_true(pile: list[Document], max_tokens: int) -> None:
    """A first part has no context; a line's number is that of the text."""
    for batch in pack(pile, max_tokens):
        for passage in batch["passages"]:
            text = pile[passage["number"] - 1]["text"]
            assert estimate_tokens(passage.get("within", "")) <= WITHIN_TOKENS
            assert passage["start"] or "within" not in passage
            assert ("lines" in passage) == is_code(pile[passage["number"] - 1]["title"])
            if "lines" in passage:
                first, last = passage["lines"]
                shown = passage["text"].rstrip("\n")
                assert first == text.count("\n", 0, passage["start"]) + 1
                assert last == text.count("\n", 0, passage["start"] + len(shown)) + 1


def test_a_page_has_no_lines_for_its_title() -> None:
    """Though it ends as a program's does."""
    page: Document = {**document(1, "Servers", "Introduction to Node.js"), "media_type": "text/html"}
    (batch,) = pack([page], 450)
    assert "lines" not in batch["passages"][0]


def test_later_parts_say_what_they_stand_within() -> None:
    """The header of a table, the headings above, the class and method: with them a part can be read by itself."""
    table = document(1, "name,rent,end\n" + "Miller,900,2027\n" * 100, "leases.csv")
    page = document(2, "# Lease\n\n## Rent\n\n" + "It is due in advance. " * 80, "lease.md")
    body = "        total += self.rate\n" * 60
    code = document(3, f"class Lease:\n    def rent(self):\n{body}    def end(self):\n{body}", "lease.py")
    found = [passage for batch in pack([table, page, code], 450) for passage in batch["passages"]]
    within = {(passage["number"], passage["part"]): passage.get("within") for passage in found}
    assert (within[1, 1], within[1, 2]) == (None, "name,rent,end")
    assert (within[2, 1], within[2, 2]) == (None, "Lease / Rent")
    assert (within[3, 1], within[3, 2]) == (None, "class Lease / def rent(self)")
    assert [passage for passage in found if passage["number"] == 3][-1]["within"] == "class Lease / def end(self)"


@settings(deadline=None)
@given(PILES)
def test_the_same_documents_give_the_same_batches(pile: list[Document]) -> None:
    """A repeated plan writes the same files, and ids count up from b0001."""
    batches = list(pack(pile, 600))
    assert batches == list(pack(pile, 600))
    assert [batch["batch_id"] for batch in batches] == [f"b{n:04d}" for n in range(1, len(batches) + 1)]


def numbers(batch: Batch) -> list[int]:
    """The documents of a batch, in order."""
    return [passage["number"] for passage in batch["passages"]]


def test_small_documents_go_together_in_their_order() -> None:
    """Neighbours share a batch."""
    batches = list(pack([document(n, "word " * 50) for n in range(1, 9)], 400))
    assert [numbers(batch) for batch in batches] == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_a_big_document_is_cut_and_a_small_one_fills_the_rest() -> None:
    """What a cut leaves over takes a small neighbour along."""
    batches = list(pack([document(1, "word " * 450), document(2, "tiny")], 500))
    assert numbers(batches[0]) == [1]
    assert 2 in numbers(batches[-1])
    assert {passage["parts"] for batch in batches for passage in batch["passages"] if passage["number"] == 1} == {2}


def test_large_documents_do_not_wait_for_ever() -> None:
    """Batches are handed out before all documents were taken: memory holds only a few."""
    taken: list[int] = []

    def endless() -> Iterator[Document]:
        for number in range(1, 1000):
            taken.append(number)
            yield document(number, "word " * 200)

    next(iter(pack(endless(), 500)))
    assert len(taken) <= OPEN_BATCHES + 1


def test_a_group_is_not_divided_and_the_next_one_fills_what_is_left() -> None:
    """Only as a whole, and only among batches of the same size."""
    five = [document(n, "word " * 60, f"m{n}.py") for n in range(1, 6)]
    groups = [(500, five[:2]), (500, five[2:3]), (500, five[3:]), (600, [document(6, "word", "m6.py")])]
    batches = list(pack_groups(groups))
    assert [numbers(batch) for batch in batches] == [[1, 2, 3], [4, 5], [6]]
    assert [(batch["batch_id"], batch["kind"]) for batch in batches] == [
        ("b0001", "code"),
        ("b0002", "code"),
        ("b0003", "code"),
    ]


def test_a_group_that_is_larger_than_was_thought_is_divided() -> None:
    """Sizes are planned from lengths alone."""
    batches = list(pack_groups([(500, [document(n, "漢字" * 100, f"m{n}.py") for n in range(1, 6)])]))
    assert [numbers(batch) for batch in batches] == [[1, 2], [3, 4], [5]]


def test_prose_is_numbered_after_code() -> None:
    """Ids of one job follow each other."""
    assert [batch["batch_id"] for batch in pack([document(1, "x")], 500, 7)] == ["b0007"]
    assert "kind" not in next(iter(pack([document(1, "x")], 500)))


def test_a_budget_without_room_is_refused() -> None:
    """The message says how much is needed."""
    with pytest.raises(InvalidInputError, match="at least 400"):
        pack([document(1, "x")], MIN_BATCH_TOKENS - 1)


def test_long_titles_keep_their_ends() -> None:
    """The file's name matters more than the middle of its path."""
    assert shortened("a" * 100 + "/name.py", 30) == "aaaaaaaaaa…aaaaaaaaaaa/name.py"
    assert shortened("short", 30) == "short"

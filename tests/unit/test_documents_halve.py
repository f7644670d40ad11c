"""Halves of a batch: nothing lost, nothing twice, the same path the same piece."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.group import pack, pack_groups
from rota.documents.halve import can_be_cut, following, piece
from rota.records import Batch, Document


def document(number: int, text: str, title: str = "") -> Document:
    """A document of that text."""
    title = title or f"doc{number}"
    return Document(
        number=number,
        title=title,
        origin="request",
        media_type="text/plain",
        bytes=len(text),
        characters=len(text),
        text=text,
    )


def batch_of(*texts: str) -> Batch:
    """All texts in one batch."""
    (batch,) = pack([document(number, text) for number, text in enumerate(texts, 1)], 100_000)
    return batch


def leaves(batch: Batch, path: str = "") -> list[str]:
    """All paths down to pieces that are not cut any more, in the order of `following`."""
    if not can_be_cut(piece(batch, path)) or len(path) > 4:
        return [path]
    return leaves(batch, path + "1") + leaves(batch, path + "2")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab c.\n", min_size=1, max_size=4000).filter(str.strip), min_size=1, max_size=6))
def test_the_pieces_hold_the_batch(texts: list[str]) -> None:
    """Put together in order they are the batch's text, and each names its place in the document."""
    batch = batch_of(*texts)
    found = [passage for path in leaves(batch) for passage in piece(batch, path)["passages"]]
    for number in {passage["number"] for passage in batch["passages"]}:
        whole = "".join(p["text"] for p in batch["passages"] if p["number"] == number)
        assert "".join(p["text"] for p in found if p["number"] == number) == whole
        for passage in (p for p in found if p["number"] == number):
            assert texts[number - 1][passage["start"] : passage["end"]] == passage["text"]


def test_pieces_follow_each_other_depth_first() -> None:
    """As in a tree whose leaves are visited from left to right."""
    assert [following(path) for path in ("1", "11", "12", "121", "122", "2", "22", "")] == [
        "2",
        "12",
        "2",
        "122",
        "2",
        None,
        None,
        None,
    ]


def test_halves_are_about_equal() -> None:
    """Several passages are divided between them, one is cut where its structure allows."""
    batch = batch_of(*["word " * 400] * 4)
    assert [len(piece(batch, path)["passages"]) for path in ("1", "2")] == [2, 2]
    long = batch_of("A sentence of some length stands here.\n\n" * 100)
    first, second = (len(piece(long, path)["passages"][0]["text"]) for path in ("1", "2"))
    assert 0.4 < first / (first + second) < 0.7


def test_halves_of_code_know_their_lines_and_context() -> None:
    """The second half of a class says so, and begins with the line it begins with."""
    body = "        total += self.rate\n" * 60
    text = f"class Lease:\n    def rent(self):\n{body}\n    def end(self):\n{body}"
    (batch,) = pack_groups([(100_000, [document(1, text, "lease.py")])])
    first, second = piece(batch, "1"), piece(batch, "2")
    assert (first["kind"], second["kind"]) == ("code", "code")
    (before,), (after,) = first["passages"], second["passages"]
    assert (before["lines"], after["lines"]) == ([1, 62], [64, 124])
    assert after["text"].startswith("    def end")
    assert ("within" in before, after["within"]) == (False, "class Lease")
    assert piece(batch, "22")["passages"][0]["within"] == "class Lease / def end(self)"

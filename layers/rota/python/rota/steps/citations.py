"""Citation marks `[n]` in text: read, checked against the documents that exist, written in one form.

Models write `[3]`, `[1, 2]`, `[1-3]`, `[doc 3]`, `【3】` or `【3†lines】`; afterwards there is only `[3]` and `[1][2]`.
With a place, as `[3, lines 12-20]`, `[3 L12]` or `[doc 3, p. 7]`, it is `[3:12-20]`, `[3:12]` or `[3:p7]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from rota.records import Notes

WIDEST_RANGE = 50
"""A wider `[1-99]` cites nothing in particular; only its ends are kept."""

_DASH = r"\s?[–-]\s?"
_KIND = r"(?:lines?|ll?\.?|pages?|pp?\.?)"
_RANGE = rf"\s?\d{{1,7}}(?:{_DASH}(?:{_KIND}\s?)?\d{{1,7}})?"
# After a colon bare numbers are lines; after a comma they would be another document.
_PLACE = rf"(?:\s?:\s?{_KIND}?{_RANGE}|,?\s{{0,2}}{_KIND}{_RANGE})"
# Atomic, for a place's range and a range of documents look alike: trying both each time would take for ever.
_DOCUMENT = rf"(?>(?:(?:documents?|docs?|sources?|no\.?)\s*)?#?\d{{1,6}}(?:{_PLACE})?)"
_DOCUMENTS = rf"{_DOCUMENT}(?:\s*(?:[,;&–-]|and)\s*{_DOCUMENT})*"
_SQUARE = rf"\[\s*(?P<square>{_DOCUMENTS})(?:,?\s*parts?\s*[\d/–-]+)?\s*\](?!\(|:\s*\S+$)"
_BOLD = rf"【\s*(?P<bold>{_DOCUMENTS})\s*(?:†[^】]*)?】"
_MARK = re.compile(rf"(?P<space>[ \t]{{0,3}})(?:{_SQUARE}|{_BOLD})", re.IGNORECASE | re.MULTILINE)
_EACH = re.compile(rf"(?P<number>\d{{1,6}})(?P<place>{_PLACE})?(?P<range>\s*[–-]\s*(?=#?\d))?", re.IGNORECASE)
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_OWN = re.compile(r"\[(\d{1,6}(?::p?\d{1,7}(?:-\d{1,7})?)?)\]")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A document's number and where in it: `120` or `120-135` are lines, `p7` is a page, or nothing."""

    number: int
    place: str = ""

    def __str__(self) -> str:
        return f"[{self.number}:{self.place}]" if self.place else f"[{self.number}]"


@dataclass(frozen=True, slots=True)
class Bracket:
    """The characters `start` to `end` (exclusive) of a text: white space, and the marks in one pair of brackets."""

    start: int
    end: int
    space: str
    marks: list[Mark]


def clean(text: str, known: Collection[int], places: bool = False) -> Notes:
    """The text with marks of known numbers in one form and all others taken out, and the numbers that are left.

    Places are taken off unless they are asked for: only who checks them against the documents should keep them. Code
    between backticks, Markdown links `[1](…)` and references `[1]: …` are left alone.
    """
    cited: set[int] = set()

    def rewritten(bracket: Bracket) -> list[Mark]:
        kept = [one if places else Mark(one.number) for one in bracket.marks if one.number in known]
        cited.update(one.number for one in kept)
        return kept

    return Notes(text=rewrite(text, rewritten).strip(), cited=sorted(cited))


def rewrite(text: str, change: Callable[[Bracket], list[Mark]]) -> str:
    """The text with each bracket's marks, outside code, replaced by those that `change` gives, each once."""
    written: list[str] = []
    done = 0
    for bracket in brackets(text):
        marks = dict.fromkeys(change(bracket))
        written += [text[done : bracket.start], bracket.space * bool(marks), *map(str, marks)]
        done = bracket.end
    return "".join([*written, text[done:]])


def brackets(text: str) -> Iterator[Bracket]:
    """Where a text cites, in its order, outside code."""
    at = 0
    # The pattern has one group, so code stands at the odd places.
    for index, part in enumerate(_CODE.split(text)):
        if index % 2 == 0:
            for match in _MARK.finditer(part):
                marks = _marks(match["square"] or match["bold"])
                yield Bracket(at + match.start(), at + match.end(), match["space"], marks)
        at += len(part)


def cited_in(text: str) -> list[int]:
    """Every number that is cited in a text, ascending."""
    return sorted({one.number for bracket in brackets(text) for one in bracket.marks})


def without_marks(text: str) -> str:
    """A document's own `[12]` as `(12)`, so that it is not taken for a citation; as long as before."""
    return _OWN.sub(r"(\1)", text)


def mark(numbers: Collection[int]) -> str:
    """`[1][2]`, ascending."""
    return "".join(f"[{number}]" for number in sorted(numbers))


def _marks(inside: str) -> list[Mark]:
    found: set[Mark] = set()
    before: re.Match[str] | None = None
    for each in _EACH.finditer(inside):
        number = int(each["number"])
        found.add(Mark(number, _place(each["place"] or "")))
        if before and before["range"] and 0 < number - int(before["number"]) <= WIDEST_RANGE:
            found |= {Mark(one) for one in range(int(before["number"]) + 1, number)}
        before = each
    return sorted(found)


def _place(written: str) -> str:
    """`, lines 12-20` as `12-20`, `p. 7` as `p7`; of several pages the first."""
    numbers = [int(digits) for digits in re.findall(r"\d+", written)]
    if not any(numbers):
        return ""
    if "p" in written.lower():
        return f"p{numbers[0]}"
    return "-".join(map(str, sorted(set(numbers))))

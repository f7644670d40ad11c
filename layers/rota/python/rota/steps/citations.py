"""Citation marks `[n]` in text: read, checked against the documents that exist, written in one form.

Models write `[3]`, `[1, 2]`, `[1-3]`, `[doc 3]`, `【3】` or `【3†lines】`; afterwards there is only `[3]` and `[1][2]`.
A place that they claim, as in `[3, lines 12-20]`, `[3 L12]` or `[doc 3, p. 7]`, is dropped: `places` finds it anew.
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
_PLACE = rf"(?:\s?:\s?{_KIND}?{_RANGE}|[,;]?\s{{0,2}}{_KIND}{_RANGE})"
# Atomic, for a place's range and a range of documents look alike: trying both each time would take for ever.
_DOCUMENT = rf"(?>(?:(?:documents?|docs?|sources?|no\.?)\s*)?#?\d{{1,6}}(?:{_PLACE})?)"
_DOCUMENTS = rf"{_DOCUMENT}(?:\s*(?:[,;&–-]|and)\s*{_DOCUMENT})*"
_SQUARE = rf"\[\s*(?P<square>{_DOCUMENTS})(?:,?\s*parts?\s*[\d/–-]+)?\s*\](?!\(|:\s*\S+$)"
_BOLD = rf"【\s*(?P<bold>{_DOCUMENTS})\s*(?:†[^】]*)?】"
_MARK = re.compile(rf"(?P<space>[ \t]{{0,3}})(?:{_SQUARE}|{_BOLD})", re.IGNORECASE | re.MULTILINE)
_EACH = re.compile(rf"(?P<number>\d{{1,6}})(?:{_PLACE})?(?P<range>\s*[–-]\s*(?=#?\d))?", re.IGNORECASE)
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_BRACKETED = (re.compile(r"\[[^\[\]]*\]"), re.compile(r"【[^【】]*】"))
_BETWEEN = re.compile(r"[\s*_`]+")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A document's number and where in it: `120` or `120-135` are lines, `p7` is a page, or nothing."""

    number: int
    place: str = ""

    def __str__(self) -> str:
        return f"[{self.number}:{self.place}]" if self.place else f"[{self.number}]"


@dataclass(frozen=True, slots=True)
class Bracket:
    """The characters `start` to `end` (exclusive) of a text: white space, and the numbers in one pair of brackets."""

    start: int
    end: int
    space: str
    numbers: list[int]


def clean(text: str, known: Collection[int]) -> Notes:
    """The text with marks of known numbers in one form and all others taken out, and the numbers that are left.

    Code between backticks, Markdown links `[1](…)` and references `[1]: …` are left alone.
    """
    cited: set[int] = set()

    def rewritten(bracket: Bracket) -> list[Mark]:
        kept = [Mark(number) for number in bracket.numbers if number in known]
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
                numbers = _numbers(match["square"] or match["bold"])
                yield Bracket(at + match.start(), at + match.end(), match["space"], numbers)
        at += len(part)


def cited_in(text: str) -> list[int]:
    """Every number that is cited in a text, ascending."""
    return sorted({number for bracket in brackets(text) for number in bracket.numbers})


def without_marks(text: str) -> str:
    """A document's own `[12]`, `[1, 2]` or `【3†…】` in parentheses: no citation any more, and as long as before.

    In code and before a link's address as well, for either may be cut off when a part of the text is quoted.
    """
    for bracketed in _BRACKETED:
        text = bracketed.sub(_in_parentheses, text)
    return text


def prose_without_marks(text: str) -> str:
    """`without_marks` for a text that is shown whole, where code between backticks can keep its `rows[0]`."""
    return "".join(part if index % 2 else without_marks(part) for index, part in enumerate(_CODE.split(text)))


def mark(numbers: Collection[int]) -> str:
    """`[1][2]`, ascending."""
    return "".join(f"[{number}]" for number in sorted(numbers))


def _in_parentheses(found: re.Match[str]) -> str:
    opening, inside, closing = found[0][0], found[0][1:-1], found[0][-1]
    # As it will be once lines are joined and emphasis is taken off. Longer numbers end a statement like a mark does.
    plain = _BETWEEN.sub(" ", inside).strip()
    return f"({inside})" if plain.isdecimal() or _MARK.fullmatch(f"{opening}{plain}{closing}") else found[0]


def _numbers(inside: str) -> list[int]:
    found: set[int] = set()
    before: re.Match[str] | None = None
    for each in _EACH.finditer(inside):
        number = int(each["number"])
        found.add(number)
        if before and before["range"] and 0 < number - int(before["number"]) <= WIDEST_RANGE:
            found |= set(range(int(before["number"]) + 1, number))
        before = each
    return sorted(found)

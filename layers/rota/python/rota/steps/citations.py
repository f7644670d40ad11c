"""Citation marks `[n]` in text: read, checked against the documents that exist, written in one form.

Models write `[3]`, `[1, 2]`, `[1-3]`, `[doc 3]`, `【3】` or `【3†lines】`; afterwards there is only `[3]` and `[1][2]`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from rota.records import Notes

WIDEST_RANGE = 50
"""A wider `[1-99]` cites nothing in particular; only its ends are kept."""

_NUMBERS = (
    r"(?:documents?|docs?|sources?|no\.?)?\s*#?\d{1,6}(?:\s*(?:[,;&–-]|and)\s*(?:(?:documents?|docs?)\s*)?#?\d{1,6})*"
)
_SQUARE = rf"\[\s*(?P<square>{_NUMBERS})(?:,?\s*parts?\s*[\d/–-]+)?\s*\](?!\(|:\s*\S+$)"
_BOLD = rf"【\s*(?P<bold>{_NUMBERS})\s*(?:†[^】]*)?】"
_MARK = re.compile(rf"(?P<space>[ \t]{{0,3}})(?:{_SQUARE}|{_BOLD})", re.IGNORECASE | re.MULTILINE)
_RANGE = re.compile(r"(\d+)\s*[–-]\s*#?(\d+)")
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)


def clean(text: str, known: Collection[int]) -> Notes:
    """The text with marks of known numbers in one form and all others taken out, and the numbers that are left.

    Code between backticks, Markdown links `[1](…)` and references `[1]: …` are left alone.
    """
    cited: set[int] = set()

    def rewritten(match: re.Match[str]) -> str:
        numbers = [number for number in _numbers(match["square"] or match["bold"]) if number in known]
        cited.update(numbers)
        return match["space"] * bool(numbers) + "".join(f"[{number}]" for number in numbers)

    parts = _CODE.split(text)
    # The pattern has one group, so code stands at the odd places.
    parts[::2] = [_MARK.sub(rewritten, prose) for prose in parts[::2]]
    return Notes(text="".join(parts).strip(), cited=sorted(cited))


def cited_in(text: str) -> list[int]:
    """Every number that is cited in a text, ascending."""
    prose = "".join(_CODE.split(text)[::2])
    return sorted({n for match in _MARK.finditer(prose) for n in _numbers(match["square"] or match["bold"])})


def without_marks(text: str) -> str:
    """A document's own `[12]` as `(12)`, so that it is not taken for a citation; as long as before."""
    return re.sub(r"\[(\d{1,6})\]", r"(\1)", text)


def mark(numbers: Collection[int]) -> str:
    """`[1][2]`, ascending."""
    return "".join(f"[{number}]" for number in sorted(numbers))


def _numbers(inside: str) -> list[int]:
    found = dict.fromkeys(int(digits) for digits in re.findall(r"\d+", inside))
    for first, last in _RANGE.findall(inside):
        if 0 < int(last) - int(first) <= WIDEST_RANGE:
            found |= dict.fromkeys(range(int(first), int(last) + 1))
    return sorted(found)

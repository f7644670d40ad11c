"""What a sentence is about: something with a name, something of its own kind, or what any document of a kind has.

"The fee of Nova is $5" ─► a name    "The rent is 900 euros a month" ─► a kind    "The total is $5" ─► any
"""

from __future__ import annotations

import re
from collections.abc import Collection

from rota.documents.extraction.relevance import dangles
from rota.documents.extraction.terms import terms

_DATES = """
january february march april may june july august september october november december
monday tuesday wednesday thursday friday saturday sunday
januar februar märz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag
"""
_OF_ANY = frozenset(
    terms(
        """
        total subtotal sum amount balance price cost value number quantity net gross tax due payable paid invoice bill
        receipt order quote offer purchase payment delivery contract agreement document report file page item product
        article machine device unit appliance vehicle car model system tool part customer client supplier vendor seller
        buyer employee patient person weight weigh length width height depth size speed power capacity volume age
        duration period term date day deadline month year week measure equal maximum minimum average overall final whole
        full entire
        gesamt gesamtbetrag gesamtsumme summe betrag endbetrag rechnung rechnungsbetrag preis kosten wert anzahl menge
        netto brutto steuer mehrwertsteuer bestellung angebot zahlung lieferung vertrag dokument bericht seite artikel
        produkt maschine gerät fahrzeug auto modell anlage kunde lieferant gewicht wiegt länge breite höhe tiefe größe
        leistung dauer laufzeit frist datum tag beträgt kostet lautet
        """
        + _DATES
    )
)
"""Words for what every invoice, order or machine has, and for these themselves: which one is meant they do not tell."""

_LETTERS = re.compile(r"[^\W\d_]+")
_IN_TITLES = "jan feb mar apr jun jul aug sep sept oct nov dec mär mrz okt dez mon tue wed thu fri sat sun st nd rd th"
_DATED = frozenset(_LETTERS.findall(f"{_DATES} {_IN_TITLES}"))
_BESIDE = re.compile(
    r"\b(?:in|from|at|to|by|with|via|near)\s(?:(?!(?:of|for)\b)[a-zß-ÿ]+\s){0,3}"
    r"[A-Z][\w'’-]*(?:\s(?:&\s)?[A-Z][\w'’-]*)*"
)
_IDENTIFIER = re.compile(r"\b(?:[A-Za-z]+-?\d[\w-]*|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|[A-Za-z]\w*_\w+)\b")
_CAPITAL = re.compile(r"(?<=[\w,] )[A-Z]\w*[a-z]\w*")
_NUMBERED = re.compile(r"([^\W\d_]{3,}|\bN[or]\.|#)\s?$")
_GERMAN = re.compile(
    r"\b(?:Der|Die|Das|der|das|den|dem|des|eine?[nmrs]?|und|ist|sind|beträgt|wird|werden|haben|für|von|vom|mit|zum|zur"
    r"|bei|beim|im|aus|auf|nach)\b"
)
_GERMAN_PRONOUN = re.compile(r"(?:Er|Sie|Es|Dies\w{0,2}|Das (?:ist|sind|war|waren|wird|hat))\b")


def stands_alone(text: str) -> bool:
    """Whether a sentence says by itself what it is about: it is no question, and begins with no "It" or "This"."""
    asks = text.rstrip(" \"'”’“»)").endswith(("?", "？"))
    return not (asks or dangles(text) or _GERMAN_PRONOUN.match(text))


def is_specific(telling: Collection[str]) -> bool:
    """Whether one of a sentence's terms is more than a field of a form: `total` is none."""
    return not _OF_ANY.issuperset(telling)


def is_named(text: str) -> bool:
    """Whether a sentence, without its amounts and their units, names a thing: `Nova`, `CX-200`, `maxSize`.

    Where something comes from or who did it is no name of it: there are many orders "from the supplier in Basel".
    """
    if _IDENTIFIER.search(text):
        return True
    text = _BESIDE.sub("", text)
    # In German every noun has a capital.
    return not _GERMAN.search(text) and any(is_specific(terms(word)) for word in _CAPITAL.findall(text))


def series(title: str) -> tuple[str, ...]:
    """What a title has in common with those that differ from it by a date or a number only, as daily reports do."""
    return tuple(word for word in _LETTERS.findall(title.lower()) if word not in _DATED)


def is_numbered(before: str) -> bool:
    """Whether the words before a figure make it a name, as in `invoice 4711` or `flat no. 3`."""
    word = _NUMBERED.search(before)
    return word is not None and (not word[1].isalpha() or bool(terms(word[1])))

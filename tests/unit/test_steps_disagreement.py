"""Plain contradictions between documents are found and said; what only looks like one is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rota.documents.extraction.sentences import sentences
from rota.steps.citations import rewrite
from rota.steps.disagreement import MOST_SHOWN, disagreements, with_disagreements

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The rent is 900 euros a month", "The rent is 950 euros a month"),
        ("Backups are kept for 30 days", "Backups were kept for 14 days"),
        ("Backups are encrypted at rest", "Backups are not encrypted at rest"),
        ("The archive doesn't hold personal data", "The archive holds personal data"),
        ("The lease of the house ends in 2027", "The lease of the house ends in 2031"),
        ("The fee of an account is $5", "The fee of an account is $7.50"),
        ("The fee of an account is $1,200", "The fee of an account is $1,250.50"),
        ("Die Miete beträgt 900 Euro", "Die Miete beträgt 950 Euro"),
        ("The total of invoice 4711 is 500 euros", "The total of invoice 4711 is 700 euros"),
        ("The total of the Nova contract is 500 euros", "The total of the Nova contract is 700 euros"),
        ("The CX-200 weighs 500 kg", "The CX-200 weighs 700 kg"),
        ("Zürich has 400,000 people", "Zürich has 440,000 people"),
        ("A course about law takes 30 days", "A course about law takes 40 days"),
    ],
)
def test_contradictions(one: str, other: str) -> None:
    """The same words, except for one amount, one date or a `not`; whichever document comes first."""
    [found] = disagreements([f"- {one} [2].", f"- Something else is said [2].\n- {other} [5]."])
    assert (found.one, found.numbers, found.other, found.other_numbers) == (one, (2,), other, (5,))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The rent is 900 euros a month", "The rent is 900 euros a month"),
        ("The rent of the flat is 900 euros", "The rent of the garage is 90 euros"),
        ("Tier 1 has the cheapest models", "Tier 2 has the cheapest models"),
        ("Python 3.11 runs the whole system", "Python 3.13 runs the whole system"),
        ("Revenue of the branch grew in 2019", "Revenue of the branch grew in 2020"),
        ("In 2019 the branch sold 50 million tokens", "In 2020 the branch sold 60 million tokens"),
        ("Some backups of customers are encrypted", "Some backups of customers are not encrypted"),
        ("The letter may take 3 days", "The letter may take 5 days"),
        ("It works", "It does not work"),
        ("The cost is $5", "The cost is $7"),
        ("The rent is 900 euros a month", "The rent is 900.00 euros a month"),
        ("Die Miete beträgt 1.200 Euro", "Die Miete beträgt 1200 Euro"),
        ("A film has 90 minutes at most", "A film has 090.0 minutes at most"),
        ("Latency from Berlin is 20 ms", "Latency to Berlin is 25 ms"),
        ("Our budget for trips is 500 euros", "Your budget for trips is 700 euros"),
        ("The C compiler took 5 seconds", "The C++ compiler took 9 seconds"),
    ],
)
def test_what_is_no_contradiction(one: str, other: str) -> None:
    """Other things, other names, other years, other conditions, or too little said to know."""
    assert disagreements([f"- {one} [2].\n- {other} [5]."]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The total is 500 euros", "The total is 700 euros"),
        ("Total: 500 euros", "Total: 700 euros"),
        ("The invoice total is 500 euros", "The invoice total is 700 euros"),
        ("The Total Amount is 500 euros", "The Total Amount is 700 euros"),
        ("The total due on 3 May is 500 euros", "The total due on 3 May is 700 euros"),
        ("Die Summe beträgt 500 Euro", "Die Summe beträgt 700 Euro"),
        ("The machine weighs 500 kg", "The machine weighs 700 kg"),
        ("The order of the customer is 50 kg in weight", "The order of the customer is 60 kg in weight"),
        ("The deposit is 500 euros", "The deposit is 700 euros"),
        ("It is kept in the vault for 30 days", "It is kept in the vault for 14 days"),
        ("Es kostet in Wien 500 Euro", "Es kostet in Wien 700 Euro"),
        ("This archive holds personal data of customers", "This archive does not hold personal data of customers"),
    ],
)
def test_two_things_of_a_kind_do_not_contradict_each_other(one: str, other: str) -> None:
    """Two invoices, two machines: nothing says that it is the same one."""
    assert disagreements([f"- {one} [2].\n- {other} [5]."]) == []


@pytest.mark.parametrize(
    "asked",
    [
        "Is the rent of Nova {} euros?",
        "Does “Nova cost {} euros?”",
        "The rent of Nova is about {} euros",
        "The rent of Nova is over €{}",
        "The rent of Nova is up to {} euros",
        "The rent of Nova is ca. {} euros",
        "The rent of Nova is ~{} euros",
        "The rent of Nova is {}+ euros",
        "Die Miete der CX-200 beträgt rund {} Euro",
    ],
)
def test_questions_and_approximations_contradict_nothing(asked: str) -> None:
    """Both may be meant of the same."""
    assert disagreements([f"- {asked.format(900)} [2]\n- {asked.format(950)} [5]"]) == []


def test_what_three_documents_fill_in_differently_is_a_form() -> None:
    """A third amount makes it one; a third document that says the same as one of the two is one more that disagrees."""
    said = "- The rent of the house is 900 euros [2].\n- The rent of the house is 950 euros [5].\n"
    assert len(disagreements([f"{said}- The rent of that house is 950.00 euros [6]."])) == 2
    assert disagreements([f"{said}- The rent of the house is 980 euros [6]."]) == []


def test_two_documents_that_differ_in_several_unnamed_things_are_about_two() -> None:
    """As two leases are; what has a name is the same thing all the same."""
    said = "- The rent of the house is 900 euros [2].\n- The rent of the house is 950 euros [5].\n"
    said += "- The lease of the house ends in 2027 [2].\n- The lease of the house ends in 2031 [5].\n"
    assert disagreements([said]) == []
    [found] = disagreements([f"{said}- The fee of Nova is $5 [2].\n- The fee of Nova is $7 [5]."])
    assert found.one == "The fee of Nova is $5"


SERIES = [
    ("2026-05-03.md", "2026-05-04.md"),
    ("logs/2026-05-03T10:00Z.log", "logs/2026-05-04T11:30Z.log"),
    ("Minutes of Monday, 3rd May 2026", "Minutes of Tuesday, 4 June"),
    ("invoice_0017.pdf", "invoice_0018.pdf"),
    ("Bericht 3. März.docx", "Bericht 28. Feb.docx"),
    ("mail.mbox/1 Orders.eml", "mail.mbox/12 Orders.eml"),
    ("Daily report", "Daily report"),
]


@pytest.mark.parametrize("titles", SERIES)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Spare parts came from the supplier in Basel, delivery in 25 days",
            "Spare parts came from the supplier in Basel, delivery in 24 days",
        ),
        ("The belt was replaced by Clara for 101 euros", "The belt was replaced by Clara for 99 euros"),
        ("On Monday the night shift packed 50 kg", "On Monday the night shift packed 60 kg"),
        ("Lieferung vom Hersteller in Basel in 25 Tagen", "Lieferung vom Hersteller in Basel in 24 Tagen"),
        ("The belt of the press is worn out", "The belt of the press is not worn out"),
    ],
)
def test_what_has_no_name_is_another_thing_in_each_document_of_a_series(
    titles: tuple[str, str], one: str, other: str
) -> None:
    """Who did it or where it came from is no name of it."""
    assert disagreements([f"- {one} [2].\n- {other} [5]."], dict(zip((2, 5), titles, strict=True))) == []


@pytest.mark.parametrize("titles", SERIES)
@pytest.mark.parametrize(
    "said", ["The fee of Nova is {} euros", "The CX-200 from Basel weighs {} kg", "The sum of invoice 4711 is {} euros"]
)
def test_what_has_a_name_is_the_same_thing_in_all_documents_of_a_series(titles: tuple[str, str], said: str) -> None:
    """An amount of it can be true only once."""
    notes = f"- {said.format(500)} [2].\n- {said.format(700)} [5]."
    assert len(disagreements([notes], dict(zip((2, 5), titles, strict=True)))) == 1


@pytest.mark.parametrize(
    "titles",
    [
        {2: "lease.md", 5: "house rules.md"},
        {2: "report 2026-05-03.md", 5: "plan 2026-05-03.md"},
        {2: "lease.md"},
        {5: "lease.md"},
        {2: "lease.md", 5: "rules.md", 6: "lease 2.md"},
    ],
)
def test_documents_of_different_titles_are_about_the_same_thing(titles: dict[int, str]) -> None:
    """Also when one of those that say the same is of a series with the other side."""
    notes = "- The rent is 900 euros a month [2][6].\n- The rent is 950 euros a month [5]."
    assert len(disagreements([notes], titles)) == 1


def test_a_document_does_not_disagree_with_itself() -> None:
    """Nor do two that both say both."""
    assert disagreements(["- The rent is 900 euros a month [2].\n- The rent is 950 euros a month [2][5]."]) == []


def test_rotas_own_documents_do_not_contradict_each_other() -> None:
    """All of the demonstration's sentences beside each other: no false alarm among thousands."""
    files = [*(REPOSITORY / "docs").glob("*.md"), *(REPOSITORY / "layers" / "rota").rglob("*.py")]
    notes = [
        f"- {rewrite(sentence.text, lambda _: [])} [{number}]"
        for number, file in enumerate(files, 1)
        for sentence in sentences(file.read_text("utf-8"))
    ]
    assert len(notes) > 2000
    assert disagreements(["\n".join(notes)]) == []


FOUND = disagreements(["- The rent is 900 euros a month [2].\n- The rent is 950 euros a month [5]."])
SECTION = (
    "\n\nThe documents disagree:\n\n- “The rent is 900 euros a month” [2], but “The rent is 950 euros a month” [5]."
)


def test_an_answer_says_what_it_is_silent_about() -> None:
    """Both sides, each with its mark."""
    assert with_disagreements("The rent is 900 euros [2].", FOUND) == f"The rent is 900 euros [2].{SECTION}"
    assert with_disagreements("One says 900 [2].\nThe other 950 [5].", FOUND).endswith(SECTION)


def test_an_answer_that_weighs_both_sides_itself_is_left_alone() -> None:
    """One line of it cites both, with or without places."""
    said = "The documents disagree: 900 euros [2:14] or 950 euros [5:3]."
    assert with_disagreements(said, FOUND) == said
    assert with_disagreements("Nothing of the kind.", []) == "Nothing of the kind."


def test_few_are_listed() -> None:
    """An answer is not a list of contradictions."""
    notes = [f"- The rent of flat number {n} is {n}00 euros [{2 * n}]." for n in "123456789" for n in [int(n)]]
    notes += [f"- The rent of flat number {n} is {n}50 euros [{2 * n + 1}]." for n in range(1, 10)]
    found = disagreements(notes)
    assert len(found) == 9
    assert with_disagreements("", found).count("\n- ") == MOST_SHOWN

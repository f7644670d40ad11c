"""The answer: checked marks, sources, what it does not cover, and the page it becomes."""

from __future__ import annotations

import pytest

from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidOutputError
from rota.records import Answer, DocumentInfo, Missing, Notes, Place, Source
from rota.steps import answer

QUESTION = "How long are backups kept?"
NOTES = Notes(text="- Backups are kept for thirty days [3].\n- The office is nice [4].", cited=[3, 4])
DOCUMENTS = [
    DocumentInfo(number=n, title=title, origin=origin, media_type="text/plain", bytes=1, characters=1)
    for n, title, origin in [(3, "ops/backup.md", "library/ops/backup.md"), (4, "office", "request")]
]


def test_the_prompt() -> None:
    """Question, headings and notes, each delimited."""
    asked = answer.prompt(QUESTION, ["Retention"], NOTES, 1500)
    assert f"<question>\n{QUESTION}\n</question>" in asked.prompt
    assert "- Retention" in asked.prompt
    assert f"<note>\n{NOTES['text']}\n</note>" in asked.prompt
    assert answer.frame_tokens(QUESTION, ["Retention"], 1500) + estimate_tokens(NOTES["text"]) <= asked.tokens + 2


def test_an_answer_names_the_sources_it_cites() -> None:
    """Marks of the notes stay, others go, and only cited documents are listed."""
    assert answer.check("Thirty days [3], or ever [8].", NOTES, DOCUMENTS) == {
        "text": "Thirty days [3], or ever.",
        "cited": [3],
        "sources": [{"number": 3, "title": "ops/backup.md", "origin": "library/ops/backup.md"}],
    }


def test_places_that_a_model_gives_are_taken_off() -> None:
    """They are looked up in the documents afterwards, whatever it says."""
    found = answer.check("Thirty days [3, lines 4-5], or ever [8:2].", NOTES, DOCUMENTS)
    assert (found["text"], found["cited"]) == ("Thirty days [3], or ever.", [3])


CONTRADICTION = Notes(text="- Backups are kept for 30 days [3].\n- Backups are kept for 14 days [4].", cited=[3, 4])


def test_contradictions_of_the_notes_are_said_with_both_sides() -> None:
    """By an answer without a model, and below a model's answer that is silent about them; not twice."""
    section = "The documents disagree:\n\n- “Backups are kept for 30 days” [3], but “Backups are kept for 14 days” [4]."
    assert answer.extractive(QUESTION, CONTRADICTION, DOCUMENTS, 500)["text"].endswith(section)
    found = answer.check("Thirty days [3].", CONTRADICTION, DOCUMENTS)
    assert (found["text"], found["cited"]) == (f"Thirty days [3].\n\n{section}", [3, 4])
    assert [source["number"] for source in found["sources"]] == [3, 4]
    weighed = "The documents disagree: 30 days [3] or 14 days [4]."
    assert answer.check(weighed, CONTRADICTION, DOCUMENTS)["text"] == weighed


def test_documents_of_one_series_do_not_contradict_each_other() -> None:
    """Their titles tell."""
    reports = [{**one, "title": f"2026-05-{one['number']:02}.md"} for one in DOCUMENTS]
    assert answer.check("Thirty days [3].", CONTRADICTION, reports)["text"] == "Thirty days [3]."


def test_an_answer_may_cite_nothing() -> None:
    """The documents do not say it: that is an answer."""
    assert answer.check("The documents do not say.", NOTES, DOCUMENTS)["sources"] == []


@pytest.mark.parametrize("text", ["", "[8]", "<think>hm</think>"])
def test_an_empty_answer_is_refused(text: str) -> None:
    """The dispatcher then asks another model."""
    with pytest.raises(InvalidOutputError):
        answer.check(text, NOTES, DOCUMENTS)


def test_without_a_model() -> None:
    """The statements of the notes that fit the question."""
    found = answer.extractive(QUESTION, NOTES, DOCUMENTS, 40)
    assert (found["text"], found["cited"]) == ("- Backups are kept for thirty days [3].", [3])
    nothing = answer.extractive(QUESTION, Notes(text="", cited=[]), DOCUMENTS, 100)
    assert (nothing["text"], nothing["sources"]) == (answer.NOTHING_FOUND, [])


def test_an_answer_without_a_model_is_short() -> None:
    """However much a model would have been allowed to write."""
    text = "\n".join(f"- Fact {n} says that thing {n * 7} is good [{n}]." for n in range(1, 200))
    found = answer.extractive("Which fact is good?", Notes(text=text, cited=list(range(1, 200))), DOCUMENTS, 4000)
    assert 5 < len(found["text"].splitlines()) <= 12


def test_notes_are_fitted_to_the_prompt() -> None:
    """What fits stays as it is; the rest is reduced to what matters most."""
    assert answer.fitted(QUESTION, NOTES, 1000) is NOTES
    long = Notes(text="\n".join(f"- Fact {n} is here for you [{n}]." for n in range(1, 500)), cited=list(range(1, 500)))
    fitted = answer.fitted("Fact 7?", long, 300)
    assert estimate_tokens(fitted["text"]) <= 292
    assert 7 in fitted["cited"]


ANSWER = Answer(text="Thirty days [3].", cited=[3], sources=[])


def test_what_is_not_covered_is_said() -> None:
    """With the reasons, and without a flood of them."""
    missing = [Missing(title=f"{n}.pdf", reason="is protected by a password") for n in range(1, 26)]
    text = answer.with_coverage(ANSWER, 25, 1050, missing)["text"]
    assert text.startswith(
        "Thirty days [3].\n\n> This answer covers 25 of 1,050 documents. Not covered:\n>\n> - 1.pdf: is"
    )
    assert text.endswith("> - 20.pdf: is protected by a password\n> - … and 5 more")
    assert ANSWER["text"] == "Thirty days [3]."


@pytest.mark.parametrize(
    ("why", "said"),
    [("deadline", "The deadline left no time"), ("budget_spent", "The budget"), ("", "No model could be")],
)
def test_why_no_model_wrote_it_is_said(why: str, said: str) -> None:
    """A caller's own limit is no outage."""
    assert answer.without_model(ANSWER, why)["text"].startswith(f"> {said}")


def test_full_coverage_needs_no_note() -> None:
    """An answer from everything is only itself."""
    assert answer.with_coverage(ANSWER, 50, 50, []) == ANSWER


def test_the_page_lists_its_sources() -> None:
    """The origin where it says more than the title."""
    page = answer.markdown(answer.check("Thirty days [3]. Nice [4].", NOTES, DOCUMENTS))
    assert page == (
        "Thirty days [3]. Nice [4].\n\n## Sources\n\n- [3] ops/backup.md (library/ops/backup.md)\n- [4] office\n"
    )
    assert answer.markdown(ANSWER) == "Thirty days [3].\n"


def test_the_page_says_where_in_a_source_to_look() -> None:
    """One place beside the title, several below it."""
    places: list[Place] = [{"lines": [120, 135], "quote": "def run(self): …"}, {"lines": [7, 7], "quote": "Runs."}]
    one: Source = {"number": 3, "title": "base.py", "origin": "request", "places": places[:1]}
    page = answer.markdown({**ANSWER, "sources": [one]})
    assert page.endswith("- [3] base.py, lines 120–135: “def run(self): …”\n")
    page = answer.markdown({**ANSWER, "sources": [{**one, "places": places}]})
    assert page.endswith("- [3] base.py\n  - lines 120–135: “def run(self): …”\n  - line 7: “Runs.”\n")


def test_a_quote_loads_nothing_in_the_page() -> None:
    """Documents may hold images of somebody's server, and tags."""
    places: list[Place] = [{"page": 2, "quote": "![x](https://a.b/c.png) [y][z] <img src=//a.b> 1 < 2"}]
    source: Source = {"number": 3, "title": "a.pdf", "origin": "request", "places": places}
    page = answer.markdown({**ANSWER, "sources": [source]})
    assert page.endswith("page 2: “![x] (https://a.b/c.png) [y] [z] < img src=//a.b> 1 < 2”\n")


def test_the_page_ends_with_what_was_read() -> None:
    """Where that is known."""
    assert answer.markdown(ANSWER, "50 of 50 documents") == "Thirty days [3].\n\nRead 50 of 50 documents.\n"

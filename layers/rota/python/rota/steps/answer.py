"""WriteAnswer: the answer in Markdown with citations, its sources, and what it does not cover."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rota.errors import InvalidOutputError
from rota.records import Answer, DocumentInfo, Missing, Notes, Source
from rota.steps import citations, delimit
from rota.steps.disagreement import disagreements, with_disagreements
from rota.steps.output import bare
from rota.steps.places import shown
from rota.steps.prompt import StepPrompt, bullets, fill, words
from rota.steps.statements import as_list, choose
from rota.steps.synthesize import fits

QUOTED_TOKENS = 540
"""An answer without a model is at most some twelve statements long: more is no answer."""

LISTED = 20
"""How many documents that are not covered are named one by one."""

NOTHING_FOUND = "The documents hold no sentence that could be quoted as an answer."

_LINK = re.compile(r"\](?=[(\[])")
_TAG = re.compile(r"<(?=\S)")


WITHOUT_MODEL = {
    "deadline": "The deadline left no time for a model to write this answer",
    "budget_spent": "The budget left no room for a model to write this answer",
}
"""What is said of an answer without a model, by why there was none; for any other reason it could not be reached."""


def prompt(question: str, outline: Sequence[str], notes: Notes, max_output_tokens: int) -> StepPrompt:
    """Ask for the answer."""
    return _filled(question, outline, delimit.notes([notes["text"]]), max_output_tokens)


def frame_tokens(question: str, outline: Sequence[str], max_output_tokens: int) -> int:
    """What the prompt holds besides the notes."""
    return _filled(question, outline, "", max_output_tokens).tokens


def fitted(question: str, notes: Notes, max_tokens: int) -> Notes:
    """The notes, or when they are too large for the prompt the statements of them that answer the question best."""
    if fits([notes["text"]], max_tokens):
        return notes
    return citations.clean(as_list(choose(question, [notes["text"]], max_tokens - 8)), notes["cited"])


def check(text: str, notes: Notes, documents: Sequence[DocumentInfo]) -> Answer:
    """A model's answer with only marks that the notes have, and the documents it cites.

    Raises InvalidOutputError when nothing is left.
    """
    cleaned = citations.clean(bare(text), notes["cited"])
    if not cleaned["text"]:
        raise InvalidOutputError("the answer holds nothing but marks of documents that do not exist")
    return _answer(cleaned["text"], notes, documents)


def extractive(question: str, notes: Notes, documents: Sequence[DocumentInfo], max_tokens: int) -> Answer:
    """The answer without a model: the statements of the notes that fit the question best."""
    chosen = choose(question, [notes["text"]], min(max_tokens, QUOTED_TOKENS))
    text = as_list(chosen) or NOTHING_FOUND
    return _answer(text, notes, documents)


def with_coverage(answer: Answer, read: int, total: int, missing: Sequence[Missing]) -> Answer:
    """The answer with a closing note on the documents of `total` that it does not cover, if there are any.

    One of `missing` may stand for many.
    """
    if not missing:
        return answer
    listed = [f"> - {one['title']}: {one['reason']}" for one in missing[:LISTED]]
    if len(missing) > LISTED:
        listed.append(f"> - … and {len(missing) - LISTED} more")
    note = f"> This answer covers {read:,} of {total:,} documents. Not covered:\n>\n" + "\n".join(listed)
    return {**answer, "text": f"{answer['text']}\n\n{note}"}


def with_remarks(answer: Answer, remarks: Sequence[str]) -> Answer:
    """The answer with closing remarks on how it came about, if there are any."""
    if not remarks:
        return answer
    return {**answer, "text": f"{answer['text']}\n\n> {' '.join(remarks)}"}


def without_model(answer: Answer, why: str = "") -> Answer:
    """The answer with a note that no model wrote it, for a job that wanted one. `why` as in `Carried.why`."""
    reason = WITHOUT_MODEL.get(why, "No model could be reached for this answer")
    return {**answer, "text": f"> {reason}: these are the documents' own sentences.\n\n{answer['text']}"}


def markdown(answer: Answer, coverage: str = "") -> str:
    """The answer as a page: its text, the list of its sources with the places cited, and what was read."""
    page = answer["text"]
    if answer["sources"]:
        page += "\n\n## Sources\n\n" + "\n".join(map(_listed, answer["sources"]))
    if coverage:
        page += f"\n\nRead {coverage}."
    return f"{page}\n"


def _listed(source: Source) -> str:
    """A source as an item of a list: one place in the same line, several below it."""
    places = [_harmless(shown(place)) for place in source.get("places", [])]
    item = f"- [{source['number']}] {_titled(source)}"
    if len(places) == 1:
        return f"{item}, {places[0]}"
    return "\n".join([item, *(f"  - {place}" for place in places)])


def _harmless(quote: str) -> str:
    """A quote that loads no image and opens no tag in the page, whatever the document holds."""
    return _TAG.sub("< ", _LINK.sub("] ", quote))


def _titled(source: Source) -> str:
    title, origin = source["title"], source["origin"]
    return title if origin in ("request", title) else f"{title} ({origin})"


def _answer(text: str, notes: Notes, documents: Sequence[DocumentInfo]) -> Answer:
    """With the plain contradictions of the notes that the text is silent about."""
    titles = {one["number"]: one["title"] for one in documents}
    text = with_disagreements(text, disagreements([notes["text"]], titles))
    cleaned = citations.clean(text, notes["cited"])
    cited = set(cleaned["cited"])
    sources = [
        Source(number=one["number"], title=one["title"], origin=one["origin"])
        for one in documents
        if one["number"] in cited
    ]
    return Answer(text=cleaned["text"], cited=cleaned["cited"], sources=sources)


def _filled(question: str, outline: Sequence[str], notes: str, max_output_tokens: int) -> StepPrompt:
    return fill(
        "answer",
        question=delimit.question(question),
        outline=bullets(list(outline), "- none: a short answer needs no headings"),
        notes=notes,
        words=words(max_output_tokens),
    )

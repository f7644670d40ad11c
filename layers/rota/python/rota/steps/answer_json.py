"""WriteAnswer with a schema: the answer as one JSON object, citation marks in its texts, and the documents cited."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from rota.documents.tokens import estimate_tokens
from rota.errors import NoCapacityError
from rota.providers.structured_output import schema_instruction
from rota.records import Answer, DocumentInfo, Notes, Source
from rota.steps import answer, citations, delimit
from rota.steps.conformity import Conformity, Path
from rota.steps.prompt import StepPrompt, fill, words

ROUNDS = 4
"""How often marks are put back where a text without them breaks the schema, before all of them stay."""


class JsonAnswer(Answer):
    """`answer.json` of a job with a schema: `text` is exactly the JSON text of `json`."""

    json: Any


def prompt(question: str, notes: Notes, max_output_tokens: int) -> StepPrompt:
    """Ask for the object. The schema goes beside the prompt, as `ModelCall.json_schema`; see `schema_tokens`."""
    return _filled(question, delimit.notes([notes["text"]]), max_output_tokens)


def frame_tokens(question: str, max_output_tokens: int, schema: Mapping[str, Any]) -> int:
    """What the call holds besides the notes."""
    return _filled(question, "", max_output_tokens).tokens + schema_tokens(schema)


def schema_tokens(schema: Mapping[str, Any]) -> int:
    """What asking for the schema costs in input."""
    return estimate_tokens(schema_instruction(schema))


def check(text: str, schema: Conformity, notes: Notes, documents: Sequence[DocumentInfo]) -> JsonAnswer:
    """A model's object with only marks that the notes have, and the documents that its texts cite.

    Raises InvalidOutputError when there is no object that conforms.
    """
    value = _cleaned(schema.read(text).value, notes["cited"], schema)
    cited = sorted({n for said in _texts(value) for n in citations.cited_in(said) if n in notes["cited"]})
    sources = [
        Source(number=one["number"], title=one["title"], origin=one["origin"])
        for one in documents
        if one["number"] in cited
    ]
    return JsonAnswer(text=json.dumps(value, ensure_ascii=False, indent=2), cited=cited, sources=sources, json=value)


def without_model(deadline_s: int | None) -> NoReturn:
    """Sentences of documents fill no form: which of them is a title, a risk, a choice would be a guess."""
    within = f" within the deadline of {deadline_s} s" if deadline_s else ""
    raise NoCapacityError(
        f"options.answer_schema: no model could write the answer in this form{within}, and without a model a schema "
        "cannot be filled; ask again, or without a schema for the documents' own sentences"
    )


def page(written: Answer) -> str:
    """The answer as a page: its JSON, and the list of its sources."""
    return answer.markdown({**written, "text": f"```json\n{written['text']}\n```"})


def _cleaned(value: Any, known: Collection[int], schema: Conformity) -> Any:
    """The value with marks cleaned in all texts, except where that would break the schema.

    A choice or a pattern may ask for something that looks like a mark: those texts are left as they are.
    """
    kept: set[Path] = set()

    def changed(at: Path, said: str) -> str:
        if any(at[: len(path)] == path for path in kept):
            return said
        clean = citations.clean(said, known)["text"]
        return said if clean == said.strip() else clean

    for _ in range(ROUNDS):
        cleaned = _with_texts(value, changed, ())
        problems = schema.problems(cleaned)
        if not problems:
            return cleaned
        kept |= {problem.path for problem in problems}
    return value


def _with_texts(value: Any, change: Callable[[Path, str], str], at: Path) -> Any:
    if isinstance(value, str):
        return change(at, value)
    if isinstance(value, dict):
        return {name: _with_texts(inner, change, (*at, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_texts(inner, change, (*at, place)) for place, inner in enumerate(value)]
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _filled(question: str, notes: str, max_output_tokens: int) -> StepPrompt:
    return fill("answer_json", question=delimit.question(question), notes=notes, words=words(max_output_tokens))

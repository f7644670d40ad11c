"""The model without weights: cited, readable, bounded, and honest about what it is."""

from __future__ import annotations

import json
import re

from rota.documents.extraction.extract import quote_texts
from rota.providers.simulated import NOTICE, SimulatedModel, question_phrases
from rota.providers.structured_output import schema_instruction
from rota.records import Batch, DocumentInfo, Notes, Passage
from rota.steps import answer, plan, summarize, synthesize

QUESTION = "<question>How does the harbour keep ships apart, and who pays?</question>"
HARBOUR = (
    "The harbour opened long ago. A pilot keeps ships apart by giving each a berth and a time. "
    "Gulls are many. See table[4] for the harbour dues that every owner pays. Bread is sold at noon."
)
DOCUMENTS = (
    f'Read what stands between <document> and the end.\n{QUESTION}\n<document number="3" title="a ) b" part="1/2">'
    f"{HARBOUR}</document>\n"
    '<document number="12" title="b">Owners &amp; crews pay at the gate of the harbour.</document>'
)

model = SimulatedModel(quote_texts)


def cited(text: str) -> set[int]:
    """Numbers in marks."""
    return {int(number) for number in re.findall(r"\[(\d+)\]", text)}


def test_a_summary_quotes_every_document_with_its_number() -> None:
    """Marks are those of the delimiters; brackets inside a document do not pass for citations."""
    reply = model.reply("Summarise.", DOCUMENTS, 500)
    assert cited(reply.text) == {3, 12}
    assert "A pilot keeps ships apart by giving each a berth and a time [3]." in reply.text
    assert "Owners &amp; crews pay at the gate of the harbour [12]." in reply.text
    assert (reply.stop_reason, reply.output_tokens) == ("end", model.count_tokens(reply.text))


def test_the_prompts_of_a_job_are_understood_from_end_to_end() -> None:
    """As the steps write them: notes of a batch, merged notes, and an answer that alone says what wrote it."""
    question = "How are ships kept apart?"
    passages = [
        Passage(number=n, title="Harbour", part=1, parts=1, start=0, end=len(HARBOUR), text=HARBOUR) for n in (3, 12)
    ]
    batch = Batch(batch_id="b0001", passages=passages)
    asked = summarize.prompt(question, ["berths"], batch, 500)
    notes = summarize.check(model.reply(asked.system, asked.prompt, 500).text, batch)
    assert notes["cited"] == [3, 12]
    asked = synthesize.prompt(question, ["berths"], [notes["text"]], 1500)
    merged = model.reply(asked.system, asked.prompt, 1500).text
    assert NOTICE not in merged
    assert cited(merged) == {3, 12}
    asked = answer.prompt(question, ["Berths"], Notes(text=merged, cited=[3, 12]), 1500)
    written = model.reply(asked.system, asked.prompt, 1500).text
    assert written.startswith(NOTICE)
    assert "A pilot keeps ships apart by giving each a berth and a time [3][12]." in written


def test_the_plan_of_a_job_is_understood() -> None:
    """With the schema where each wire puts it."""
    documents = [
        DocumentInfo(number=1, title="Harbour", origin="request", media_type="text/plain", bytes=9, characters=9)
    ]
    asked = plan.prompt("How are ships kept apart?", documents)
    for system, schema in ((asked.system, plan.SCHEMA), (asked.system + schema_instruction(plan.SCHEMA), None)):
        assert plan.parse(model.reply(system, asked.prompt, 500, schema).text)["focus"][0] == "How are ships kept apart"


def test_many_documents_share_a_small_bound() -> None:
    """None goes uncited, and the bound holds."""
    documents = "".join(f'<document number="{n}" title="t">{HARBOUR}</document>' for n in range(1, 21))
    reply = model.reply("", QUESTION + documents, 500)
    assert cited(reply.text) == set(range(1, 21))
    assert reply.output_tokens <= 500
    assert reply.stop_reason == "end"


def test_notes_are_joined_with_their_marks() -> None:
    """Statements keep their marks, come once, and stand under the notice; what cites nothing is dropped."""
    notes = [
        f"{NOTICE}\n\n- A pilot keeps ships apart [3].\n- Every owner pays dues [3][12].",
        "- A pilot keeps ships apart [3].\nUncited chatter about ships. Crews pay too [7]. And so on [9] there.",
    ]
    prompt = QUESTION + "".join(f"<note>{note}</note>" for note in notes)
    reply = model.reply("Merge the <note> texts.", prompt, 800)
    lines = reply.text.splitlines()
    assert lines[0] == NOTICE
    assert lines.count("- A pilot keeps ships apart [3].") == 1
    assert "- Every owner pays dues [3][12]." in lines
    assert reply.text.count(NOTICE) == 1
    assert cited(reply.text) <= {3, 7, 9, 12}


def test_a_plan_is_json_made_of_the_question() -> None:
    """The schema may stand beside the call or in the system prompt."""
    schema = {
        "type": "object",
        "properties": {"focus": {"type": "array", "items": {"type": "string"}}, "title": {"type": "string"}},
    }
    beside = json.loads(model.reply("Plan.", QUESTION, 400, schema).text)
    inside = json.loads(model.reply("Plan. " + schema_instruction(schema), QUESTION, 400).text)
    assert beside == inside
    assert beside["title"] == "How does the harbour keep ships apart, and who pays?"
    assert "who pays" in beside["focus"]


def test_an_answer_as_json_says_what_the_notes_say() -> None:
    """With marks, so that the caller can still resolve them."""
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    reply = model.reply("", f"{QUESTION}<note>- A pilot keeps ships apart [3].</note>", 400, schema)
    assert json.loads(reply.text) == {"answer": "A pilot keeps ships apart [3]."}


def test_a_small_bound_cuts_the_answer_off() -> None:
    """Never more tokens than were booked."""
    reply = model.reply("", DOCUMENTS, 5)
    assert (reply.stop_reason, reply.output_tokens) == ("length", 5)


def test_any_other_prompt_is_answered_too() -> None:
    """A chat without Rota's delimiters."""
    reply = model.reply("", "The sea is wide. The sky is blue. What is wide?", 100)
    assert reply.text.startswith(NOTICE)
    assert "The sea is wide" in reply.text


def test_tokens_are_counted_by_the_models_own_tokenizer() -> None:
    """System prompt, prompt and schema all count."""
    dense = SimulatedModel(quote_texts, characters_per_token=2.0)
    assert (model.count_tokens("x" * 9), dense.count_tokens("x" * 9)) == (3, 5)
    assert model.count_input_tokens("s" * 40, "p" * 40) == 28
    assert model.count_input_tokens("", "p" * 40, {"type": "object"}) > model.count_input_tokens("", "p" * 40)


def test_phrases_of_a_question() -> None:
    """The whole, its clauses, its telling words; never nothing."""
    assert question_phrases("Who pays?") == ["Who pays", "pays"]
    assert question_phrases("?!") == ["?!"]

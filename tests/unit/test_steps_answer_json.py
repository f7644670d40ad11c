"""The answer as JSON: asked for by a schema, its marks cleaned without breaking it, its sources named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.extraction.extract import quote_texts
from rota.errors import InvalidOutputError, NoCapacityError
from rota.providers.simulated import SimulatedModel
from rota.providers.structured_output import schema_instruction
from rota.records import DocumentInfo, Notes
from rota.steps import answer_json
from rota.steps.conformity import Conformity
from rota.steps.schema_rules import check_schema

QUESTION = "Which risks does the lease have?"
NOTES = Notes(
    text=(
        "- The landlord may raise the rent of the lease after 2026, a risk [1][3].\n"
        "- A risk of the lease: repairs above 500 euros are paid by the tenant [2]."
    ),
    cited=[1, 2, 3],
)
DOCUMENTS = [
    DocumentInfo(number=n, title=f"{n}.md", origin="request", media_type="text/plain", bytes=1, characters=1)
    for n in (1, 2, 3)
]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "risks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "severity": {"enum": ["low", "medium", "high"]},
                    "documents": {"type": "array", "items": {"type": "integer"}},
                },
            },
        },
    },
}


def checked(value: Any, schema: dict[str, Any] | None = None) -> answer_json.JsonAnswer:
    """What becomes of a model's value."""
    return answer_json.check(json.dumps(value), Conformity(schema or SCHEMA), NOTES, DOCUMENTS)


def test_the_prompt() -> None:
    """Question and notes, each delimited; the schema goes beside it and is counted."""
    asked = answer_json.prompt(QUESTION, NOTES, 1500)
    assert f"<question>\n{QUESTION}\n</question>" in asked.prompt
    assert f"<note>\n{NOTES['text']}\n</note>" in asked.prompt
    assert "JSON" in asked.system
    frame = answer_json.frame_tokens(QUESTION, 1500, SCHEMA)
    assert frame > answer_json.schema_tokens(SCHEMA) > len(schema_instruction(SCHEMA)) / 4


def test_an_answer_is_its_json_with_sources() -> None:
    """Marks of the notes stay, others go, in every text at any depth; the text is exactly the JSON."""
    risk = {"title": "The rent may rise [1, 9]", "severity": "high", "documents": [1]}
    found = checked({"summary": "Two risks [doc 2].", "risks": [risk]})
    assert found["json"] == {
        "summary": "Two risks [2].",
        "risks": [{"title": "The rent may rise [1]", "severity": "high", "documents": [1]}],
    }
    assert json.loads(found["text"]) == found["json"]
    assert found["cited"] == [1, 2]
    assert [one["number"] for one in found["sources"]] == [1, 2]


def test_numbers_in_lists_are_no_citations() -> None:
    """They are whatever the schema means by them."""
    found = checked({"summary": "Nothing.", "risks": [{"title": "t", "severity": "low", "documents": [1, 77]}]})
    assert (found["cited"], found["sources"]) == ([], [])
    assert found["json"]["risks"][0]["documents"] == [1, 77]


@pytest.mark.parametrize(
    ("texts", "value", "expected"),
    [
        ({"enum": ["[9]", "none"]}, "[9]", "[9]"),
        ({"pattern": r"^.* \[9\]$"}, "clause [9]", "clause [9]"),
        ({"minLength": 9}, "short [99]", "short [99]"),
        ({"anyOf": [{"const": "see [doc 1]"}, {"type": "null"}]}, "see [doc 1]", "see [doc 1]"),
        ({"type": "string"}, "free [9]", "free"),
    ],
    ids=["enum", "pattern", "minLength", "const in a choice", "free text"],
)
def test_cleaning_never_breaks_the_schema(texts: dict[str, Any], value: str, expected: str) -> None:
    """A text that must be as it is stays so; those beside it are cleaned."""
    schema = {"type": "object", "properties": {"kept": texts, "beside": {"type": "string"}}}
    found = checked({"kept": value, "beside": "Rent rises [1][9]."}, schema)
    assert found["json"] == {"kept": expected, "beside": "Rent rises [1]."}
    assert Conformity(schema).problems(found["json"]) == []


def test_items_that_only_their_marks_tell_apart_keep_them() -> None:
    """The list as a whole breaks the schema without them."""
    schema = {"type": "object", "properties": {"all": {"type": "array", "uniqueItems": True}}}
    assert checked({"all": ["a [8]", "a [9]"]}, schema)["json"] == {"all": ["a [8]", "a [9]"]}


def test_cited_numbers_are_known_ones() -> None:
    """Also where a mark of an unknown document had to stay."""
    schema = {"type": "object", "properties": {"kept": {"enum": ["x [2][9]"]}}}
    assert checked({"kept": "x [2][9]"}, schema)["cited"] == [2]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "title": st.text("ab []【】12`\n,", max_size=20),
                "severity": st.sampled_from(["low", "medium", "high"]),
                "documents": st.lists(st.integers(-5, 5), max_size=3),
            }
        ),
        max_size=4,
    ),
    st.integers(0, 6),
)
def test_whatever_conforms_still_conforms_cleaned(risks: list[dict[str, Any]], least: int) -> None:
    """And is the same value but for its texts."""
    schema = json.loads(json.dumps(SCHEMA))
    schema["properties"]["risks"]["items"]["properties"]["title"]["minLength"] = least
    value = {"summary": "s", "risks": risks}
    if Conformity(schema).problems(value):
        return
    found = checked(value, schema)
    assert Conformity(schema).problems(found["json"]) == []
    assert json.loads(found["text"]) == found["json"]
    assert [{**risk, "title": ""} for risk in found["json"]["risks"]] == [{**risk, "title": ""} for risk in risks]


@pytest.mark.parametrize("text", ["", "Two risks [1].", '{"summary": 1}', "[1]", '{"risks": [{"severity": "huge"}]}'])
def test_what_is_no_such_object_is_refused(text: str) -> None:
    """Then the model is asked to repair it."""
    with pytest.raises(InvalidOutputError):
        answer_json.check(text, Conformity(SCHEMA), NOTES, DOCUMENTS)


def test_without_a_model_no_schema_is_filled() -> None:
    """The error names the option."""
    with pytest.raises(NoCapacityError, match=r"options\.answer_schema"):
        answer_json.without_model(None)


def test_the_page() -> None:
    """JSON in a fence that nothing in it can close, then the sources."""
    page = answer_json.page(checked({"summary": "It rises [1].\n```\nno"}))
    assert page.startswith("```json\n{\n")
    assert page.count("\n```") == 1
    assert page.endswith("## Sources\n\n- [1] 1.md\n")


def test_simulated_models_fill_a_schema_from_the_notes() -> None:
    """A realistic schema: valid, readable, each item with the documents that its text cites."""
    check_schema(SCHEMA, "options.answer_schema", objects_only=True)
    asked = answer_json.prompt(QUESTION, NOTES, 1500)
    for system, schema in ((asked.system, SCHEMA), (asked.system + schema_instruction(SCHEMA), None)):
        reply = SimulatedModel(quote_texts).reply(system, asked.prompt, 1500, schema)
        found = answer_json.check(reply.text, Conformity(SCHEMA), NOTES, DOCUMENTS)
        first, second = found["json"]["risks"]
        assert first["title"] == "A risk of the lease: repairs above 500 euros are paid by the tenant [2]."
        assert (first["severity"], first["documents"]) == ("low", [2])
        assert (second["documents"], found["cited"]) == ([1, 3], [1, 2, 3])
        assert first["title"] in found["json"]["summary"]


def test_simulated_models_keep_formats_and_unique_items() -> None:
    """With values that nobody takes for found ones."""
    schema = {
        "type": "object",
        "properties": {
            "due": {"type": "string", "format": "date"},
            "kinds": {"type": "array", "uniqueItems": True, "items": {"enum": ["rent", "repair"]}},
            "numbers": {"type": "array", "minItems": 4, "items": {"type": "integer"}},
        },
        "required": ["due", "kinds", "numbers"],
    }
    asked = answer_json.prompt(QUESTION, NOTES, 1500)
    reply = SimulatedModel(quote_texts).reply(asked.system, asked.prompt, 1500, schema)
    found = answer_json.check(reply.text, Conformity(schema), NOTES, DOCUMENTS)["json"]
    assert (found["due"], found["kinds"], len(found["numbers"])) == ("1970-01-01", ["rent"], 4)

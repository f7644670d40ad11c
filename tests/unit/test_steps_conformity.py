"""Schemas of callers and values of models, both hostile: what is taken, what conforms, and that no check goes on."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.chat_output import schema_check
from rota.errors import InvalidInputError, InvalidOutputError
from rota.steps.conformity import DEEPEST, MOST_STEPS, PATTERN_STEPS, Conformity
from rota.steps.patterns import cost
from rota.steps.schema_rules import check_schema

FIELD = "options.answer_schema"
RISKS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "risks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"title": {"type": "string"}, "severity": {"enum": ["low", "medium", "high"]}},
                "required": ["title", "severity"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["summary"],
}
GOOD = '{"summary": "s", "risks": [{"title": "t", "severity": "low"}]}'


def doubling(levels: int) -> dict[str, Any]:
    """Definitions that refer to each other twice: a few lines that are 2 to the power of `levels` checks."""
    names = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n - 1}"}] * 2} for n in range(1, levels)}
    return {"a0": {"type": "string"}, **names}


@pytest.mark.parametrize(
    "schema",
    [
        RISKS,
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "definitions": {"x": {}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://a/b", "type": "object"},
        {
            "type": "object",
            "properties": {"next": {"$ref": "#"}, "my": {"$ref": "#/$defs/a%20b"}},
            "$defs": {"a b": {}},
        },
        {"type": "object", "properties": {"patternProperties": {"type": "string"}, "$ref": {"type": "string"}}},
        {
            "type": "object",
            "properties": {"id": {"pattern": r"^[A-Z]{2,4}-\d+$"}, "day": {"pattern": r"^\d{4}-\d{2}$"}},
        },
        {"type": "object", "properties": {"mail": {"pattern": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"}}},
    ],
)
def test_ordinary_schemas_are_taken(schema: dict[str, Any]) -> None:
    """With references within themselves, recursion and patterns."""
    check_schema(schema, FIELD, objects_only=True)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "strng"}, r"\$\.type: is no JSON schema"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, r"\$\.properties\.a\.type: is no JSON schema"),
        ({"type": "object", "properties": 3}, r"\$\.properties: is no JSON schema"),
        ({"type": "array"}, r'\$\.type: must be "object"'),
        ({}, r'\$\.type: must be "object"'),
        ({"type": "object", "properties": {"a": {"$ref": "http://169.254.169.254/"}}}, r"a\.\$ref: 'http://169"),
        (
            {"type": "object", "allOf": [{"$ref": "#/x"}], "x": {"pattern": "(a+)+$"}},
            r"allOf\[0\]\.\$ref: '#/x' is not",
        ),
        ({"type": "object", "properties": {"a": {"$dynamicRef": "#a"}}}, r"a\.\$dynamicRef: is not taken"),
        ({"type": "object", "properties": {"a": {"$id": "http://x"}}}, r"a\.\$id: is not taken"),
        ({"type": "object", "properties": {"a": {"$schema": "x"}}}, r"a\.\$schema: is not taken"),
        ({"type": "object", "patternProperties": {"(a+)+$": {}}}, r"\$\.patternProperties: is not taken"),
        ({"type": "object", "$schema": "http://json-schema.org/draft-03/schema"}, r"\$schema: .*2020-12.*draft-07"),
        ({"type": "object", "not": {"pattern": "(a+)+$"}}, r"\$\.not\.pattern: could take too long"),
        ({"type": "object", "properties": {"a": {"pattern": "(a|a)*$"}}}, r"a\.pattern: could take too long"),
        ({"type": "object", "properties": {"a": {"pattern": "[" * 9}}}, r"a\.pattern: is no regular expression"),
        ({"type": "object", "properties": {"a": {"pattern": "a" * 301}}}, r"has 301 characters, at most 300"),
        ({"type": "object", "description": "x" * 33_000}, r"\$: has 33,\d{3} bytes, at most 32,768"),
        ({"type": "object", "maximum": float("nan")}, "number that is not JSON"),
        ({"type": "object", "properties": {"\ud83d": {}}}, "half a character"),
        ({"type": "object", "$ref": "#"}, "does it refer to itself"),
        ({"type": "object", "$ref": "#/$defs/a39", "$defs": doubling(40)}, "does it refer to itself"),
    ],
)
def test_other_schemas_are_refused_with_their_place(schema: dict[str, Any], words: str) -> None:
    """And with what is allowed there; quickly, whatever they hold."""
    began_s = time.monotonic()
    with pytest.raises(InvalidInputError, match=words) as refused:
        check_schema(schema, FIELD, objects_only=True)
    assert refused.value.field == FIELD
    assert time.monotonic() - began_s < 5


def test_nesting_is_bounded() -> None:
    """Levels of schemas, not of what they describe."""
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(30):
        deep = {"type": "object", "properties": {"a": deep}}
    with pytest.raises(InvalidInputError, match="at most 24 levels"):
        check_schema(deep, FIELD)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"<think>what [1]?</think>\n{GOOD}",
        f"Here are 3 risks [1]:\n{GOOD}\nTell me if you need more.",
        f"3 risks: {GOOD} {{",
        f'{{"type": "object"}} is the schema, and this the value: {GOOD}',
    ],
)
def test_json_is_found_among_words(text: str) -> None:
    """In a fence, after reasoning, between sentences, behind an echo of something else."""
    found = Conformity(RISKS).read(text)
    assert found.value == json.loads(GOOD)
    assert found.text == GOOD


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I would rather answer in prose.", "is not JSON"),
        ('{"summary": "s", "risks": [{"title": "t", "sev', "breaks off at its end"),
        ('{"summary": "s", "risks": [', "breaks off at its end"),
        ('{summary: {"summary": "inner"}}', "is not JSON: Expecting property name"),
        ('{"summary": "s" "x": {"summary": "inner"}}', "is not JSON: Expecting ',' delimiter"),
        ('{"summary": NaN}', "is not JSON"),
        ('{"summary": 1e999}', "is not JSON"),
        ('{"summary": ' + "9" * 5000 + "}", "is not JSON"),
        ("{}", r'\$: lacks "summary"'),
        ('{"summary": 3}', r'\$\.summary: must be of type "string"'),
        (
            '{"summary": "s", "risks": [{"title": "t", "severity": "secret"}]}',
            r"\$\.risks\[0\]\.severity: must be one of",
        ),
        (
            '{"summary": "s", "risks": [{"title": "t", "severity": "low", "secret": 1}]}',
            'known are \\["title","severity"',
        ),
        ("[]", r'must be of type "object"'),
        ('{"a":' * 120 + "1" + "}" * 120, f"more than {DEEPEST} levels deep"),
        ("[" * 100_000, "nested|is not JSON|beyond"),
    ],
)
def test_what_does_not_conform_is_told_without_the_values_words(text: str, words: str) -> None:
    """What is inside of something broken is not taken for the whole; documents' words get into no error."""
    with pytest.raises(InvalidOutputError, match=words) as refused:
        Conformity(RISKS).read(text)
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) < 1500


def test_all_problems_are_told_up_to_a_few() -> None:
    """A model repairs them at once."""
    risks = [{"title": 1, "severity": "huge"} for _ in range(9)]
    with pytest.raises(InvalidOutputError) as refused:
        Conformity(RISKS).read(json.dumps({"summary": "s", "risks": risks}))
    assert str(refused.value).count("$.risks") == 5
    assert len(Conformity(RISKS).problems({"summary": "s", "risks": risks})) == 18


def test_formats_that_are_sure_are_checked() -> None:
    """A date is a date; what the validator cannot know is a note to the reader."""
    schema = {"properties": {"day": {"format": "date"}, "at": {"format": "no-such-format"}}}
    assert Conformity(schema).problems({"day": "2027-02-28", "at": "?"}) == []
    assert [str(one) for one in Conformity(schema).problems({"day": "soon"})] == ['$.day: breaks format: "date"']


@pytest.mark.parametrize(
    ("step", "value", "is_so"),
    [
        (0.01, "19.99", True),
        (0.01, "-19.990", True),
        (0.01, "19.995", False),
        (0.1, "0.3", True),
        (0.1, "1" + "0" * 400, True),
        (1e-7, "1.23e-5", True),
        (1e-7, "1.23e-8", False),
        (3, "1e300", False),
        (5e-324, "1.7976931348623157e308", True),
        (7, "9" * 4200, True),
        (7, "1" * 4201, False),
        (0.5, "1e-400000", True),
        (0.01, "true", True),
    ],
)
def test_multiples_are_those_of_the_digits(step: float, value: str, is_so: bool) -> None:
    """Not of the nearest binary fractions; however large or small, at once. What is no number has no multiples."""
    conformity = Conformity({"properties": {"x": {"multipleOf": step}}})
    began_s = time.monotonic()
    problems = list(map(str, conformity.problems({"x": json.loads(value)})))
    assert time.monotonic() - began_s < 0.5
    assert problems == ([] if is_so else [f"$.x: breaks multipleOf: {json.dumps(step)}"])


def test_a_number_that_is_too_large_to_be_read_is_said_to_be() -> None:
    """Whether by its exponent or by its digits."""
    for number in ("1e400000", "-1e400000", "9" * 5000):
        with pytest.raises(InvalidOutputError, match="a number or the nesting is beyond what can be read"):
            Conformity({"properties": {"x": {"multipleOf": 0.01}}}).read(f'{{"x": {number}}}')


def chain(levels: int) -> Any:
    """An object in an object in an object."""
    value: Any = {}
    for _ in range(levels):
        value = {"c": value}
    return value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"properties": {"x": {"$ref": "#/$defs/a39"}}, "$defs": doubling(40)}, {"x": "s"}),
        ({"properties": {"c": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["z"]}, chain(90)),
        (
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "properties": {"c": {"anyOf": [{"$ref": "#"}] * 2}},
                "required": ["z"],
            },
            chain(90),
        ),
        ({"properties": {"x": {"uniqueItems": True}}}, {"x": [{"n": n} for n in range(20_000)]}),
        ({"properties": {"x": {"pattern": "(a+)+$"}}}, {"x": "a" * 60 + "!"}),
        ({"properties": {"x": {"pattern": r".*.*.*.*z"}}}, {"x": "a" * 3_000}),
        ({"properties": {"x": {"multipleOf": 0.1}}}, {"x": float("inf")}),
    ],
    ids=["doubling", "recursion", "its draft named", "unique items", "nested repeats", "many repeats", "no number"],
)
def test_no_check_goes_on(schema: dict[str, Any], value: Any) -> None:
    """Whatever schema and value have made of each other, it ends in seconds, as an output that cannot be checked."""
    began_s = time.monotonic()
    with pytest.raises(InvalidOutputError, match="cannot be checked"):
        Conformity(schema).problems(value)
    assert time.monotonic() - began_s < 20


def test_large_ordinary_output_is_checked() -> None:
    """60,000 tokens of it."""
    risks = [{"title": "t" * 50, "severity": "low"} for _ in range(2_500)]
    assert Conformity(RISKS).problems({"summary": "s", "risks": risks}) == []


@pytest.mark.parametrize(
    ("pattern", "length", "most"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", 1_000, 2_000),
        (r"^https?://\S+$", 1_000, 30_000),
        (r"^(low|medium|high)$", 1_000, 2_000),
        (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", 40, 500_000),
    ],
)
def test_ordinary_patterns_are_cheap(pattern: str, length: int, most: float) -> None:
    """For texts as long as they have."""
    assert cost(pattern)(length) < most


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*$", "(a*)*b", "(.+)+x", "a?" * 30 + "a" * 30, "((a{0,99}){0,99}){0,99}"]
)
def test_patterns_that_explode_are_seen(pattern: str) -> None:
    """Forty characters are enough for them."""
    assert PATTERN_STEPS * cost(pattern)(40) > MOST_STEPS


_PIECES = st.sampled_from(
    ["a", "b", ".", "a*", "b?", "[ab]+", "(a|b)", "(?:ab)?", "a{1,3}", "(a|ab)*", "(?=a)", r"\b", "^", "$"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, min_size=1, max_size=6), st.text("ab", max_size=40))
def test_what_a_pattern_costs_bounds_the_time_it_takes(pieces: list[str], text: str) -> None:
    """Patterns that look cheap are: a tenth of a second buys ten million steps, with room for a slow machine."""
    pattern = "".join(pieces)
    steps = cost(pattern)(len(text))
    if steps < 1e7:
        began_s = time.process_time()
        re.search(pattern, text)
        assert time.process_time() - began_s < 1


def test_the_chat_takes_the_same_schemas() -> None:
    """And gives back the text of the JSON alone."""
    assert schema_check({"type": "object"})('Sure: {"a": 1} - done') == '{"a": 1}'
    assert schema_check({"type": "string"})('"Berlin"') == '"Berlin"'
    assert schema_check({"type": "array"})("Two of them: [1, 2]") == "[1, 2]"
    assert schema_check(None)("Berlin") == "Berlin"
    with pytest.raises(InvalidInputError, match="could take too long") as refused:
        schema_check({"type": "string", "pattern": "(a+)+$"})
    assert refused.value.field == "response_format.json_schema.schema"

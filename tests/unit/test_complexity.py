"""How demanding a text is: the seed's cases, what the signals promise, languages, and hostile texts."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest

from rota.policy import Thresholds
from rota.routing.complexity import FULL, WEIGHTS, Complexity, graded, measure, score, signals
from rota.routing.complexity_words import WORDS

DEVELOPMENT = Path(__file__).parents[2] / "benchmarks/economics/development.jsonl"
FILLER = "The harbour lies quiet and the boats come home with the evening tide. "
ALL_FOUR = (
    "Analyze this function and compare it with the one below, evaluate both, then synthesize the steps:\n"
    "1. read it\n2. rewrite it\n```python\ndef f(x):\n    return x\n```\n" + FILLER * 40
)


def judged(text: str) -> Complexity:
    """With the seed's thresholds."""
    return measure(text, Thresholds())


@pytest.mark.parametrize(
    ("found", "level"),
    [
        ((), "simple"),
        (("reasoning",), "simple"),
        (("code",), "simple"),
        (("steps",), "simple"),
        (("length", "reasoning"), "complex"),
        (("reasoning", "code"), "medium"),
        (("reasoning", "code", "steps"), "medium"),
        (("length", "reasoning", "code"), "complex"),
        (("length", "reasoning", "code", "steps"), "complex"),
    ],
)
def test_the_seeds_signals_add_up_to_its_levels(found: tuple[str, ...], level: str) -> None:
    """Seed C1: none is simple, all are complex."""
    on = dict.fromkeys(WEIGHTS, 0.0) | dict.fromkeys(found, 1.0)
    assert graded(score(on), Thresholds(), on).level == level


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("", "simple"),
        ("Hello there", "simple"),
        ("What are your opening hours?", "simple"),
        ("Analyze sales", "simple"),
        ("```\nx\n```", "simple"),
        ("What does this function do? Reply with one sentence.", "simple"),
        (ALL_FOUR, "complex"),
        (
            "Prove or refute that the consensus protocol never loses a transaction when two servers crash, whatever the"
            " order of messages, and compare the guarantees with those of a quorum.",
            "complex",
        ),
    ],
)
def test_texts_of_the_seeds_kinds(text: str, level: str) -> None:
    """A word alone, or a piece of code, does not leave the lowest level."""
    assert judged(text).level == level


def test_nothing_scores_nothing() -> None:
    """And is certain."""
    assert (judged("").score, judged("").level, judged("").confidence) == (0.0, "simple", 1.0)


@pytest.mark.parametrize("text", [FILLER * 40, (FILLER + "\n\n") * 40, "word " * 200_000])
def test_length_alone_is_not_complex(text: str) -> None:
    """Plain text of more than 2,000 characters."""
    assert judged(text).level != "complex"
    assert {name for name, value in judged(text).signals.items() if value} <= {"length"}


def test_a_long_paste_does_not_make_a_simple_request_demanding() -> None:
    """What counts is what is asked, before the paste or after it."""
    paste = FILLER.replace("quiet", "quiet under contract, risk and ethics, why, must, prove,") * 60
    assert judged(f"On which date did they meet?\n\n{paste}").level == "simple"
    assert judged(f"On which date did they meet?\n\n{paste}\n\nYours, Ada").level == "simple"
    question = "Why do both proofs contradict one another, and which assumption decides the case?"
    assert judged(f"Two letters.\n\n{paste}\n\n{question}").signals["reasoning"] == signals(question)["reasoning"] > 0


def test_every_signal_is_named_and_within_bounds() -> None:
    """The explanation has the seed's four signals and three more."""
    for text in (
        "",
        ALL_FOUR,
        FILLER,
        " ".join(word for groups in WORDS.values() for _, words in groups for word in words.split()),
    ):
        found = judged(text)
        assert list(found.signals) == list(WEIGHTS) == ["length", *FULL]
        assert all(0 <= value <= 1 for value in (*found.signals.values(), found.score, found.confidence))


@pytest.mark.parametrize(
    "growing",
    [
        [
            "Look at it",
            "Look at it and compare",
            "Look at it, compare and evaluate",
            "Look, compare, evaluate and justify",
        ],
        ["1. a", "1. a\n2. b", "1. a\n2. b\n3. c", "1. a\n2. b\n3. c\nthen d"],
        [FILLER * times for times in range(1, 12)],
        ["The tide", "The legal tide", "The legal, clinical tide", "The legal, clinical, ethical tide"],
        ["one", "one which must", "one which must never", "one which must never, without exactly this"],
    ],
)
def test_more_of_a_signal_never_scores_less(growing: list[str]) -> None:
    """Words, steps and length only add."""
    scores = [judged(text).score for text in growing]
    assert all(less <= more for less, more in pairwise(scores))
    assert scores[0] < scores[-1]


def test_routine_takes_away() -> None:
    """A wish for a short answer makes the same question less demanding."""
    question = "Why is the contract between both parties legal"
    assert judged(f"{question}? Reply with one word.").score < judged(f"{question}? Consider everything.").score


@pytest.mark.parametrize(
    ("signal", "texts"),
    [
        (
            "reasoning",
            [
                "Compare them",
                "Vergleiche sie",
                "Comparez-les",
                "Compáralos",
                "WHY?",
                "Warum?",
                "Pourquoi ?",
                "¿Por qué?",
            ],
        ),
        (
            "expertise",
            ["a contract", "ein Vertrag", "un contrat", "un contrato", "Sécurité", "ethics", "Ethik", "l'éthique"],
        ),
        ("demands", ["without it", "ohne das", "sans cela", "pero no", "worst-case", "worst case", "at\nleast two"]),
        (
            "routine",
            ["briefly", "kurz", "brièvement", "breve", "Translate it", "Übersetze das", "Traduisez", "Traduce"],
        ),
        ("code", ["an algorithm", "eine Datenbank", "une fonction", "una función", "a => b"]),
        ("steps", ["first this", "zuerst das", "d'abord ceci", "primero esto", "- a\n- b", "What? And when?"]),
    ],
)
def test_the_same_idea_in_four_languages(signal: str, texts: list[str]) -> None:
    """English, German, French, Spanish, whatever the case, accents and punctuation around a word."""
    assert [text for text in texts if not signals(text)[signal]] == []


def test_the_vocabulary_is_written_as_it_is_looked_up() -> None:
    """Beginnings have four letters, since words are looked up by these; no group says a thing twice."""
    for groups in WORDS.values():
        for _, entries in groups:
            words = entries.split()
            assert [word for word in words if "-" not in word and word.endswith("*") and len(word) < 5] == []
            assert [word for word in words if word != word.lower() or "*" in word[:-1]] == []


def test_the_same_text_has_the_same_complexity() -> None:
    """Whatever was measured before."""
    first = judged(ALL_FOUR)
    judged(FILLER)
    assert judged(ALL_FOUR) == first


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        " " * 1_000_000,
        "\n" * 1_000_000,
        "\n \n" * 300_000,
        "\x00" * 1_000_000,
        "\ud800" * 1_000_000,
        "😀" * 1_000_000,
        "\U0010ffff" * 1_000_000,
        "İ" * 1_000_000,
        "`" * 1_000_000,
        "1. " * 300_000,
        "1.\n" * 300_000,
        "-" * 1_000_000,
        "?" * 1_000_000,
        '"(((((' * 200_000,
        "a-" * 500_000,
        "how would you " * 70_000,
        " ".join(f"con{number}" for number in range(150_000)),
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_hostile_texts_take_no_time(text: str) -> None:
    """Only the two ends are looked at: 1 MB costs what 6,000 characters do, under 1 ms; the bound is for a busy CI."""
    began = time.process_time()
    found = judged(text)
    assert time.process_time() - began < 0.1
    assert found.level != "complex"


def test_what_stands_between_the_ends_changes_nothing() -> None:
    """The time is bounded by construction."""
    assert judged(FILLER * 1000 + ALL_FOUR + FILLER * 1000) == judged(FILLER * 2000)


def test_development_requests_are_judged_as_when_the_weights_were_made() -> None:
    """Three of four get their level, few complex ones the lowest, and those that go up for doubt are few."""
    rows = [json.loads(line) for line in DEVELOPMENT.read_text("utf-8").splitlines()]
    found = [(row["difficulty"], judged(row["text"])) for row in rows]
    complex_ones = [each.level for label, each in found if label == "complex"]
    assert sum(label == each.level for label, each in found) / len(found) > 0.7
    assert complex_ones.count("simple") / len(complex_ones) < 0.2
    assert sum(0.45 <= each.confidence <= 0.55 for _, each in found) / len(found) < 0.15

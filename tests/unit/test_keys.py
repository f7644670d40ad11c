"""API keys: shown once, found by their hash, worthless when revoked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from rota.errors import InvalidInputError, NotFoundError
from rota.keys import KEY_TEXT, TIERS, bearer_of, hash_of, is_owner
from rota.schemas import UserTier
from tests.fixtures.job_stack import JobStack, job_stack

NOW = 1_795_183_200_000


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """Tables of one test."""
    with job_stack() as stack:
        yield stack


def test_an_issued_key_is_found_by_its_text(stack: JobStack) -> None:
    """What was issued comes back, with owner and label."""
    issued = stack.keys.issue("ada", "laptop", NOW)
    assert KEY_TEXT.fullmatch(issued.text)
    found = stack.keys.find(issued.text)
    assert found == issued.key
    assert (issued.key.owner, issued.key.label, issued.key.created_ms) == ("ada", "laptop", NOW)


def test_a_key_says_what_its_owner_is_entitled_to(stack: JobStack) -> None:
    """Tier and budget are stored with it, money in whole billionths; neither need be given."""
    issued = stack.keys.issue("ada", "", NOW, "pro", 19.99)
    assert (issued.key.tier, issued.key.budget_usd) == ("pro", 19.99)
    assert stack.keys.find(issued.text) == issued.key
    [item] = stack.dynamodb.scan(TableName="keys")["Items"]
    assert item["budget_nanousd"] == {"N": "19990000000"}
    plain = stack.keys.issue("bob", "", NOW)
    assert (plain.key.tier, plain.key.budget_usd) == ("free", None)
    assert stack.keys.find(plain.text) == plain.key


def test_a_key_from_before_there_were_tiers_is_free(stack: JobStack) -> None:
    """Items without the new attributes are keys as they were."""
    issued = stack.keys.issue("ada", "", NOW)
    stack.dynamodb.update_item(
        TableName="keys", Key={"key_hash": {"S": hash_of(issued.text)}}, UpdateExpression="REMOVE tier"
    )
    assert stack.keys.find(issued.text) == issued.key


@pytest.mark.parametrize(
    ("field", "entitled"),
    [("tier", ("gold", None)), *(("budget_usd", ("pro", usd)) for usd in (0, -1, math.inf, math.nan, 2e9))],
)
def test_an_impossible_entitlement_makes_no_key(stack: JobStack, field: str, entitled: tuple[Any, Any]) -> None:
    """The message names the field."""
    with pytest.raises(InvalidInputError) as refused:
        stack.keys.issue("ada", "", NOW, *entitled)
    assert refused.value.field == field
    assert stack.keys.list() == []


def test_the_tiers_are_those_of_routing() -> None:
    """The library's light copy says the same."""
    assert get_args(UserTier) == TIERS


def test_the_text_is_stored_nowhere(stack: JobStack) -> None:
    """The table has the hash, and the value does not print its secret."""
    issued = stack.keys.issue("ada", "laptop", NOW)
    items = stack.dynamodb.scan(TableName="keys")["Items"]
    assert issued.text not in str(items)
    assert items[0]["key_hash"] == {"S": hash_of(issued.text)}
    assert issued.text not in repr(issued)
    assert issued.text not in f"{issued}"


def test_a_revoked_key_is_not_found_and_stays_revoked(stack: JobStack) -> None:
    """Revoking twice is once; the others keep working; the item stays."""
    first, second = stack.keys.issue("ada", "a", NOW), stack.keys.issue("ada", "b", NOW + 1)
    for _ in range(2):
        stack.keys.revoke(first.key.key_id)
    assert stack.keys.find(first.text) is None
    assert stack.keys.find(second.text) == second.key
    assert [key.revoked for key in stack.keys.list()] == [True, False]


def test_revoking_an_unknown_key_says_so(stack: JobStack) -> None:
    """A typing error on the command line must not look like success."""
    with pytest.raises(NotFoundError, match="k-00000000"):
        stack.keys.revoke("k-00000000")


@pytest.mark.parametrize(
    "text", ["", "rota_", "rota_" + "x" * 42, "rota_" + "x" * 44, "ROTA_" + "x" * 43, "rota_" + "é" * 43]
)
def test_what_is_no_key_is_not_even_looked_up(stack: JobStack, text: str) -> None:
    """The form is judged first; with the table gone, a look-up would raise."""
    stack.dynamodb.delete_table(TableName="keys")
    assert stack.keys.find(text) is None


def test_an_unknown_key_is_not_found(stack: JobStack) -> None:
    """Well formed, never issued."""
    assert stack.keys.find("rota_" + "x" * 43) is None


@pytest.mark.parametrize("owner", ["", "Ada", "ada/bob", "../bob", "a#b", "a b", "-ada", "a" * 64, "ada\n"])
def test_an_owner_must_be_able_to_name_a_folder(stack: JobStack, owner: str) -> None:
    """Anything that could leave a prefix or a key is refused, and no key comes of it."""
    assert not is_owner(owner)
    with pytest.raises(InvalidInputError) as refused:
        stack.keys.issue(owner, "", NOW)
    assert refused.value.field == "owner"
    assert stack.keys.list() == []


@pytest.mark.parametrize("owner", ["ada", "ada.lovelace", "team-7", "0", "a" * 63])
def test_ordinary_owners_pass(owner: str) -> None:
    """Names as people and teams have them."""
    assert is_owner(owner)


@pytest.mark.parametrize("header", [None, 7, "", "Bearer", "Bearer ", "Basic abc", "Bearer rota_x", "rota_" + "x" * 43])
def test_only_a_bearer_header_carries_a_key(header: object) -> None:
    """Everything else is no key."""
    assert bearer_of(header) is None


def test_a_bearer_header_is_read_whatever_its_case() -> None:
    """The scheme is case-insensitive, spaces around the key do not matter."""
    text = "rota_" + "x" * 43
    assert bearer_of(f"Bearer {text}") == bearer_of(f"bEARER   {text} ") == text

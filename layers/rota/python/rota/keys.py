"""API keys: shown once, stored as a hash, found by it.

A key carries 256 random bits, so a plain SHA-256 of it cannot be searched through and needs no salt.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rota.attributes import Plain, plain, typed
from rota.errors import InvalidInputError, NotFoundError
from rota.money import nanousd, usd

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from rota.schemas import UserTier

KEY_TEXT = re.compile(r"rota_[A-Za-z0-9_-]{43}")
OWNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"""Owners name a folder of uploads and a partition of the jobs' index: no slash, no `#`, nothing to escape."""

TIERS = ("free", "pro", "enterprise")
"""Those of `rota.schemas.UserTier`, which the authorizer does without: it would import pydantic."""
LARGEST_BUDGET_USD = 1e9

IT_IS_NEW = "attribute_not_exists(key_hash)"
IT_EXISTS = "attribute_exists(key_hash)"


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key, never its text. `created_ms` is epoch milliseconds.

    `tier` is its owner's to routing, `budget_usd` what the owner may spend in a month (None: as rota.yaml says).
    """

    key_id: str
    owner: str
    label: str
    created_ms: int
    revoked: bool
    tier: UserTier = "free"
    budget_usd: float | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key; `text` is shown to its owner now and cannot be had again."""

    key: Key
    text: str

    def __repr__(self) -> str:
        return f"IssuedKey({self.key!r}, text=…)"  # a key must not reach a log by accident


class KeyStore:
    """The keys table."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def issue(
        self, owner: str, label: str, now_ms: int, tier: UserTier = "free", budget_usd: float | None = None
    ) -> IssuedKey:
        """A new key for an owner.

        Raises InvalidInputError for an owner that cannot name a folder, an unknown tier, a budget that is no amount.
        """
        if not is_owner(owner):
            raise InvalidInputError(
                "owner", "must be 1 to 63 of a-z, 0-9, dot, dash, underscore, and begin with a-z or 0-9"
            )
        if tier not in TIERS:
            raise InvalidInputError("tier", f"must be one of {', '.join(TIERS)}")
        if budget_usd is not None and not 0 < budget_usd <= LARGEST_BUDGET_USD:
            raise InvalidInputError("budget_usd", f"must be more than 0 and at most {LARGEST_BUDGET_USD:,.0f}")
        text = f"rota_{secrets.token_urlsafe(32)}"
        key = Key(f"k-{secrets.token_hex(4)}", owner, label[:200], now_ms, False, tier, budget_usd)
        item: dict[str, Plain | None] = {
            "key_hash": hash_of(text),
            "key_id": key.key_id,
            "owner": owner,
            "label": key.label,
            "created_ms": now_ms,
            "revoked": False,
            "tier": tier,
            "budget_nanousd": None if budget_usd is None else nanousd(budget_usd),
        }
        self._dynamodb.put_item(TableName=self._table, Item=typed(item), ConditionExpression=IT_IS_NEW)
        return IssuedKey(key, text)

    def find(self, text: str) -> Key | None:
        """The key with this text, None when it is unknown, revoked or not a key at all."""
        if not KEY_TEXT.fullmatch(text):
            return None
        reply = self._dynamodb.get_item(
            TableName=self._table, Key=typed({"key_hash": hash_of(text)}), ConsistentRead=True
        )
        key = _key(plain(reply["Item"])) if "Item" in reply else None
        return None if key is None or key.revoked else key

    def list(self) -> list[Key]:
        """Every key, oldest first."""
        return sorted((_key(item) for item in self._items()), key=lambda key: key.created_ms)

    def revoke(self, key_id: str) -> None:
        """Make a key worthless; harmless twice. Raises NotFoundError."""
        for item in self._items():
            if item["key_id"] == key_id:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=typed({"key_hash": item["key_hash"]}),
                    UpdateExpression="SET revoked = :true",
                    ConditionExpression=IT_EXISTS,
                    ExpressionAttributeValues=typed({":true": True}),
                )
                return
        raise NotFoundError(f"there is no key {key_id}")

    def _items(self) -> Iterator[dict[str, Any]]:
        for page in self._dynamodb.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            yield from (plain(item) for item in page["Items"])


def hash_of(text: str) -> str:
    """SHA-256 of a key's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_owner(owner: object) -> bool:
    """Whether this is an owner's id."""
    return isinstance(owner, str) and OWNER.fullmatch(owner) is not None


def bearer_of(header: object) -> str | None:
    """The key in an `Authorization: Bearer …` header, None for anything else."""
    scheme, _, text = header.strip().partition(" ") if isinstance(header, str) else ("", "", "")
    return text.strip() if scheme.lower() == "bearer" and KEY_TEXT.fullmatch(text.strip()) else None


def _key(item: dict[str, Any]) -> Key:
    budget = item.get("budget_nanousd")
    return Key(
        key_id=item["key_id"],
        owner=item["owner"],
        label=item.get("label", ""),
        created_ms=item["created_ms"],
        revoked=item["revoked"],
        tier=item.get("tier", "free"),  # keys from before there were tiers
        budget_usd=None if budget is None else usd(budget),
    )

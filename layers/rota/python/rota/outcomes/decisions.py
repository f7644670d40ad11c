"""Routing decisions and what came of them: each stored once under its day, rated once by each source.

    d-512d0123456789ab        4 hexadecimal digits count the days since 1970, 12 are random
    decisions#2026-11-24 ──► d-512d0123456789ab   owner, decision (JSON), rated_user, rated_rephrased, …

The id says in which partition its item lies, so no index is written; a month is read day by day. A partition takes a
thousand decisions a second, and among a million in a day two ids collide once in 560 days. Kept are numbers, truth
and labels: text of a request, an answer or a document never, whatever a caller hands over.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from rota.errors import NotFoundError
from rota.ledger_table import CONDITION_FAILED, code
from rota.outcomes.months import days_of
from rota.outcomes.table import OutcomesTable, refusing_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY_S = 86_400
KEPT_S = 90 * DAY_S
"""How long a decision is kept after its day, in seconds."""
DECISION_ID = re.compile(r"d-[0-9a-f]{16}")
LABEL = re.compile(r"[\w.:/@+=#-]{1,128}")
"""What may be kept of text: a name, an id, a code. Sentences have blanks."""

Rating = Literal["good", "bad"]
Source = Literal["user", "rephrased", "frustrated", "escalated"]
"""Who judged: the user, by a rating or by asking again; or a check of the output."""

IT_IS_THE_OWNERS = "#owner = :owner"
NOT_YET_RATED_BY_IT = "attribute_not_exists(#source)"


def new_decision_id(now_ms: int) -> str:
    """An id for a decision made now."""
    return f"d-{now_ms // 1000 // DAY_S:04x}{secrets.token_hex(6)}"


def decision_id_of(subject: str, at_ms: int) -> str:
    """The id of the decision about `subject`, always the same: a repeated step must not be another decision."""
    return f"d-{at_ms // 1000 // DAY_S:04x}{hashlib.sha256(subject.encode()).hexdigest()[:12]}"


class OutcomeStore:
    """Decisions on DynamoDB."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._table = OutcomesTable(dynamodb, table)

    def record(self, decision: Mapping[str, Any]) -> None:
        """Store a decision: `id`, `owner`, and whatever describes it (see `routing_accuracy` for what is counted).

        What is neither number, truth nor label is left out, at any depth. Recorded again, it keeps its ratings.
        """
        decision_id = decision["id"]
        kept = {name: value for name, value in decision.items() if name not in ("id", "owner")}
        self._table.update(
            _partition(decision_id),
            decision_id,
            "SET #owner = :owner, decision = :decision, expires_s = :expires_s",
            {
                ":owner": decision["owner"],
                ":decision": json.dumps(_without_text(kept), separators=(",", ":")),
                ":expires_s": _day(decision_id) * DAY_S + DAY_S + KEPT_S,
            },
            names={"#owner": "owner"},
        )

    def feedback(self, decision_id: str, owner: str, rating: Rating, source: Source, now_ms: int) -> bool:
        """Rate a decision. False when this source has done so before, whose first word stands.

        Raises NotFoundError, also for another owner's decision.
        """
        _check(decision_id)
        try:
            self._table.update(
                _partition(decision_id),
                decision_id,
                "SET #source = :rating, rated_ms = :now",
                {":rating": rating, ":now": now_ms, ":owner": owner},
                f"{IT_IS_THE_OWNERS} AND {NOT_YET_RATED_BY_IT}",
                {"#owner": "owner", "#source": f"rated_{source}"},
            )
        except ClientError as error:
            if code(error) != CONDITION_FAILED:
                raise
            response: dict[str, Any] = dict(error.response)
            if refusing_item(response).get("owner") != owner:
                raise NotFoundError(f"there is no decision {decision_id}") from error
            return False
        return True

    def get(self, decision_id: str, owner: str) -> dict[str, Any]:
        """A decision as it was recorded, with `feedback`: ratings by source. Raises NotFoundError, see `feedback`."""
        _check(decision_id)
        item = self._table.get(_partition(decision_id), decision_id)
        if item.get("owner") != owner:
            raise NotFoundError(f"there is no decision {decision_id}")
        return _decision(item)

    def export(self, month: str) -> Iterator[dict[str, Any]]:
        """Everybody's decisions of a month, as `get` shows them, day by day."""
        for day in days_of(month):
            for item in self._table.query(f"decisions#{day}"):
                yield _decision(item)


def _decision(item: Mapping[str, Any]) -> dict[str, Any]:
    rated = {name.removeprefix("rated_"): value for name, value in item.items() if name.startswith("rated_")}
    rated.pop("ms", None)
    return {"id": item["sk"], "owner": item["owner"], **json.loads(item["decision"]), "feedback": rated}


def _without_text(value: Any) -> Any:
    """The same without strings that are no labels; emptied lists and objects stay, to show that something was there."""
    if isinstance(value, Mapping):
        return {name: _without_text(each) for name, each in value.items() if _is_kept(name) and _is_kept(each)}
    if isinstance(value, list | tuple):
        return [_without_text(each) for each in value if _is_kept(each)]
    return value


def _is_kept(value: Any) -> bool:
    if isinstance(value, str):
        return LABEL.fullmatch(value) is not None
    return value is None or isinstance(value, bool | int | float | list | tuple | Mapping)


def _check(decision_id: str) -> None:
    if not DECISION_ID.fullmatch(decision_id):
        raise NotFoundError(f"there is no decision {decision_id[:40]!r}")


def _day(decision_id: str) -> int:
    return int(decision_id[2:6], 16)


def _partition(decision_id: str) -> str:
    return f"decisions#{datetime.fromtimestamp(_day(decision_id) * DAY_S, UTC).date().isoformat()}"

"""What GET /v1/models shows of a model, from its ledger item."""

from __future__ import annotations

from typing import Any

import pytest

from rota.catalog import Catalog
from rota.errors import NoCapacityError
from rota.ledger_item import decode
from rota.ledger_view import models_view
from tests.fixtures.ledger_world import catalog_of

NOW_S = 1_763_640_000


def catalog() -> Catalog:
    """One model of 1,000 tokens per minute, of which up to 2,000 may be used."""
    made = catalog_of(m=[("tpm", 1000, "token_bucket")])
    limit = made.models[0].limits[0].model_copy(update={"ceiling": 2000})
    return made.model_copy(update={"models": (made.models[0].model_copy(update={"limits": (limit,)}),)})


def view(left_for: str = "", **attributes: int) -> dict[str, Any]:
    """The model's view when its item has these attributes; see `rota.ledger_item`."""
    pool = catalog()
    item = {name: {"N": str(value)} for name, value in attributes.items()} | {"yw": {"S": left_for}}
    account = decode(pool.models[0], item, NOW_S)
    [shown] = models_view(pool, {"m": account}, NOW_S * 1000, ())["data"]
    return dict(shown)


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ({}, (1000, None, None, 1.0)),
        ({"xt": 1500}, (1500, 1500, None, 1.0)),
        ({"xt": 9000}, (2000, 9000, None, 1.0)),
        ({"xt": 1500, "ht": 400}, (400, 1500, 400, 1.0)),
        ({"s": 930, "j": NOW_S}, (930, None, None, 0.93)),
        ({"xt": 0}, (0, 0, None, 1.0)),
        ({"xt": 0, "ht": 10}, (10, 0, 10, 1.0)),
    ],
)
def test_a_limit_says_what_it_stands_at_and_why(attributes: dict[str, int], shown: tuple[Any, ...]) -> None:
    """As configured, found, capped by the ceiling, set by hand, shrunk, nothing at all."""
    [limit] = view(**attributes)["limits"]
    assert (limit["amount"], limit["found"], limit["set_by_hand"], limit["shrunk_share"]) == shown
    assert (limit["configured"], limit["ceiling"]) == (1000, 2000)


def test_a_closed_model_has_no_room_and_no_start() -> None:
    """A vendor's quota of 0 is shown as used up, and refused by name."""
    closed = view(xt=0)
    assert (closed["limits"][0]["used_share"], closed["next_start_ms"]) == (1.0, None)
    account = decode(catalog().models[0], {"xt": {"N": "0"}}, NOW_S)
    with pytest.raises(NoCapacityError, match="quota of 0 tpm"):
        account.check({"tpm": 1})


@pytest.mark.parametrize(
    ("attributes", "breaker"),
    [({"y": 1}, "closed"), ({"y": 2, "b": NOW_S + 5}, "open"), ({"y": 2, "b": NOW_S - 5}, "half-open")],
)
def test_the_breaker_in_a_word(attributes: dict[str, int], breaker: str) -> None:
    """Open while calls keep off, half-open when one may try."""
    assert view(**attributes)["breaker"] == breaker


def test_why_the_breaker_is_open() -> None:
    """What its window showed, or failures in a row; nothing while it is closed."""
    left = view("failing: 3.1 % of 320 calls", y=2, b=NOW_S + 5, yu=NOW_S + 200)
    assert (left["breaker"], left["breaker_reason"]) == ("open", "failing: 3.1 % of 320 calls")
    assert view(yu=NOW_S + 200)["breaker"] == "half-open"
    assert (view(y=2)["breaker_reason"], view(y=1)["breaker_reason"]) == ("failures in a row", None)
    back = view("slow: 2.4 s on average", yu=0)
    assert (back["breaker"], back["breaker_reason"]) == ("closed", None)


def test_the_health_of_the_window() -> None:
    """Differences to where it began; nothing before anybody has looked, no rate without calls."""
    assert view(kc=100)["health"] is None
    window = {"wa": NOW_S - 240, "wc": 1000, "wf": 7, "wl": 500_000}
    assert view(**window, kc=1310, kf=17, kl=810_000)["health"] == {
        "since_ms": (NOW_S - 240) * 1000,
        "calls": 320,
        "error_rate": 0.0312,
        "mean_latency_ms": 1000,
        "verdict": "failing: 3.1 % of 320 calls",
    }
    none = view(**window, kc=1000, kf=7, kl=500_000)["health"]
    assert (none["calls"], none["error_rate"], none["mean_latency_ms"], none["verdict"]) == (0, None, None, "unknown")


def test_what_calls_have_taught() -> None:
    """Ratios of the sums, and what a call of the summarise step would take; nothing while nothing is known."""
    none = view()["learned"]
    assert (none["samples"], none["input_tokens_per_estimated_token"], none["mean_latency_ms"]) == (0, None, None)
    assert none["timeout_ms"] == 60_000
    taught = view(
        ln=10,
        li=10,
        lt=9000,
        lv=8_100_000,
        lm=10,
        lo=5000,
        lq=2_500_000,
        lc=10,
        lp=20_000,
        lr=40_000_000,
        kb=900,
        ku=600,
    )
    assert taught["learned"]["input_tokens_per_estimated_token"] == 0.9
    assert taught["learned"]["output_share_of_bound"] == 0.5
    assert taught["learned"]["mean_latency_ms"] == 1200
    assert 1200 <= taught["learned"]["timeout_ms"] < 60_000
    assert (taught["booked_tokens"], taught["used_tokens"]) == (900, 600)
    assert view(n=1)["disabled"] is True

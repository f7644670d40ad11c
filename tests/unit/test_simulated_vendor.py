"""Models from rota.yaml, faults, latencies and the vendor's clock, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.simulated.faults import Fault, FaultBook, FaultKind, parse_fault
from local.simulated.models import Latency, ModelConfig, load_models, parse_models
from local.simulated.quotas import Limit, Refusal
from local.simulated.vendor import Admission, Asked, VendorModel, Vendors
from rota.documents.extraction.extract import quote_texts

ROOT = Path(__file__).parents[2]
BEDROCK = ModelConfig(
    "nova", "amazon.nova", "bedrock", (Limit("tpm", 1000, "sliding_window"),), max_output_tokens=400, output_burndown=5
)
GROQ = ModelConfig("oss", "openai/oss", "openai_compatible", (Limit("tpm", 1000, "token_bucket"),))
ASKED = Asked("any", "", "p" * 368, 200)
"""100 input tokens, counting the message's own eight."""


def vendor_model(config: ModelConfig) -> VendorModel:
    """A model on its own."""
    return VendorModel(config, quote_texts, seed=1)


def used(model: VendorModel, now_s: float = 0) -> float:
    """Used tokens of the minute's quota."""
    return model.quotas.state(now_s)["tpm"][1]


def test_the_pool_file_is_what_is_simulated() -> None:
    """Every model of rota.yaml with its vendor's wire, quotas and algorithm."""
    models = load_models(ROOT / "rota.yaml")
    assert models["nova-micro"].wire == "bedrock"
    assert models["nova-micro"].limits[0].algorithm == "sliding_window"
    assert not models["nova-micro"].schema_wire
    assert models["gpt-oss-20b"].wire == "openai_compatible"
    assert {limit.kind for limit in models["gpt-oss-20b"].limits} == {"tpm", "rpm", "tpd", "rpd"}


def test_bedrock_reserves_the_bound_and_settles_with_burndown() -> None:
    """`input + max_tokens` at the start, `input + output x burndown` at the end."""
    model = vendor_model(BEDROCK)
    admission = model.admit(0, ASKED)
    assert isinstance(admission, Admission)
    assert used(model) == 300
    reply = model.answer(ASKED)
    model.settle(1, admission, reply)
    assert used(model, 1) == 100 + 5 * reply.output_tokens
    assert model.tally.report(1)["max_tokens_60s"] == 100 + 5 * reply.output_tokens


def test_bedrock_without_a_bound_reserves_the_models_maximum() -> None:
    """The trap that makes an unbounded call so dear."""
    model = vendor_model(BEDROCK)
    model.admit(0, Asked("any", "", "p" * 368))
    assert used(model) == 500


def test_groq_keeps_the_reservation_unless_it_refunds() -> None:
    """`refunds` of the pool file decides; an unbounded call is charged afterwards."""
    for refunds, asked, expected in (
        (False, ASKED, 300),
        (True, ASKED, 120),
        (False, Asked("any", "", "p" * 368), 120),
    ):
        model = vendor_model(GROQ.changed({"refunds": refunds, "answers": "filler", "output_share": 0.1}))
        model = vendor_model(model.config.changed({"max_output_tokens": 200}))
        admission = model.admit(0, asked)
        assert isinstance(admission, Admission)
        model.settle(0, admission, model.answer(asked))
        assert used(model) == pytest.approx(expected)


def test_a_quota_refuses_and_opens_again() -> None:
    """Nothing of a refused call is charged."""
    model = vendor_model(BEDROCK)
    assert [isinstance(model.admit(0, ASKED), Admission) for _ in range(4)] == [True, True, True, False]
    assert used(model) == 900
    assert isinstance(model.admit(59, ASKED), Refusal)
    assert isinstance(model.admit(60, ASKED), Admission)


def test_latencies_follow_the_seed() -> None:
    """The same series for the same seed, longer for more output, exact without spread."""
    steady = BEDROCK.changed({"latency": {"base_ms": 100, "per_token_ms": 2, "sigma": 0}})
    assert vendor_model(steady).latency_s(50) == pytest.approx(0.2)
    series = [VendorModel(BEDROCK, quote_texts, seed).latency_s(50) for seed in (1, 1, 2)]
    assert series[0] == series[1] != series[2]
    assert steady.latency == Latency(100, 2, 0)


def test_vendor_time_runs_faster_by_the_scale() -> None:
    """A minute's quota is back after six real seconds at scale 10."""
    clock = iter([100.0, 106.0])
    vendors = Vendors({"nova": BEDROCK}, quote_texts, lambda: next(clock), time_scale=10)
    assert vendors.now_s() == 60
    assert vendors.real_s(60) == 6


def test_models_can_be_changed_added_and_reset() -> None:
    """A change starts the model's quotas afresh; a reset keeps it."""
    vendors = Vendors({"nova": BEDROCK}, quote_texts, lambda: 0.0)
    vendors.change("nova", {"limits": [{"kind": "rpm", "amount": 1, "algorithm": "fixed_window"}]})
    vendors.change("new", {"vendor_model": "openai/new", "wire": "openai_compatible", "refunds": True})
    vendors.reset()
    nova = vendors.find("bedrock", "amazon.nova")
    assert nova is not None
    assert nova.config.limits == (Limit("rpm", 1, "fixed_window"),)
    assert vendors.find("openai_compatible", "openai/new") is not None
    assert vendors.find("bedrock", "openai/new") is None


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("nova", {"limits": [{"kind": "tpx", "amount": 1, "algorithm": "token_bucket"}]}),
        ("nova", {"limits": [{"kind": "tpm", "amount": -1, "algorithm": "token_bucket"}]}),
        ("nova", {"limits": [{"kind": "tpm", "amount": 1, "algorithm": "leaky"}]}),
        ("nova", {"answers": "poems"}),
        ("nova", {"speed": 3}),
        ("new", {"limits": []}),
        ("new", {"vendor_model": "x", "wire": "carrier pigeon"}),
    ],
)
def test_changes_without_sense_are_refused(model: str, changes: dict[str, Any]) -> None:
    """A benchmark must not run on quotas that nobody meant."""
    with pytest.raises(ValueError, match=r".+"):
        Vendors({"nova": BEDROCK}, quote_texts, lambda: 0.0).change(model, changes)


def test_a_fault_befalls_as_many_calls_as_ordered() -> None:
    """Of its own model, in the order of the orders; `*` is every model; None lasts until cleared."""
    book = FaultBook(seed=0)
    book.order(Fault("nova", FaultKind.ERROR, count=2))
    book.order(Fault("*", FaultKind.OUTAGE))
    drawn = [book.draw(model) for model in ("nova", "oss", "nova", "nova")]
    assert [fault.kind.value for fault in drawn if fault] == ["error", "outage", "error", "outage"]
    book.clear("nova")
    assert book.open_orders()[0]["kind"] == "outage"
    book.clear()
    assert book.draw("nova") is None


def test_a_probability_is_kept_and_follows_the_seed() -> None:
    """A third of many calls, the same ones each time."""

    def befallen() -> list[bool]:
        book = FaultBook(seed=7)
        book.order(Fault("*", FaultKind.ERROR, probability=1 / 3))
        return [book.draw("nova") is not None for _ in range(600)]

    assert befallen() == befallen()
    assert 150 < sum(befallen()) < 250


@pytest.mark.parametrize("order", [{}, {"kind": "boredom"}, {"kind": "hang", "until": 3}])
def test_orders_without_sense_are_refused(order: dict[str, Any]) -> None:
    """A test that orders a fault which cannot happen would prove nothing."""
    with pytest.raises(ValueError, match=r".+"):
        parse_fault(order)


def test_fields_of_the_pool_file_that_only_rota_needs_are_passed_over() -> None:
    """Prices and tasks are no business of the vendor's."""
    document = {
        "providers": {"groq": {"kind": "openai_compatible", "base_url": "x"}},
        "models": [{"id": "m", "provider": "groq", "vendor_model": "v", "price": {}, "tier": 1, "limits": []}],
    }
    assert parse_models(document)["m"] == ModelConfig("m", "v", "openai_compatible", latency=Latency(150, 1.5, 0.2))

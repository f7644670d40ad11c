"""RefreshPool against simulated vendors: boto3 on Service Quotas' wire, headers of real calls, a ledger in moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import urllib3

from functions import parts
from functions.refresh_pool import vendors
from functions.refresh_pool.handler import handle
from local.simulated.models import load_models
from local.simulated.server import RunningServer
from rota.errors import NoCapacityError
from rota.ledger import Ledger
from rota.ledger_notices import Notices
from tests.fixtures.job_stack import REPOSITORY, Context, JobStack, job_stack

EVENTS = REPOSITORY / "events" / "refresh_pool"


@dataclass
class World:
    """The stack, and what its vendors are told to be."""

    stack: JobStack
    url: str

    def vendor(self, path: str, body: dict[str, Any]) -> None:
        """Order something of the simulated vendors; see `local.simulated.admin`."""
        reply = urllib3.request("POST", f"{self.url}/_simulated/{path}", json=body, retries=False)
        assert reply.status == 200, reply.data

    def allow(self, model: str, **amounts: int) -> None:
        """Give a model these quotas at its vendor."""
        limits = [{"kind": kind, "amount": n, "algorithm": "token_bucket"} for kind, n in amounts.items()]
        self.vendor("models", {"id": model, "limits": limits})

    def calls(self, model: str) -> int:
        """How often the vendor was called."""
        reply = urllib3.request("GET", f"{self.url}/_simulated/stats", retries=False)
        return int(reply.json()["models"][model]["calls"])

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return parts.ledger()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What was logged under this event."""
        logged = [json.loads(line) for line in self.stack.log.getvalue().splitlines()]
        return [line for line in logged if line.get("event") == event]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The default pool, with every vendor simulated at the amounts of rota.yaml."""
    quick = {"base_ms": 0, "per_token_ms": 0, "sigma": 0}
    models = {name: model.changed({"latency": quick}) for name, model in load_models(REPOSITORY / "rota.yaml").items()}
    with RunningServer(models) as server, job_stack() as stack:
        endpoints = {"bedrock": server.url, "groq": f"{server.url}/openai/v1"}
        monkeypatch.setenv("ROTA_PROVIDER_ENDPOINTS", json.dumps(endpoints))
        monkeypatch.setenv("ROTA_QUOTAS_ENDPOINT", server.url)
        boto3.client("secretsmanager").create_secret(Name="rota/groq", SecretString="key")
        for cached in (parts.settings, parts.catalog, parts.ledger):
            cached.cache_clear()
        yield World(stack, server.url)


def refresh(event: str = "schedule") -> dict[tuple[str, str], dict[str, Any]]:
    """Run the function on a sample event; its findings by model and kind."""
    reply = json.loads(json.dumps(handle(json.loads((EVENTS / f"{event}.json").read_text()), Context())))
    assert reply["failed"] == {}
    return {(quota["model"], quota["kind"]): quota for quota in reply["quotas"]}


@pytest.mark.parametrize("event", [path.stem for path in sorted(EVENTS.glob("*.json"))])
def test_nothing_changes_where_the_vendors_agree(world: World, event: str) -> None:
    """Every quota of the pool is accounted for, each with its source or the reason why it is not known."""
    found = refresh(event)
    assert set(found) == {(m.id, limit.kind.value) for m in parts.catalog().models for limit in m.limits}
    assert {kind: found["nova-pro", kind]["source"] for kind in ("tpm",)} == {"tpm": "service quotas"}
    assert found["gpt-oss-20b", "tpm"]["source"] == found["gpt-oss-20b", "rpd"]["source"] == "headers"
    assert "do not name it" in found["gpt-oss-20b", "rpm"]["why"]
    assert not any(quota["changed"] for quota in found.values())
    assert world.lines("quota_changed") == world.lines("quota_unknown") == []


def test_a_raised_quota_is_used_up_to_the_ceiling(world: World) -> None:
    """Found, written, said; found above the ceiling it stands at the ceiling."""
    world.allow("nova-pro", tpm=400_000)
    world.allow("nova-lite", tpm=9_000_000)
    found = refresh()
    pro, lite = found["nova-pro", "tpm"], found["nova-lite", "tpm"]
    assert (pro["before"], pro["found"], pro["standing"], pro["changed"]) == (100_000, 400_000, 400_000, True)
    assert (lite["found"], lite["standing"], lite["ceiling"]) == (9_000_000, 1_000_000, 1_000_000)
    accounts = world.ledger.read(["nova-pro", "nova-lite"])
    assert (accounts["nova-pro"].whole["tpm"].amount, accounts["nova-lite"].whole["tpm"].amount) == (400_000, 1_000_000)
    told = {line["model"]: line for line in world.lines("quota_changed")}
    assert set(told) == {"nova-pro", "nova-lite"}
    line = told["nova-lite"]
    assert (line["from"], line["to"], line["ceiling"], line["kind"]) == (100_000, 9_000_000, 1_000_000, "tpm")
    assert line["source"] == "service quotas"
    assert not any(quota["changed"] for quota in refresh().values())


def test_a_lowered_quota_is_adopted(world: World) -> None:
    """Also below what is configured, from either kind of vendor; requests per day come from the headers."""
    world.allow("nova-micro", tpm=20_000)
    world.allow("gpt-oss-20b", tpm=6000, rpd=900, rpm=30, tpd=200_000)
    refresh()
    accounts = world.ledger.read(["nova-micro", "gpt-oss-20b"])
    assert accounts["nova-micro"].whole["tpm"].amount == 20_000
    assert accounts["gpt-oss-20b"].standing.found == {"tpm": 6000, "rpd": 900}


def test_a_quota_of_nothing_closes_the_model(world: World) -> None:
    """As new accounts have it: no call is booked, by name, until the quota comes or somebody sets one by hand."""
    world.allow("nova-pro", tpm=0)
    assert refresh()["nova-pro", "tpm"]["standing"] == 0
    with pytest.raises(NoCapacityError, match="nova-pro may not be used: its vendor gives it a quota of 0 tpm"):
        world.ledger.account("nova-pro").plan({"tpm": 1}, world.ledger.clock.now_ms())
    Notices(world.ledger).set("nova-pro", {"tpm": 500})
    world.ledger.account("nova-pro").check({"tpm": 500})
    Notices(world.ledger).set("nova-pro", {"tpm": None})
    world.allow("nova-pro", tpm=70_000)
    refresh()
    world.ledger.account("nova-pro").check({"tpm": 60_000})


def test_a_model_of_another_name_is_reported_and_left_alone(world: World) -> None:
    """Its quota is not guessed: AWS's spelling is asked for, and what is configured stands."""
    world.vendor("models", {"id": "nova-pro", "quota_name": "Amazon Nova Professional"})
    quota = refresh()["nova-pro", "tpm"]
    assert (quota["found"], quota["standing"], quota["changed"]) == (None, 100_000, False)
    assert "quota_name" in quota["why"]
    [line] = world.lines("quota_unknown")
    assert line["model"] == "nova-pro"


def test_defaults_stand_in_only_where_nothing_is_applied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated defaults are ten times what is applied: nobody may take them while there is an applied value."""
    listed = vendors._listed

    def without_micro(client: Any, listing: Any) -> Any:
        return [e for e in listed(client, listing) if listing != "list_service_quotas" or "Micro" not in e.name]

    monkeypatch.setattr(vendors, "_listed", without_micro)
    found = refresh()
    assert (found["nova-micro", "tpm"]["found"], found["nova-micro", "tpm"]["source"]) == (
        1_000_000,
        "service quotas' default",
    )
    assert (found["nova-lite", "tpm"]["found"], found["nova-lite", "tpm"]["source"]) == (100_000, "service quotas")


def test_the_list_has_pages(world: World) -> None:
    """The simulated service gives ten at a time; a client that stops there does not see every model."""
    client: Any = boto3.client("service-quotas", endpoint_url=world.url)
    first = client.list_service_quotas(ServiceCode="bedrock")
    assert len(first["Quotas"]) == 10
    assert len(vendors._listed(client, "list_service_quotas")) > 10
    with pytest.raises(client.exceptions.NoSuchResourceException):
        client.list_service_quotas(ServiceCode="ec2")


def test_a_vendor_out_of_reach_does_not_keep_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its models are untouched, the others' quotas are read, and an alarm may count it."""

    def denied(*_: Any) -> Any:
        raise PermissionError("servicequotas:ListServiceQuotas")

    monkeypatch.setattr(vendors, "_listed", denied)
    world.allow("gpt-oss-20b", tpm=6000, rpd=1000)
    reply = handle({}, Context())
    assert reply["failed"] == {"bedrock": "PermissionError: servicequotas:ListServiceQuotas"}
    assert world.ledger.account("gpt-oss-20b").standing.found == {"tpm": 6000}
    [line] = world.lines("quotas_unread")
    assert line["provider"] == "bedrock"


def test_asking_is_booked_like_any_call(world: World) -> None:
    """One call and one token; what it does not use is given back, and it teaches nothing."""
    refresh()
    account = world.ledger.account("gpt-oss-20b")
    counters = account.counters
    assert (counters.calls, world.calls("gpt-oss-20b")) == (1, 1)
    assert counters.output_tokens <= 1
    assert 0 < counters.used_tokens < counters.booked_tokens
    assert account.learned.samples == account.learned.paces == 0


@pytest.mark.parametrize("why", ["blocked", "disabled", "no room"])
def test_a_model_that_cannot_be_called_is_not_called(world: World, why: str) -> None:
    """Kept off, disabled, or busy for longer than the function waits: nothing is spent."""
    notices, now_ms = Notices(world.ledger), world.ledger.clock.now_ms()
    for _ in range(2):  # the second is for in a minute, and nothing may start before it at its cost
        account = world.ledger.account("gpt-oss-20b")
        world.ledger.book(account, {"tpm": 7700, "rpm": 1, "rpd": 1, "tpd": 7700}, now_ms + 120_000)
    if why == "blocked":
        notices.block("gpt-oss-20b", now_ms + 60_000)
    if why == "disabled":
        notices.set("gpt-oss-20b", {}, disabled=True)
    quota = refresh()["gpt-oss-20b", "tpm"]
    assert quota["found"] is None
    assert {"blocked": "kept off", "disabled": "disabled", "no room": "no room"}[why] in quota["why"]
    assert world.calls("gpt-oss-20b") == 0


def test_a_retired_model_is_reported_and_not_disabled(world: World) -> None:
    """A warning names it; a person decides. The others of its vendor are asked all the same."""
    world.vendor("faults", {"kind": "not_found", "model": "gpt-oss-20b"})
    world.allow("gpt-oss-120b", tpm=7000, rpd=1000)
    found = refresh()
    assert "model_unavailable" in found["gpt-oss-20b", "tpm"]["why"]
    assert found["gpt-oss-120b", "tpm"]["found"] == 7000
    [line] = world.lines("model_unavailable")
    assert line["model"] == "gpt-oss-20b"
    account = world.ledger.account("gpt-oss-20b")
    assert not account.standing.disabled
    assert account.used("tpm", world.ledger.clock.now_ms()) == 0


def test_a_refusal_is_told_to_everybody(world: World) -> None:
    """The booking goes back and the model is kept off for as long as its vendor asks."""
    world.vendor("faults", {"kind": "rate_limit", "model": "gpt-oss-120b", "retry_after_s": 30})
    assert "rate_limited" in refresh()["gpt-oss-120b", "tpm"]["why"]
    account = world.ledger.account("gpt-oss-120b")
    assert account.blocked_until_s * 1000 > world.ledger.clock.now_ms() + 20_000
    assert account.counters.refusals == 1


def test_a_server_that_names_no_quotas_is_not_called(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `request_limit_per` a call an hour would only keep somebody's machine awake."""
    catalog = parts.catalog()
    silent = catalog.providers["groq"].model_copy(update={"request_limit_per": None})
    changed = catalog.model_copy(update={"providers": {**catalog.providers, "groq": silent}})
    monkeypatch.setattr(parts, "catalog", lambda: changed)
    assert "request_limit_per" in refresh()["gpt-oss-20b", "tpm"]["why"]
    assert world.calls("gpt-oss-20b") == 0

"""The deployed local stack as tests use it: API calls with a key, AWS clients, log lines, simulated providers."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import urllib3

from local import stack
from local.aws import local_session
from local.state import State
from rota.schemas import UserTier

FINISHED = ("done", "failed", "stopped")
_owners = itertools.count(1)


@dataclass(frozen=True)
class Reply:
    """Status, JSON body and headers of one HTTP answer."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Http:
    """JSON over HTTP to one base address."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._pool = urllib3.PoolManager(maxsize=16, retries=False, timeout=40)

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """`body` is sent as JSON, or as it is when it is bytes."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        reply = self._pool.request(method, self._base + path, body=data, headers=sent)
        try:
            value = json.loads(reply.data or b"null")
        except ValueError:
            value = reply.data.decode(errors="replace")
        return Reply(reply.status, value, dict(reply.headers))

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


class Simulated:
    """Orders faults and reads statistics of the simulated providers; see `local.simulated.admin`."""

    def __init__(self, url: str) -> None:
        self._http = Http(f"{url}/_simulated/")

    def fault(self, kind: str, model: str = "*", **order: Any) -> None:
        """Order a fault: `fault("outage", "nova-lite")`, `fault("error", count=3, status=500)`."""
        self._admin("POST", "faults", {"kind": kind, "model": model, **order})

    def clear_faults(self) -> None:
        """No more faults."""
        self._admin("DELETE", "faults")

    def stats(self) -> dict[str, Any]:
        """Counters by model id."""
        return dict(self._admin("GET", "stats")["models"])

    def change(self, model: str, **properties: Any) -> None:
        """Give a model other quotas, latency, …"""
        self._admin("POST", "models", {"id": model, **properties})

    def reset(self) -> None:
        """Empty quotas and counters, no faults. The ledger keeps its bookings: it only becomes too careful."""
        self._admin("POST", "reset")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _admin(self, method: str, path: str, body: Any = None) -> Any:
        reply = self._http.call(method, path, body)
        assert reply.status == 200, reply.body
        return reply.body


class DeployedStack:
    """One running stack. Every test makes its own owner and key, so that none sees another's jobs."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.outputs = state.outputs
        self.api_url = state.api_url
        self.simulated = Simulated(f"http://127.0.0.1:{state.ports['simulated']}")
        self._http = Http(state.api_url)
        self._session = local_session()

    def client(self, service: str) -> Any:
        """A boto3 client of the emulated account's root."""
        return self._session.client(service, endpoint_url=self.state.endpoint)  # type: ignore[call-overload]

    @cached_property
    def s3(self) -> Any:
        """Objects."""
        return self.client("s3")

    @cached_property
    def dynamodb(self) -> Any:
        """Tables."""
        return self.client("dynamodb")

    @cached_property
    def stepfunctions(self) -> Any:
        """Executions."""
        return self.client("stepfunctions")

    @cached_property
    def _logs(self) -> Any:
        return self.client("logs")

    @cached_property
    def key(self) -> str:
        """A key for tests that do not care whose it is."""
        return self.new_key()

    def new_key(self, owner: str | None = None, tier: UserTier = "free") -> str:
        """A new valid key, by default of an owner of its own."""
        return stack.issue_key(self.state, owner or f"tester-{next(_owners)}", "test", tier)

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Call `/v1/<path>`. `key` is by default the stack's; an empty one sends no Authorization header."""
        bearer = self.key if key is None else key
        sent = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self._http.call(method, f"/v1/{path.removeprefix('/v1').lstrip('/')}", body, {**sent, **(headers or {})})

    def start_job(self, query: str, texts: Mapping[str, str], *, key: str | None = None, **options: Any) -> str:
        """Start a job over inline texts (title → text) and return its id."""
        sources = [{"type": "text", "title": title, "text": text} for title, text in texts.items()]
        reply = self.api("POST", "jobs", {"query": query, "sources": sources, "options": options}, key=key)
        assert reply.status == 202, reply.body
        return str(reply.body["job_id"])

    def wait_for_job(self, job_id: str, *, key: str | None = None, timeout_s: float = 120) -> dict[str, Any]:
        """The job as `GET /v1/jobs/{id}` shows it once it is done, failed or stopped."""
        deadline = time.monotonic() + timeout_s
        while True:
            reply = self.api("GET", f"jobs/{job_id}", key=key)
            assert reply.status == 200, reply.body
            if reply.body["status"] in FINISHED:
                return dict(reply.body)
            assert time.monotonic() < deadline, f"not finished after {timeout_s} s: {reply.body}"
            time.sleep(0.3)

    def eventually(self, holds: Callable[[], object], timeout_s: float = 60) -> bool:
        """Whether `holds()` becomes true in time."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def invoke(self, function: str) -> dict[str, Any]:
        """Call a function, named as its folder, with an empty event; its answer."""
        reply = self.client("lambda").invoke(FunctionName=f"rota-local-{function}", Payload=b"{}")
        answer: dict[str, Any] = json.loads(reply["Payload"].read())
        assert "FunctionError" not in reply, answer
        return answer

    def stop_watching_health(self) -> None:
        """Let the clock judge no model any more: tests make models fail, and the next ones need them."""
        events = self.client("events")
        for rule in events.list_rules()["Rules"]:
            if rule.get("ScheduleExpression") == "rate(1 minute)":
                events.disable_rule(Name=rule["Name"])

    def close_breakers(self) -> None:
        """Let every model be called again at once: a test's outage must not reach into the next one."""
        for item in self.dynamodb.scan(TableName=self.outputs["LedgerTable"])["Items"]:
            self.dynamodb.update_item(
                TableName=self.outputs["LedgerTable"],
                Key={"model": item["model"]},
                UpdateExpression="SET b = :now REMOVE y",
                ExpressionAttributeValues={":now": {"N": "0"}},
            )

    def put_objects(self, objects: Mapping[str, str | bytes]) -> None:
        """Write objects (key → content) into the documents bucket."""
        for key, content in objects.items():
            body = content.encode() if isinstance(content, str) else content
            self.s3.put_object(Bucket=self.outputs["DocumentsBucket"], Key=key, Body=body)

    def wait_for_object(self, key: str, timeout_s: float = 120) -> str:
        """The text of an object of the documents bucket, as soon as there is one."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                with self.s3.get_object(Bucket=self.outputs["DocumentsBucket"], Key=key)["Body"] as body:
                    return str(body.read().decode())
            except self.s3.exceptions.NoSuchKey:
                assert time.monotonic() < deadline, f"no object {key} after {timeout_s} s"
                time.sleep(0.3)

    def log_lines(self, function: str, **fields: Any) -> list[dict[str, Any]]:
        """The JSON lines a function has logged, `function` as its folder is named; only those with these fields."""
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"{self.outputs['LogGroupPrefix']}{function}"
        )
        lines = (_object(event["message"]) for page in pages for event in page["events"])
        return [line for line in lines if line and all(line.get(name) == value for name, value in fields.items())]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self.simulated.close()


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@contextmanager
def deployed(home: Path, config: Path | None = None) -> Iterator[DeployedStack]:
    """A stack of its own below `home`, with its own rota.yaml if one is given; gone at the end, however that comes."""
    before = os.environ.get("ROTA_CONFIG")
    if config:
        os.environ["ROTA_CONFIG"] = str(config)
    try:
        state = stack.up(home, say=lambda _: None, simulate_all=True, tied=True, owner="tester")
    finally:
        if config:
            os.environ.pop("ROTA_CONFIG")
            os.environ.update({"ROTA_CONFIG": before} if before else {})
    running = DeployedStack(state)
    try:
        yield running
    finally:
        running.close()
        stack.down(home)

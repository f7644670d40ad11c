"""A small HTTP server that speaks the API's contract: it records what `rota` sends and replies what the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JOB_ID = "j-0123456789abcdef"


def job(status: str = "done", **changes: Any) -> dict[str, Any]:
    """A job as GET /v1/jobs/{id} shows it."""
    progress = dict.fromkeys(
        (
            *("documents_total", "documents_failed", "batches_total", "batches_done"),
            *("batches_failed", "batches_waiting", "groups_total", "groups_done"),
        ),
        0,
    )
    usage = dict.fromkeys(("calls", "input_tokens", "output_tokens", "wait_ms", "refusals", "fallbacks"), 0)
    return {
        "job_id": JOB_ID,
        "status": status,
        "query": "Why?",
        "created_ms": 1_700_000_000_000,
        "started_ms": 1_700_000_001_000,
        "finished_ms": 1_700_000_013_000 if status in ("done", "failed", "stopped") else None,
        "progress": progress | changes.pop("progress", {}),
        "usage": usage | {"cost_usd": 0.0, "models": {}} | changes.pop("usage", {}),
        "eta_s": None,
        "estimate_usd": None,
        **changes,
    }


def model(model_id: str = "nova-micro", **changes: Any) -> dict[str, Any]:
    """An entry of GET /v1/models."""
    limit = {
        "kind": "tpm",
        "amount": 100_000,
        "configured": 100_000,
        "ceiling": 100_000,
        "found": None,
        "set_by_hand": None,
        "shrunk_share": 1.0,
        "algorithm": "sliding_window",
        "booked": 25_000,
        "used_share": 0.25,
    }
    learned = {
        "samples": 3,
        "input_tokens_per_estimated_token": 0.91,
        "output_share_of_bound": 0.5,
        "mean_latency_ms": 900,
        "timeout_ms": 60_000,
    }
    return {
        "id": model_id,
        "object": "model",
        "owned_by": "bedrock",
        "tier": 1,
        "pools": ["summaries"],
        "disabled": False,
        "breaker": "closed",
        "breaker_reason": None,
        "health": {
            "since_ms": 1_700_000_000_000,
            "calls": 120,
            "error_rate": 0.0083,
            "mean_latency_ms": 900,
            "verdict": "healthy",
        },
        "limits": [limit],
        "next_start_ms": 0,
        "blocked_until_ms": None,
        "calls": 3,
        "refusals": 0,
        "booked_tokens": 12_000,
        "used_tokens": 8_520,
        "learned": learned,
        "simulated": True,
        **changes,
    }


class LoopbackApi:
    """`replies["GET /v1/jobs/…"]` is a list of (status, body): the last one is repeated. `requests` is what came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        ticket = {
            "upload_id": "u-0123456789abcdef",
            "url": f"{url}/storage",
            "fields": {"key": "uploads/ada/u-0123456789abcdef/${filename}", "policy": "signed"},
            "max_bytes": 1000,
        }
        self.replies: dict[str, list[tuple[int, Any]]] = {
            "POST /v1/uploads": [(201, ticket)],
            "POST /storage": [(204, "")],
            "POST /v1/jobs": [(202, {"job_id": JOB_ID, "status": "queued", "links": {}})],
            f"GET /v1/jobs/{JOB_ID}": [(200, job(answer="Because [1].", sources=[_source()]))],
            "GET /v1/models": [(200, {"object": "list", "data": [model()]})],
        }

    def reply_to(self, route: str) -> tuple[int, Any]:
        """The next reply of a route; 404 in the API's shape for one that the test did not expect."""
        missing = {"error": {"code": "not_found", "message": f"no route {route}", "request_id": "r"}}
        replies = self.replies.get(route, [(404, missing)])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def sent(self, route: str) -> list[dict[str, Any]]:
        """The JSON bodies that came to a route."""
        return [json.loads(body) for asked, _, body in self.requests if asked == route]


@contextmanager
def loopback_api() -> Iterator[LoopbackApi]:
    """Serve on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            route = f"{self.command} {self.path}"
            route = route if route in api.replies else route.partition("?findings")[0]
            api.requests.append((route, {name.lower(): text for name, text in self.headers.items()}, body))
            status, value = api.reply_to(route)
            data = json.dumps(value).encode() if value != "" else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Tests print enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api = LoopbackApi(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _source() -> dict[str, Any]:
    return {"number": 1, "title": "notes.md", "origin": "upload"}

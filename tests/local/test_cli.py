"""The command line against the deployed stack, as a person runs it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deployed_stack import DeployedStack

from cli import deployment
from cli.main import main

ORBIT = "# Orbit\n\nThe orbit of the probe is stable. Its period is ninety minutes. Engineers check the orbit daily.\n"
FUEL = "# Fuel\n\nThe probe carries forty kilograms of fuel. A correction of the orbit costs two kilograms of fuel.\n"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder with two readable documents and things nobody wants read."""
    folder = tmp_path / "papers"
    (folder / "deep").mkdir(parents=True)
    (folder / "orbit.md").write_text(ORBIT)
    (folder / "deep" / "fuel.md").write_text(FUEL)
    (folder / ".hidden.md").write_text("secret")
    (folder / "noise.bin").write_bytes(b"\0\1\2" * 50)
    return folder


def rota(
    stack: DeployedStack, *arguments: str, key: str | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `rota …` against the stack with this key (the stack's own by default)."""
    env = {**os.environ, "ROTA_API_URL": stack.api_url, "ROTA_API_KEY": key or stack.key}
    command = [sys.executable, "-m", "cli.main", *arguments]
    return subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=180, check=False)


def test_a_question_about_a_folder_is_answered_with_sources(stack: DeployedStack, documents: Path) -> None:
    """Answer and sources on standard output, progress and figures on standard error, exit code 0."""
    done = rota(stack, "run", "How much fuel does an orbit correction cost?", str(documents))
    assert done.returncode == 0, done.stderr
    assert "fuel" in done.stdout
    assert "papers/deep/fuel.md" in done.stdout
    assert "Sent 2 documents." in done.stderr
    assert "Read 2 of 2 documents." in done.stderr
    assert "simulated" in done.stderr
    assert "secret" not in done.stdout


def test_json_is_the_finished_job_and_nothing_else(stack: DeployedStack, documents: Path) -> None:
    """A script gets one JSON object, with usage by model and no refusal."""
    done = rota(stack, "run", "What is the period of the orbit?", str(documents), "--json")
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert job["status"] == "done"
    assert job["coverage"]["read"] == 2
    assert job["usage"]["refusals"] == 0
    assert sum(model["calls"] for model in job["usage"]["models"].values()) == job["usage"]["calls"] > 0


def test_extractive_mode_calls_no_model(stack: DeployedStack, documents: Path) -> None:
    """`--mode extractive` answers for nothing."""
    done = rota(stack, "run", "What about fuel?", str(documents), "--mode", "extractive", "--json")
    job = json.loads(done.stdout)
    assert (job["status"], job["usage"]["calls"]) == ("done", 0)
    assert "fuel" in job["answer"]


def test_a_dry_run_says_what_it_would_take(stack: DeployedStack, documents: Path) -> None:
    """No answer, but documents, batches and cost."""
    done = rota(stack, "run", "What about fuel?", str(documents), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("It would read 2 documents in 1 batch")
    assert "It would read" not in done.stderr


def test_max_documents_reads_the_first_ones(stack: DeployedStack, documents: Path) -> None:
    """Only as many are sent as may be read."""
    done = rota(stack, "run", "What?", str(documents), "--max-documents", "1", "--mode", "extractive", "--json")
    assert "Sent 1 document of 2." in done.stderr
    assert json.loads(done.stdout)["coverage"]["documents"] == 1


def test_standard_input_is_a_document(stack: DeployedStack) -> None:
    """`-` reads what is piped in."""
    done = rota(stack, "run", "What is the period?", "-", "--mode", "extractive", stdin=ORBIT)
    assert done.returncode == 0, done.stderr
    assert "Its period is ninety minutes" in done.stdout
    assert "[1] standard input" in done.stdout


def test_a_detached_job_can_be_listed_watched_and_shown(stack: DeployedStack, documents: Path) -> None:
    """The id comes at once; `show --watch` brings it to its end; another owner does not see it."""
    key, stranger = stack.new_key(), stack.new_key()
    started = rota(stack, "run", "What about fuel?", str(documents), "--detach", key=key)
    job_id = started.stdout.strip()
    assert started.returncode == 0, started.stderr
    watched = rota(stack, "show", job_id, "--watch", key=key)
    assert watched.returncode == 0, watched.stderr
    assert rota(stack, "show", job_id, key=key).stdout == watched.stdout
    assert job_id in rota(stack, "jobs", key=key).stdout
    refused = rota(stack, "show", job_id, key=stranger)
    assert (refused.returncode, refused.stdout) == (1, "")


def test_a_stopped_job_ends_with_exit_code_one(stack: DeployedStack, documents: Path) -> None:
    """`rota stop` ends a job that runs, and says so to whoever watches."""
    for n in range(30):
        (documents / f"more-{n}.md").write_text(f"# Part {n}\n\n" + f"Sentence {n} of the long report. " * 300)
    stack.simulated.fault("slow", factor=20)
    job_id = rota(stack, "run", "What?", str(documents), "--detach").stdout.strip()
    assert rota(stack, "stop", job_id).returncode == 0
    watched = rota(stack, "show", job_id, "--watch")
    assert watched.returncode == 1
    assert f"Job {job_id} was stopped." in watched.stderr


def test_models_are_listed_with_their_quotas(stack: DeployedStack) -> None:
    """One line a model, for people and as JSON."""
    lines = rota(stack, "models").stdout.splitlines()
    data = json.loads(rota(stack, "models", "--json").stdout)["data"]
    assert len(lines) == len(data) + 1
    assert all(model["id"] in line for model, line in zip(data, lines[1:], strict=True))
    assert all(model["simulated"] for model in data)


def test_a_wrong_key_is_one_plain_sentence(stack: DeployedStack, documents: Path) -> None:
    """Exit code 1, no traceback, nothing started."""
    done = rota(stack, "run", "What?", str(documents), key="rota_" + "x" * 43)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("rota: The API does not accept this key")


def test_an_unknown_model_is_refused_with_the_ones_there_are(stack: DeployedStack, documents: Path) -> None:
    """The API's own sentence reaches the person."""
    done = rota(stack, "run", "What?", str(documents), "--model", "gpt-9")
    assert done.returncode == 1
    assert "unknown model 'gpt-9'" in done.stderr
    assert "nova-micro" in done.stderr


def test_who_answered_is_told_and_can_be_rated_and_asked_again(stack: DeployedStack, documents: Path) -> None:
    """Stakes reach the router; a bad rating with --retry starts the same job one tier up."""
    key = stack.new_key()
    asked = ["--answer-tier", "1", "--feature", "tests", "--error-tolerance", "low", "--over-budget", "extractive"]
    done = rota(stack, "run", "What about fuel?", str(documents), *asked, "--json", key=key)
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert (job["status"], job["tier"]) == ("done", 1)
    shown = rota(stack, "show", job["job_id"], key=key)
    assert f"Answered by {job['model']} of tier 1" in shown.stderr
    rated = rota(stack, "feedback", job["job_id"], "bad", "--comment", "too short", "--retry", "--json", key=key)
    assert rated.returncode == 0, rated.stderr
    reply = json.loads(rated.stdout)
    assert (reply["rating"], reply["recorded"]) == ("bad", True)
    again = rota(stack, "show", reply["retry"]["job_id"], "--watch", "--json", key=key)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["tier"] >= 2
    assert "Not counted" in rota(stack, "feedback", job["job_id"], "good", key=key).stdout


def test_a_route_is_explained_with_the_files_that_go_with_it(stack: DeployedStack, tmp_path: Path) -> None:
    """For people and as JSON; the code is weighed; nothing is called."""
    (tmp_path / "a.py").write_text("import json\n")
    before = stack.simulated.stats()
    told = rota(stack, "route", "Review this change", "--task", "review", "--file", str(tmp_path / "a.py"))
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("To ")
    assert "The first of these that can start" in told.stdout
    assert "The code in these files" in told.stdout
    shown = json.loads(rota(stack, "route", "Hello", "--model", "tier-1", "--json").stdout)
    assert (shown["rule"], shown["target"]) == ("asked", "tier:1")
    assert {model: counts["calls"] for model, counts in stack.simulated.stats().items()} == {
        model: counts["calls"] for model, counts in before.items()
    }
    refused = rota(stack, "route", "Hello", "--model", "gpt-9")
    assert refused.returncode == 1
    assert "allowed: auto, tier-1, tier-2, tier-3" in refused.stderr


def test_usage_and_outcomes_show_what_was_done(
    stack: DeployedStack, documents: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The caller's own usage by feature; for the operator accuracy, everybody's usage and an export without text."""
    owner = "ada-of-outcomes"
    key = stack.new_key(owner)
    done = rota(stack, "run", "What about fuel?", str(documents), "--feature", "outcomes", "--json", key=key)
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    usage = json.loads(rota(stack, "usage", "--json", key=key).stdout)
    assert usage["by_feature"]["outcomes"]["calls"] == job["usage"]["calls"]
    assert "outcomes " in rota(stack, "usage", key=key).stdout
    assert "experiments" in json.loads(rota(stack, "experiments", "--json", key=key).stdout)
    monkeypatch.setattr(deployment, "load", lambda _: stack.state)
    assert main(["outcomes", "--users", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["accuracy"]["decisions"] > 0
    assert shown["usage"]["by_user"][owner]["calls"] == job["usage"]["calls"]
    assert main(["outcomes", "--export"]) == 0
    exported = capsys.readouterr().out
    assert job["decision"] in [json.loads(line)["id"] for line in exported.splitlines()]
    assert "fuel" not in exported
    assert owner not in exported


def test_config_check_needs_no_stack(stack: DeployedStack) -> None:
    """The pool file of this checkout is ok."""
    done = rota(stack, "config", "check")
    assert done.returncode == 0, done.stderr
    assert "rota.yaml is ok." in done.stdout

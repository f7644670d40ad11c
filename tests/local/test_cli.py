"""The command line against the deployed stack, as a person runs it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deployed_stack import DeployedStack

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
    assert "It would take 1 batch of 2 documents" in done.stderr
    assert done.stdout == ""


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
    assert done.stderr.startswith("rota: The API does not accept this key")


def test_an_unknown_model_is_refused_with_the_ones_there_are(stack: DeployedStack, documents: Path) -> None:
    """The API's own sentence reaches the person."""
    done = rota(stack, "run", "What?", str(documents), "--model", "gpt-9")
    assert done.returncode == 1
    assert "unknown model 'gpt-9'" in done.stderr
    assert "nova-micro" in done.stderr

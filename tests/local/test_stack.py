"""The local stack's commands as units: safe to repeat, after a crash, and beside another checkout's stack."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from deployed_stack import DeployedStack

from local import stack as local_stack
from local.processes import Process, alive
from local.state import State, load, save


def up(home: Path) -> State:
    """`rota up` in this folder, ended with the test run at the latest."""
    return local_stack.up(home, say=lambda _: None, simulate_all=True, tied=True)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder for a stack; brought down at the end."""
    yield tmp_path / ".rota"
    local_stack.down(tmp_path / ".rota")


def served_models(state: State) -> int:
    """The status of GET /v1/models with the state's own key."""
    headers = {"Authorization": f"Bearer {state.key}"}
    with urllib3.PoolManager(retries=False) as pool:
        return pool.request("GET", f"{state.api_url}/v1/models", headers=headers).status


def test_up_twice_changes_nothing_and_down_leaves_nothing(home: Path) -> None:
    """The second `up` finds everything; `down` ends every process and removes scratch files and the record."""
    first = up(home)
    assert served_models(first) == 200
    second = up(home)
    assert (second.processes, second.key) == (first.processes, first.key)
    assert local_stack.status(home)["running"] is True
    assert local_stack.down(home) is True
    assert not any(alive(process) for process in first.processes.values())
    assert not (home / "scratch").exists()
    assert local_stack.status(home)["running"] is False
    assert local_stack.down(home) is False


def test_up_after_a_crash_starts_a_whole_stack_again(home: Path) -> None:
    """Killing the emulator takes its data with it: the next `up` replaces everything, with a new key that works."""
    crashed = up(home)
    os.killpg(crashed.processes["emulator"].pid, signal.SIGKILL)
    while alive(crashed.processes["emulator"]):
        time.sleep(0.01)
    assert local_stack.status(home)["running"] is False
    again = up(home)
    assert again.key != crashed.key
    assert served_models(again) == 200
    assert not alive(crashed.processes["simulated"])


def test_up_mends_what_ended_beside_the_emulator(home: Path) -> None:
    """Simulated providers that ended come back on another port, and the functions are told."""
    first = up(home)
    ended = first.processes["simulated"]
    os.killpg(ended.pid, signal.SIGKILL)
    while alive(ended):
        time.sleep(0.01)
    mended = up(home)
    assert mended.processes["emulator"] == first.processes["emulator"]
    assert mended.processes["simulated"] != ended
    running = DeployedStack(mended)
    endpoint = running.client("lambda").get_function_configuration(FunctionName="rota-local-plan_job")["Environment"]
    assert str(mended.ports["simulated"]) in endpoint["Variables"]["ROTA_PROVIDER_ENDPOINTS"]
    running.close()


def test_a_recycled_process_number_is_never_signalled(home: Path) -> None:
    """A record left by a crash may name a number that now belongs to somebody else: here to this very test."""
    home.mkdir()
    save(home, State(processes={"emulator": Process(os.getpid(), "another time")}, ports={"emulator": 1}))
    assert local_stack.down(home) is False  # and this process still runs


def test_two_stacks_live_beside_each_other(stack: DeployedStack, home: Path) -> None:
    """Their own ports, data and keys: a key of one opens nothing in the other."""
    other = up(home)
    assert set(other.ports.values()).isdisjoint(stack.state.ports.values())
    assert stack.api("GET", "models").status == 200
    assert stack.api("GET", "models", key=other.key).status in (401, 403)


def test_the_record_is_private_and_a_damaged_one_counts_as_none(home: Path) -> None:
    """It holds a key: only its owner may read it. Half a record must not keep `down` from working."""
    home.mkdir()
    save(home, State(key="rota_secret"))
    assert (home / "stack.json").stat().st_mode & 0o077 == 0
    assert load(home).key == "rota_secret"
    (home / "stack.json").write_text(json.dumps({"key": "x"})[:-3])
    assert load(home) == State()
    assert local_stack.down(home) is False


def test_function_log_lines_become_metrics(stack: DeployedStack) -> None:
    """A job's embedded metrics arrive in CloudWatch, under Rota's namespace, by model."""
    job_id = stack.start_job("What is stable?", {"orbit": "The orbit of the probe is stable."})
    assert stack.wait_for_job(job_id)["status"] == "done"
    cloudwatch = stack.client("cloudwatch")
    deadline = time.monotonic() + 20
    while not (found := cloudwatch.list_metrics(Namespace="Rota")["Metrics"]):
        assert time.monotonic() < deadline, "no metric after 20 s"
        time.sleep(0.5)
    assert any(metric["Dimensions"] for metric in found)


def test_expiry_is_set_although_the_emulator_forgets_it(stack: DeployedStack) -> None:
    """Jobs end by themselves, as the template says."""
    table = stack.outputs["JobsTable"]
    expiry = stack.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_s"}


def test_functions_see_no_variable_of_this_shell(stack: DeployedStack) -> None:
    """The emulator was started with a clean environment: Lambdas inherit it, keys must not."""
    environ = Path(f"/proc/{stack.state.processes['emulator'].pid}/environ")
    if not environ.exists():
        pytest.skip("needs /proc")
    names = {entry.partition(b"=")[0].decode() for entry in environ.read_bytes().split(b"\0") if entry}
    assert "AUTH" in names
    assert not {name for name in names if name.startswith(("AWS_", "GROQ", "ROTA", "VIRTUAL_ENV", "PYTEST"))}

"""The state machines: their states, what their Choices read, how they retry, and where every answer leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from deployment_view import View, all_states

from infra.functions import snake_case
from infra.stages import STAGES
from infra.workflow import INFRASTRUCTURE_FAULTS
from rota.errors import Status
from rota.schemas import StepEvent

MAPS = {"SummarizeBatches": "SummarizeBatch", "SynthesizeGroups": "SynthesizeGroup"}
STATES = {
    "SearchesFirst": "Choice",
    "PlanSearch": "Task",
    "PlanSearchStatus": "Choice",
    "WaitForSearchPlan": "Wait",
    "GatherDocuments": "Task",
    "GatherDocumentsStatus": "Choice",
    "PlanJob": "Task",
    "PlanJobStatus": "Choice",
    "WaitForPlan": "Wait",
    "SummarizeBatches": "Map",
    "SummarizeBatch": "Task",
    "SummarizeBatchStatus": "Choice",
    "WaitForSlot": "Wait",
    "SummarizeBatchEnded": "Pass",
    "SynthesizeSummaries": "Task",
    "SynthesizeSummariesStatus": "Choice",
    "SynthesizeGroups": "Map",
    "SynthesizeGroup": "Task",
    "SynthesizeGroupStatus": "Choice",
    "WaitForGroup": "Wait",
    "SynthesizeGroupEnded": "Pass",
    "WriteAnswer": "Task",
    "WriteAnswerStatus": "Choice",
    "WaitForAnswer": "Wait",
    "FinishJob": "Task",
}


@pytest.fixture(scope="module")
def workflow(prod: View) -> dict[str, Any]:
    """The job's machine."""
    return prod.machine("Workflow")


@pytest.fixture(scope="module")
def states(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All of its states, the children's too."""
    return all_states(workflow)


def conditions(rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The single comparisons of a Choice's rule."""
    yield from rule.get("And", [rule])


def meets(rule: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether a state's data meets a Choice's rule, for the comparisons that Rota uses."""
    for part in conditions(rule):
        name = part["Variable"].removeprefix("$.")
        if "IsPresent" in part:
            if part["IsPresent"] != (name in state):
                return False
            continue
        value = state[name]
        wanted = part["StringEquals"] if "StringEquals" in part else part["BooleanEquals"]
        if value != wanted:
            return False
    return True


def route(definition: Mapping[str, Any], *answers: Mapping[str, Any], search: bool = False) -> list[str]:
    """The Tasks, Waits and Maps that a run passes, given what its Tasks answer in turn."""
    passed, given = [], iter(answers)
    data: dict[str, Any] = {"search": search}
    name = definition["StartAt"]
    while name:
        state = definition["States"][name]
        if state["Type"] == "Choice":
            name = next((rule["Next"] for rule in state["Choices"] if meets(rule, data)), state["Default"])
            continue
        passed.append(name)
        if state["Type"] == "Task":
            data = dict(next(given, {"status": "done"}))
        name = state.get("Next")
    return passed


def answer(status: str, *, dry_run: bool = False) -> dict[str, Any]:
    """What a Task answers."""
    return {"status": status, "dry_run": dry_run}


def test_states_are_named_after_the_functions(states: dict[str, dict[str, Any]]) -> None:
    """The machine has exactly these states."""
    assert {name: state["Type"] for name, state in states.items()} == STATES


def test_each_task_calls_the_function_of_its_name(prod: View, states: dict[str, dict[str, Any]]) -> None:
    """State SummarizeBatch calls functions/summarize_batch, with the whole state for the whole next state."""
    functions = {f"${{{name}.Arn}}": folder for name, folder in prod.function_ids().items()}
    for name, state in states.items():
        if state["Type"] != "Task":
            continue
        called = functions[state["Parameters"]["FunctionName"]]
        assert called == ("synthesize_summaries" if name == "SynthesizeGroup" else snake_case(name))
        assert state["Parameters"]["Payload.$"] == "$"
        assert state["OutputPath"] == "$.Payload"


def test_choices_read_the_words_that_handlers_answer(prod: View) -> None:
    """Every word that a Choice compares with is a Status, and no Status but the failures' is unread."""
    machines = [prod.machine("Workflow"), prod.machine("Intake")]
    choices = [state for machine in machines for state in all_states(machine).values() if state["Type"] == "Choice"]
    rules = [part for choice in choices for rule in choice["Choices"] for part in conditions(rule)]
    words = {rule["StringEquals"] for rule in rules if rule["Variable"] == "$.status"}
    assert words == {status.value for status in Status} - {Status.FAILED}
    fields = {rule["Variable"].removeprefix("$.") for rule in rules}
    assert fields <= set(StepEvent.model_fields)


def test_every_wait_leads_back_to_its_lambda(prod: View) -> None:
    """A Lambda that answers "wait" is called again at the time that it named."""
    for machine in (prod.machine("Workflow"), prod.machine("Intake")):
        states = all_states(machine)
        waits = {name for name, state in states.items() if state["Type"] == "Wait" and "Seconds" not in state}
        led_to = set()
        for name, state in states.items():
            if state["Type"] == "Choice":
                for rule in state["Choices"]:
                    if rule.get("StringEquals") == "wait":
                        assert states[rule["Next"]]["TimestampPath"] == "$.until"
                        assert states[rule["Next"]]["Next"] == name.removesuffix("Status")
                        led_to.add(rule["Next"])
        assert led_to == waits


@pytest.mark.parametrize("name", MAPS)
def test_maps_read_a_manifest_and_keep_nothing(states: dict[str, dict[str, Any]], name: str) -> None:
    """Items are lines in S3, children are Standard and all end well, and no result enters the state."""
    state = states[name]
    assert state["ItemReader"]["Resource"].endswith(":states:::s3:getObject")
    assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert state["ItemReader"]["Parameters"]["Key.$"] == "$.manifest_key"
    assert state["ItemReader"]["Parameters"]["Bucket"].startswith("${StorageDocuments")
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert state["MaxConcurrency"] == STAGES["prod"].map_concurrency
    assert state["ToleratedFailurePercentage"] == 100
    assert state["ResultPath"] is None
    assert state["Label"] == name
    assert not {"ItemSelector", "ItemBatcher", "ResultWriter", "ResultSelector"} & set(state)


@pytest.mark.parametrize("child", MAPS.values())
def test_children_always_end_well(states: dict[str, dict[str, Any]], child: str) -> None:
    """Whatever a child's Lambda answers or raises, the child ends with an empty result."""
    ended = f"{child}Ended"
    assert states[child]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": ended}]
    assert states[f"{child}Status"]["Default"] == ended
    assert states[ended] == {"Type": "Pass", "Result": {}, "End": True}


def test_every_failure_reaches_finish_job(workflow: dict[str, Any]) -> None:
    """A state that breaks hands its input and the failure to FinishJob, and a bad answer goes there too."""
    for name, state in workflow["States"].items():
        if state["Type"] in {"Task", "Map"} and name != "FinishJob":
            assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "FinishJob"}]
        if state["Type"] == "Choice" and name != "SearchesFirst":
            assert state["Default"] == "FinishJob"
    assert workflow["States"]["FinishJob"]["End"] is True


def test_only_faults_of_the_infrastructure_are_retried(prod: View) -> None:
    """Every Task retries the same faults a few times, with jitter and a bounded delay; there is no other retry."""
    for machine in (prod.machine("Workflow"), prod.machine("Intake")):
        for state in all_states(machine).values():
            if state["Type"] != "Task":
                assert "Retry" not in state
                continue
            [retry] = state["Retry"]
            assert retry["ErrorEquals"] == INFRASTRUCTURE_FAULTS
            assert retry["JitterStrategy"] == "FULL"
            assert retry["MaxDelaySeconds"] == 30
            assert 2 <= retry["MaxAttempts"] <= 6


def test_a_job_passes_every_step(workflow: dict[str, Any]) -> None:
    """Waits return to their Lambda; levels are reduced until there is nothing left to reduce."""
    passed = route(
        workflow,
        answer("done"),
        answer("wait"),
        answer("done"),
        answer("reduce"),
        answer("reduce"),
        answer("done"),
        answer("wait"),
        answer("done"),
    )
    searched = route(workflow, answer("done"), answer("again"), answer("done"), answer("failed"), search=True)
    assert searched == ["PlanSearch", "GatherDocuments", "GatherDocuments", "PlanJob", "FinishJob"]
    level = ["SynthesizeSummaries", "SynthesizeGroups"]
    end = ["SynthesizeSummaries", "WriteAnswer", "WaitForAnswer", "WriteAnswer", "FinishJob"]
    assert passed == [
        *("GatherDocuments", "PlanJob", "WaitForPlan", "PlanJob", "SummarizeBatches"), *level, *level, *end
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "last_step"),
    [
        ([answer("failed")], "GatherDocuments"),
        ([answer("done"), answer("failed")], "PlanJob"),
        ([answer("done"), answer("done", dry_run=True)], "PlanJob"),
        ([answer("done"), answer("done"), answer("failed")], "SynthesizeSummaries"),
        ([answer("done"), answer("done"), answer("done"), answer("failed")], "WriteAnswer"),
    ],
)
def test_a_job_that_ends_early_is_finished(
    workflow: dict[str, Any], answers: list[dict[str, Any]], last_step: str
) -> None:
    """A failure at any step, and a dry run after its plan, go straight to FinishJob."""
    assert route(workflow, *answers)[-2:] == [last_step, "FinishJob"]


def test_the_inbox_waits_for_quiet(prod: View) -> None:
    """A burst is waited for, then its closing is tried until it is done; a failure fails the execution."""
    machine = prod.machine("Intake")
    assert machine["States"]["WaitForBurst"]["Seconds"] == STAGES["prod"].debounce_s
    passed = route(machine, answer("wait"), answer("done"))
    assert passed == ["WaitForBurst", "CloseInbox", "WaitForQuiet", "CloseInbox", "InboxClosed"]
    assert route(machine, answer("failed"))[-1] == "InboxFailed"
    assert machine["States"]["InboxFailed"]["Type"] == "Fail"


def test_machines_log_transitions_and_no_data(prod: View) -> None:
    """Standard machines, traced; their logs hold every event without input and output."""
    machines = prod.resources("AWS::StepFunctions::StateMachine")
    assert len(machines) == 2
    for machine in machines.values():
        assert machine.get("StateMachineType", "STANDARD") == "STANDARD"
        assert machine["TracingConfiguration"] == {"Enabled": True}
        logging = machine["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)

"""The scale benchmarks: what they simulate keeps every quota and every wall, and what they count is counted right."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws

from benchmarks.costs import Cost, Job, Meter, Tally, extrapolated
from benchmarks.item_sizes import item_bytes, job_item_bytes, ledger_item_bytes, write_units
from benchmarks.prices import usd
from benchmarks.scale import COUNTED_APART, by_rota, cases, differences, pool, row
from benchmarks.scale_check import refusals
from benchmarks.scale_limits import SPAN, Bucket, Window
from benchmarks.scale_simulation import BEGIN, Load, Quota, Simulation, Starts, Walls, bound_s
from benchmarks.walked_machine import State, VirtualClock, Walk
from rota.limits import SlidingWindow

SMALL = [Quota("w", 60_000, 20, "window"), Quota("b", 60_000, 0, "bucket"), Quota("v", 250_000, 0, "window")]
START_MS = 1_793_635_200_000.0


def starts(*calls: tuple[float, float, int, int]) -> Starts:
    """What a vendor saw: (start, end, booked, used) of each call."""
    columns = list(zip(*calls, strict=True))
    return Starts(array("d", columns[0]), array("d", columns[1]), array("q", columns[2]), array("q", columns[3]))


def ended(simulated: Any) -> int:
    """Calls of a run."""
    return sum(len(found.used) for found in simulated.starts)


@pytest.mark.parametrize("walls", [Walls(50, 200), Walls(50, 200, shards=4), Walls(50, 5000, ledger_units=200)])
def test_no_vendor_would_have_refused_a_call(walls: Walls) -> None:
    """Plainly, in shards (counted against the whole quota), and with tickets and lost settlements."""
    found = Simulation(SMALL, Load(700), walls).run()
    assert ended(found) == 700
    assert [refusals(quota, seen) for quota, seen in zip(SMALL, found.starts, strict=True)] == [0, 0, 0]
    assert found.makespan_s >= found.bound_s


def test_the_check_refuses_by_the_definition_of_a_window() -> None:
    """Booked while it runs, used once it has ended, gone 60 seconds after its start."""
    quota = Quota("w", 100, 0, "window")
    assert refusals(quota, starts((0, 5, 60, 20), (4, 9, 60, 60))) == 1
    assert refusals(quota, starts((0, 5, 60, 20), (6, 9, 60, 60))) == 0
    assert refusals(quota, starts((0, 5, 60, 60), (59.9, 61, 60, 60))) == 1
    assert refusals(quota, starts((0, 5, 60, 60), (60.1, 61, 60, 60))) == 0
    assert refusals(Quota("w", 1000, 1, "window"), starts((0, 5, 1, 1), (6, 9, 1, 1))) == 1


def test_the_check_refuses_by_the_definition_of_a_bucket() -> None:
    """Full at first, refilled by the second, given back at the end but not above the brim."""
    quota = Quota("b", 60, 0, "bucket")
    assert refusals(quota, starts((0, 50, 60, 60), (9.9, 50, 10, 10))) == 1
    assert refusals(quota, starts((0, 50, 60, 60), (10.1, 50, 10, 10))) == 0
    assert refusals(quota, starts((0, 5, 60, 10), (6, 9, 50, 50))) == 0
    assert refusals(quota, starts((1, 5, 60, 0), (6, 9, 60, 60), (6.5, 9, 1, 1))) == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_the_incremental_limits_decide_as_rota_does(seed: int) -> None:
    """Every call of a job on windows and buckets, with and without request limits, starts in the same second."""
    assert differences(400, seed) == 0


def test_a_full_window_opens_a_span_later() -> None:
    """As `rota.limits` has it: calls may leave late, so a window is two seconds longer."""
    window = Window(100)
    assert SlidingWindow(100, 60).span == SPAN
    window.add(100, 100)
    assert (window.earliest(1, 95), window.earliest(1, 100 - SPAN)) == (100 + SPAN, 100 - SPAN)
    assert (window.room(99 + SPAN), window.room(100 + SPAN)) == (0, 100)
    window.add(100, -40)
    assert (window.earliest(40, 95), window.earliest(41, 95)) == (95, 100 + SPAN)


def test_a_bucket_leaves_room_for_what_is_booked_ahead() -> None:
    """A small call passes a large one that waits only as far as that can bear it."""
    bucket, [rota] = Bucket(6000), by_rota(Quota("b", 6000, 0, "bucket"))
    for at, units in ((10, 5800), (60, 4000)):
        bucket.add(at, units)
        rota.add(at, units)
    for at in range(10, 130):
        assert bucket.room(at) == rota.room(at)
        for units in (1, 700, 1500, 5000):
            assert bucket.earliest(units, at) == rota.earliest(units, at)


def test_the_bound_counts_what_quotas_admit_at_once() -> None:
    """A window's next quota comes after a minute; a bucket has refilled a third after twenty seconds."""
    assert bound_s([Quota("w", 1000, 0, "window")], 1001, 10) == pytest.approx(60, abs=0.1)
    assert bound_s([Quota("b", 600, 0, "bucket")], 800, 10) == pytest.approx(20, abs=0.1)
    assert bound_s([Quota("b", 600, 3, "bucket")], 600, 6) == pytest.approx(60, abs=0.1)


def test_walls_bind_where_they_stand() -> None:
    """Children at once, the job's item, dispatch and the ledger's item, each on a pool that has room for more."""
    large = [Quota("w", 50_000_000, 0, "window")]
    few = Simulation(large, Load(600), Walls(1000, 20)).run()
    counted = Simulation(large, Load(600), Walls(200, 100, job_units=100)).run()
    sent = Simulation(large, Load(600), Walls(30, 1000, job_units=1)).run()
    written = Simulation(large, Load(3000), Walls(5000, 5000, job_units=1, ledger_units=10)).run()
    assert [few.wall, counted.wall, sent.wall, written.wall] == [
        "calls at once",
        "job item",
        "dispatch rate",
        "ledger item",
    ]
    assert few.most_at_once == 20
    assert counted.job_units_peak <= 1000
    assert counted.makespan_s >= 55
    assert sent.makespan_s >= 19
    assert max(item.busiest for item in written.items) < 102
    assert written.lost > 0


def test_shards_share_a_quota_and_no_more() -> None:
    """Rounded down, so that together they never promise what the vendor does not give."""
    quota = Quota("w", 100_001, 33, "window")
    simulated = Simulation([quota], Load(1), Walls(shards=8))
    shares = [[limit.amount for limit in item.limits] for item in simulated.items]
    assert len(shares) == 8
    assert sum(share[0] for share in shares) <= quota.tpm
    assert sum(share[1] for share in shares) <= quota.rpm


def test_a_case_of_the_benchmark_is_run_and_checked() -> None:
    """A hundredth of the long job."""
    [first, *_] = cases(10_000)
    found = row(first)
    assert (found.refused, len(found.utilisation), len(pool())) == (0, 50, 50)
    assert first.walls.job_units == COUNTED_APART.job_units
    assert all(0 <= share <= 1.05 for share in found.utilisation)


def test_items_are_as_large_as_dynamodb_counts_them() -> None:
    """Names and text by the byte, two digits of a number by the byte and one more; a new unit every 1,024 bytes."""
    item: Mapping[str, Mapping[str, Any]] = {"id": {"S": "äb"}, "n": {"N": "-1200"}, "flag": {"BOOL": True}}
    assert item_bytes(item) == 2 + 3 + 1 + 3 + 4 + 1
    assert [write_units(size) for size in (1, 1024, 1025)] == [1, 1, 2]
    assert job_item_bytes(50, 100) - job_item_bytes(10, 100) > 40 * 3 * 20
    assert ledger_item_bytes(("tpm",), 0) < 1024 < ledger_item_bytes(("tpm", "rpm"), 0) < 2048


def test_dollars_are_units_times_prices() -> None:
    """Of Step Functions and DynamoDB, for instance."""
    assert usd({"transitions": 4000, "dynamodb write units": 2_000_000}) == pytest.approx(
        {"transitions": 0.1, "dynamodb write units": 1.25}
    )


def test_larger_jobs_lie_on_the_line_through_two_that_were_run() -> None:
    """What a job costs once stays; what each document costs grows."""

    def cost(documents: int, gets: int) -> Cost:
        walk = Walk(VirtualClock(START_MS), lambda _name, event: event, lambda _key: ())
        tally = Tally()
        tally.units["summarize_batch", "s3 gets"] = gets
        return Cost(Job(documents), tally, walk, 1, documents)

    assert extrapolated(cost(10, 45), cost(20, 75), 1000)["s3 gets"] == 15 + 3 * 1000


TASK = {"Type": "Task", "Parameters": {"FunctionName": "arn:aws:lambda:r:1:function:work"}}
CHILD = {
    "StartAt": "Work",
    "States": {
        "Work": {**TASK, "Next": "Done?"},
        "Done?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.status", "StringEquals": "wait", "Next": "Pause"}],
            "Default": "Ended",
        },
        "Pause": {"Type": "Wait", "TimestampPath": "$.until", "Next": "Work"},
        "Ended": {"Type": "Pass", "Result": {}, "End": True},
    },
}
PARENT = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemReader": {"Parameters": {"Key.$": "$.manifest_key"}},
            "ItemProcessor": CHILD,
            "MaxConcurrency": 2,
            "ResultPath": None,
            "Next": "Last",
        },
        "Last": {**TASK, "End": True},
    },
}


def test_a_machine_is_walked_in_virtual_time() -> None:
    """Three children, two at once, of which each waits once; every state entered is counted."""
    clock = VirtualClock(START_MS)
    began: list[tuple[int, float]] = []

    def work(function: str, event: State) -> State:
        assert function == "work"
        clock.sleep(2)
        if "number" not in event:
            return {"status": "done"}
        began.append((event["number"], clock.at_ms - START_MS))
        until = {"status": "wait", "until": "2026-11-02T16:00:20.000Z"}
        return {**event, "status": "done"} if "until" in event else {**event, **until}

    walk = Walk(clock, work, lambda key: [{"number": number} for number in range(3)] if key == "k" else ())
    assert walk.run(PARENT, {"manifest_key": "k"}) == {"status": "done"}
    assert walk.entered == {"Each": 1, "Work": 6, "Done?": 6, "Pause": 3, "Ended": 3, "Last": 1}
    assert walk.invoked == {"work": 7}
    assert walk.invoked_ms == {"work": 14_000}
    assert walk.histories == [2 + 5 * 2 + 2 * 2 + 2 + 2] * 3
    assert sorted(began)[:4] == [(0, 0), (0, 20_000), (1, 0), (1, 20_000)]
    assert sorted(began)[4][1] == 22_000


def test_requests_are_counted_by_function_and_priced_by_size() -> None:
    """A write of an item above one kilobyte is two units, a read of it one."""
    with mock_aws():
        client: Any = boto3.client("dynamodb", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        client.create_table(
            TableName="jobs",
            KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "job_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        meter = Meter(VirtualClock(START_MS), client)
        other: Any = boto3.client("dynamodb", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        meter.attach(other)
        meter.function = "summarize_batch"
        other.put_item(TableName="jobs", Item={"job_id": {"S": "j"}, "query": {"S": "q" * 1500}})
        other.get_item(TableName="jobs", Key={"job_id": {"S": "j"}})
        meter.detach(other)
        other.get_item(TableName="jobs", Key={"job_id": {"S": "j"}})
    assert meter.tally.requests == {
        ("summarize_batch", "jobs", "PutItem"): 1,
        ("summarize_batch", "jobs", "GetItem"): 1,
    }
    assert meter.tally.units == {
        ("summarize_batch", "dynamodb write units"): 2,
        ("summarize_batch", "dynamodb read units"): 1,
    }
    assert meter.clock.spent_ms > 0
    assert BEGIN > 0

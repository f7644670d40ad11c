"""What people and programs are told of a plan: as JSON in `plan.json`, and as notes beside the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rota.depth import depth_of, is_read_in_part
from rota.estimate import JobEstimate
from rota.planning.choice import Chosen
from rota.planning.sizes import tokens_of
from rota.records import DocumentInfo


def plan_facts(chosen: Chosen, documents: Sequence[DocumentInfo], estimate: JobEstimate) -> dict[str, Any]:
    """The plan's own part of `plan.json`: how the job is done, what was changed and why, and what it will take.

    `documents` are all of the job's; `left_out` and `read_in_part` are numbers of those not read, or not whole.
    """
    way = chosen.way
    depth, read = depth_of(way.options), {one["number"] for one in way.documents}
    extractive = way.options.get("mode") == "extractive"
    return {
        "depth": depth,
        "mode_planned": "extractive" if extractive else "models",
        "adjusted": [{"what": each.what, "said": each.said} for each in way.adjusted],
        "rejected": [each.brief() for each in chosen.rejected],
        "left_out": [one["number"] for one in documents if one["number"] not in read],
        "read_in_part": [one["number"] for one in way.documents if is_read_in_part(one, depth)],
        "tokens_read": tokens_of(way.documents, depth),
        "tokens_in_all": tokens_of(documents),
        "estimate": estimate.as_dict(),
    }


def unread(plan: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Numbers of documents that the plan left out, and why: for the coverage, where they count as not covered."""
    why = next((each["said"] for each in plan.get("adjusted", ()) if each["what"] == "documents"), "")
    reason = "was left out" + (f": the job {why}" if why else "")
    for number in plan.get("left_out", ()):
        yield number, reason


def plan_notes(plan: Mapping[str, Any], counters: Mapping[str, int]) -> list[str]:
    """Sentences that belong beside the answer: what was done otherwise than asked, what was read in part or extracted.

    `counters` are the job's.
    """
    notes = [f"To keep its limits, this job {each['said']}." for each in plan.get("adjusted", ())]
    in_part = len(plan.get("read_in_part", ()))
    if in_part:
        notes.append(f"{in_part:,} documents were read in part: their most relevant passages.")
    extracted, total = counters.get("batches_extracted", 0), counters.get("batches_total", 0)
    if extracted and plan.get("mode_planned") != "extractive":
        notes.append(f"{extracted:,} of {total:,} batches were done without a model, in the documents' own sentences.")
    return notes

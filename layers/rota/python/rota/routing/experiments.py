"""Experiments: every subject always falls into the same arm, in every process and language.

    point = the first 8 bytes of SHA-256("<experiment>:<subject>") as a big-endian number, modulo 10,000, ÷ 100

A subject belongs to the first arm whose percentage, added to those of the arms before it, is above its point
(0.00 to 99.99). So arms may grow at the border between them without moving anybody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from rota.policy import Arm, Experiment, Name
from rota.routing.request import ModelRequest
from rota.routing.rules import LevelOf, holds


def point(name: str, subject: str) -> float:
    """Where a subject stands between 0 and 100, in steps of 0.01."""
    digest = hashlib.sha256(f"{name}:{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 / 100


def arm_of(name: str, experiment: Experiment, subject: str) -> Arm:
    """The subject's arm."""
    at, until = point(name, subject), 0.0
    for arm in experiment.arms:
        until += arm.percent
        if at < until:
            return arm
    return experiment.arms[-1]


def assigned(experiments: Mapping[Name, Experiment], request: ModelRequest, level: LevelOf) -> tuple[str, Arm] | None:
    """The first experiment that the request takes part in, and its arm there."""
    for name, experiment in experiments.items():
        subject = request.subjects.get(experiment.subject)
        if subject and holds(experiment.when, request, level):
            return name, arm_of(name, experiment, subject)
    return None

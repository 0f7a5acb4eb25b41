"""Check a comparison in its own process: starting, following, stopping, and losing it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from core.comparison.course import Course, unpack
from core.comparison.setup import Comparison, compared
from core.host.client import CHILD_BYTES, HostClient
from core.run import machine
from core.run.config import RunConfig
from core.store import RunRecord, new_run_id
from tests.core.host.patience import until

pytestmark = pytest.mark.slow

MIXTURE = RunConfig(
    dataset="mixture",
    model="linear",
    optimizer="sgd",
    weight_decay=1e-3,
    schedule="constant",
    lr=1.0,
    budget="epochs",
    budget_value=1,
)
SHORT = compared([MIXTURE, MIXTURE.replace(batch_size=256)], seeds=2)
LONG = compared([MIXTURE, MIXTURE.replace(lr=0.5)], seeds=2, budget="updates").arms[0]
ENDLESS = compared([LONG.replace(budget_value=100_000), LONG], seeds=2, budget="updates")


@pytest.fixture(scope="module")
def host(two_core_host: HostClient) -> HostClient:
    return two_core_host


def start(host: HostClient, comparison: Comparison) -> str:
    run_id = new_run_id()
    host.start_comparison(comparison, run_id=run_id, session="test")
    return run_id


def seen(host: HostClient, run_id: str) -> tuple[RunRecord, list[Course]]:
    found = host.store.comparison(run_id)
    assert found is not None
    record, _, courses = found
    return record, unpack(courses) if courses else []


def ended(host: HostClient, run_id: str) -> tuple[RunRecord, list[Course]]:
    def look() -> tuple[RunRecord, list[Course]] | None:
        record, courses = seen(host, run_id)
        return None if record.is_active else (record, courses)

    return until(look, "the end of the comparison")


def trains(host: HostClient, run_id: str) -> bool:
    return until(lambda: any(len(course.updates) for course in seen(host, run_id)[1]), "a first point")


def test_a_comparison_trains_to_its_end_and_keeps_its_courses(host: HostClient) -> None:
    run_id = start(host, SHORT)
    record, courses = ended(host, run_id)
    assert record.state == "finished"
    assert [(course.state, course.planned, course.updates[-1]) for course in courses] == [
        ("finished", 21, 21),
        ("finished", 8, 8),
    ]
    assert record.ended is not None
    assert record.ended.updates == 29
    assert host.store.comparison(run_id)[1] == SHORT.to_json()  # type: ignore[index]


def test_a_stopped_comparison_keeps_its_courses(host: HostClient) -> None:
    run_id = start(host, ENDLESS)
    trains(host, run_id)
    asked = time.monotonic()
    host.command(run_id, "stop")
    record, courses = ended(host, run_id)
    assert time.monotonic() - asked < 5
    assert record.state == "stopped"
    assert {course.state for course in courses} == {"stopped"}
    assert courses[0].updates[-1] > 0


def test_a_comparison_with_a_killed_process_ends_as_failed(host: HostClient) -> None:
    run_id = start(host, ENDLESS)
    trains(host, run_id)
    pid = until(lambda: seen(host, run_id)[0].facts.pid, "its process")
    os.kill(pid, signal.SIGKILL)
    record, courses = ended(host, run_id)
    assert (record.state, record.ended and record.ended.reason) == ("failed", "killed")
    assert courses[0].updates[-1] > 0  # unchanged


def test_a_comparison_waits_for_a_core_like_a_run(host: HostClient, tmp_path: Path) -> None:
    ids = [start(host, ENDLESS) for _ in range(3)]
    until(lambda: host.place(ids[2]) == 1, "its place")
    for run_id in ids:
        host.command(run_id, "stop")
    assert {ended(host, run_id)[0].state for run_id in ids} == {"stopped"}


def test_a_comparison_that_does_not_fit_this_machine_is_refused_with_the_numbers(
    host: HostClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlp = RunConfig(dataset="digits", hidden=(512, 512), memory_limit_mb=None, budget_value=1)
    arms = [mlp, mlp.replace(batch_size=16)]
    peak = host.prediction(mlp).result(timeout=60).peak.bytes
    room = 3 * peak + CHILD_BYTES  # memory for one run of each arm
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: room)
    record, courses = ended(host, start(host, compared(arms, seeds=10)))
    assert record.ended is not None
    assert (record.state, record.ended.reason, courses) == ("failed", "not_enough_memory", [])
    assert record.ended.values["free"] == room
    assert record.ended.values["needed"] > 10 * peak
    assert ended(host, start(host, compared(arms, seeds=1, budget="updates")))[0].state == "finished"

"""Check, with real processes, runs with settings changed during training, and what may interfere."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from core.host.client import HostClient
from core.run.changes import Change
from core.run.config import RunConfig
from core.run.events import Ended
from core.store import new_run_id
from core.store.export import csv_of
from tests.core.host.patience import PATIENCE_S, end_of, record_of, recorded, stop_all, until

pytestmark = pytest.mark.slow

LONG = RunConfig(dataset="digits", batch_size=100, schedule="constant", budget_value=10_000)
LARGER = LONG.replace(batch_size=400, lr=0.1)


@pytest.fixture
def host(two_core_host: HostClient) -> Iterator[HostClient]:
    for config in (LONG, LARGER, LONG.replace(batch_size=50)):
        two_core_host.prediction(config).result(PATIENCE_S)
    yield two_core_host
    stop_all(two_core_host)


@pytest.fixture
def one_core(host: HostClient) -> HostClient:
    """Return the host with one free core, because a paused run holds the other."""
    paused = start(host, LONG, paused=True)
    until(lambda: record_of(host, paused).state == "paused", "the run to hold a core")
    return host


def start(host: HostClient, config: RunConfig, *, parent: str | None = None, paused: bool = False) -> str:
    run_id = new_run_id()
    host.start(config, run_id=run_id, session="test", parent=parent, paused=paused)
    return run_id


def ended_of(host: HostClient, run_id: str) -> Ended:
    ended = end_of(host, run_id).ended
    assert ended is not None
    return ended


def trains(host: HostClient, run_id: str) -> int:
    """Wait until a run makes updates of its own; return how many it inherited."""
    horizon = until(lambda: record_of(host, run_id).facts.horizon, "the run to begin")
    assert horizon
    first = record_of(host, run_id).facts.first
    until(lambda: recorded(host, run_id) > first, "its first update")
    return first


def test_a_changed_run_takes_its_parents_place_and_records(one_core: HostClient) -> None:
    host = one_core
    first = start(host, LONG)
    trains(host, first)
    before = recorded(host, first)
    second = start(host, LARGER.replace(budget_value=9_999), parent=first)
    since = trains(host, second)
    ended = ended_of(host, first)
    assert (ended.state, ended.reason, ended.updates) == ("stopped", "changed", since)
    assert since >= before

    # Everything recorded for the first run, without a gap.
    old = np.concatenate([chunk.updates.losses for chunk in host.store.chunks_after(first)])
    new = np.concatenate([chunk.updates.losses for chunk in host.store.chunks_after(second)])
    assert len(old) == since
    assert new[:since].tobytes() == old.tobytes()
    seen = np.concatenate([chunk.updates.examples_seen for chunk in host.store.chunks_after(second)])
    assert set(np.diff(seen)[: since - 1].tolist()) == {100, 37}
    assert set(np.diff(seen)[since - 1 :][:3].tolist()) <= {400, int(1_437 - seen[since - 1] % 1_437) % 400}
    epochs = [epoch.epoch for epoch in host.store.epochs(second)]
    assert epochs == list(range(1, len(epochs) + 1))
    assert record_of(host, second).facts.changes == (
        Change(since, {"batch_size": (100, 400), "lr": (0.05, 0.1), "budget_value": (10_000, 9_999)}),
    )
    assert not host.store.has_state(first)

    host.command(second, "stop")
    assert ended_of(host, second).reason == "asked"
    lines = csv_of(host.store, second).decode().splitlines()
    assert len(lines) == 1 + ended_of(host, second).updates
    assert [line.split(",")[0] for line in lines[1:]] == [str(number) for number in range(1, len(lines))]


def test_a_changed_run_takes_its_parents_place_in_the_queue(one_core: HostClient) -> None:
    host = one_core
    first, waiting = start(host, LONG), start(host, LONG.replace(seed=1))
    trains(host, first)
    until(lambda: host.place(waiting) == 1, "the other to wait")
    second = start(host, LARGER, parent=first)
    trains(host, second)
    assert record_of(host, waiting).state == "queued"
    assert (host.place(waiting), host.place(second)) == (1, None)


def test_a_changed_run_waits_for_its_parent_even_with_a_free_core(host: HostClient) -> None:
    first = start(host, LONG)
    trains(host, first)
    pid = record_of(host, first).facts.pid
    os.kill(pid, signal.SIGSTOP)  # the process cannot respond yet
    second, neighbour = start(host, LARGER, parent=first), start(host, LONG.replace(seed=1))
    until(lambda: record_of(host, neighbour).facts.pid, "the neighbour to start")
    assert record_of(host, second).facts.pid is None
    os.kill(pid, signal.SIGCONT)
    assert trains(host, second) == ended_of(host, first).updates


def test_the_second_of_two_simultaneous_changes_counts_and_nothing_is_lost(host: HostClient) -> None:
    first = start(host, LONG)
    trains(host, first)
    second = start(host, LARGER, parent=first)
    third = start(host, LONG.replace(batch_size=50), parent=second)
    since = trains(host, third)
    assert ended_of(host, second).reason == "changed"
    assert ended_of(host, first).updates <= since
    said = record_of(host, third).facts.changes
    assert said[-1].settings["batch_size"][1] == 50
    assert said[0].settings["batch_size"][0] == 100
    assert said[-1].updates == since
    losses = np.concatenate([chunk.updates.losses for chunk in host.store.chunks_after(third)])
    of_first = np.concatenate([chunk.updates.losses for chunk in host.store.chunks_after(first)])
    assert losses[: len(of_first)].tobytes() == of_first.tobytes()


def test_successive_changes_form_a_chain(host: HostClient) -> None:
    runs = [start(host, LONG)]
    trains(host, runs[0])
    since = []
    for size in (400, 50, 200):
        runs.append(start(host, LONG.replace(batch_size=size), parent=runs[-1]))
        since.append(trains(host, runs[-1]))
    assert record_of(host, runs[-1]).facts.changes == (
        Change(since[0], {"batch_size": (100, 400)}),
        Change(since[1], {"batch_size": (400, 50)}),
        Change(since[2], {"batch_size": (50, 200)}),
    )
    assert [ended_of(host, run).updates for run in runs[:-1]] == since


def test_a_paused_run_is_changed_and_stays_paused(host: HostClient) -> None:
    first = start(host, LONG, paused=True)
    for _ in range(3):
        host.command(first, "one_update")
    until(lambda: recorded(host, first) == 3 and record_of(host, first).state == "paused", "three updates")
    second = start(host, LARGER, parent=first, paused=True)
    until(lambda: record_of(host, second).state == "paused", "the second to stand")
    assert (recorded(host, second), record_of(host, second).facts.first) == (3, 3)
    host.command(second, "one_update")
    until(lambda: recorded(host, second) == 4, "an update")
    chunk = host.store.chunks_after(second)[-1].updates
    assert (chunk.first, chunk.examples_seen.tolist()) == (3, [300 + 400])


def test_a_run_that_had_already_ended_is_not_continued(host: HostClient) -> None:
    first = start(host, LONG.replace(budget_value=1))
    assert ended_of(host, first).state == "finished"
    ended = ended_of(host, start(host, LARGER, parent=first))
    assert (ended.state, ended.reason) == ("failed", "no_state")
    assert record_of(host, first).state == "finished"


def test_a_waiting_run_gives_its_place_to_one_that_starts_from_scratch(one_core: HostClient) -> None:
    host = one_core
    busy, first = start(host, LONG), start(host, LONG.replace(seed=1))
    until(lambda: host.place(first) == 1, "it to wait")
    second = start(host, LARGER.replace(seed=1, budget_value=1), parent=first)
    assert ended_of(host, first).reason == "changed"
    host.command(busy, "stop")
    assert ended_of(host, second).state == "finished"
    assert record_of(host, second).facts.changes == ()


def test_stopping_a_run_that_waits_for_its_parent_keeps_the_parents_state(host: HostClient) -> None:
    first = start(host, LONG)
    trains(host, first)
    pid = record_of(host, first).facts.pid
    os.kill(pid, signal.SIGSTOP)  # the process cannot respond yet
    try:
        second = start(host, LARGER, parent=first)
        host.command(second, "stop")
        assert ended_of(host, second).reason == "asked"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ended_of(host, first).reason == "changed"
    assert host.store.has_state(first)
    third = start(host, LARGER, parent=first)  # another run can still continue from that state
    assert trains(host, third) == ended_of(host, first).updates


def test_stopping_a_run_before_its_memory_is_known_also_stops_its_parent(host: HostClient) -> None:
    first = start(host, LONG)
    trains(host, first)
    second = start(host, LARGER.replace(batch_size=123, hidden=(97,)), parent=first)
    host.command(second, "stop")
    assert ended_of(host, second).reason == "asked"
    assert ended_of(host, first).state == "stopped"


def test_a_changed_run_that_does_not_fit_this_machine_does_not_stop_its_parent(
    host: HostClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(host, LONG)
    trains(host, first)
    monkeypatch.setattr("core.run.machine.free_memory_bytes", lambda: 10 * 2**20)
    second = start(host, LARGER, parent=first)
    assert ended_of(host, second).reason == "not_enough_memory"
    seen = recorded(host, first)
    until(lambda: recorded(host, first) > seen, "the first to train on")

"""Check, with real processes, runs that continue from the state of a run that ran out of memory."""

from __future__ import annotations

import numpy as np
import pytest

from core.forecast.records import Remedy, remedy_from_dict
from core.host.client import HostClient
from core.run.config import RunConfig
from core.store import new_run_id
from core.train.continuation import unpack, with_remedy
from tests.core.host.patience import PATIENCE_S, end_of

pytestmark = pytest.mark.slow

# 34,110 weights take 136 kB. The first update fits into 1 MiB, the second, with Adam's state, does not.
CONFIG = RunConfig(
    dataset="digits", batch_size=300, hidden=(200, 100), optimizer="adam", lr=1e-3, budget_value=2, memory_limit_mb=1
)


@pytest.fixture(scope="module")
def host(two_core_host: HostClient) -> HostClient:
    return two_core_host


def start(host: HostClient, config: RunConfig, *, parent: str | None = None) -> str:
    run_id = new_run_id()
    host.start(config, run_id=run_id, session="test", parent=parent)
    return run_id


def remedies_of(host: HostClient, config: RunConfig) -> list[Remedy]:
    asked = host.ask("remedies", {"config": config.to_json()}, read=lambda found: [*map(remedy_from_dict, found)])
    found: list[Remedy] = asked.result(PATIENCE_S)
    return found


@pytest.fixture(scope="module")
def parent(host: HostClient) -> str:
    """Return a run that has run out of memory in its second update."""
    run_id = start(host, CONFIG)
    ended = end_of(host, run_id).ended
    assert ended is not None
    assert (ended.state, ended.updates) == ("out_of_memory", 1)
    return run_id


def test_a_run_that_ran_out_leaves_its_state_and_the_timeline_of_its_last_update(host: HostClient, parent: str) -> None:
    payload = host.store.state(parent)
    assert payload is not None
    state = unpack(payload)
    assert (state["updates"], state["examples_seen"], state["kind"]) == (1, 300, "adam")
    ended = end_of(host, parent).ended
    assert ended is not None
    assert ended.allocation is not None
    assert ended.allocation.timeline is not None
    assert ended.allocation.timeline["changes"]
    assert ended.allocation.over_bytes > 0


def test_a_remedy_continues_the_run_to_its_end(host: HostClient, parent: str) -> None:
    (smaller,) = [remedy for remedy in remedies_of(host, CONFIG) if remedy.kinds == ("smaller_batch",)]
    config = with_remedy(CONFIG, dict(smaller.changes))
    child = start(host, config, parent=parent)
    record = end_of(host, child)
    ended = record.ended
    assert ended is not None
    assert (ended.state, ended.reason, record.parent) == ("finished", "budget", parent)

    # It inherits one update and continues its epoch: 1,137 examples of that epoch are left, and 1,437 of the next.
    size = config.batch_size
    updates = 1 - -1_137 // size - -1_437 // size
    assert ended.updates == updates
    before, after = host.store.chunks_after(parent), host.store.chunks_after(child)
    losses = np.concatenate([chunk.updates.losses for chunk in after])
    assert len(losses) == updates
    assert losses[0] == before[0].updates.losses[0]
    assert int(after[-1].updates.examples_seen[-1]) == 2 * 1_437
    assert [epoch.epoch for epoch in host.store.epochs(child)] == [1, 2]
    assert (record.facts.first, record.facts.horizon) == (1, updates)
    # Only a run that runs out leaves a state.
    assert host.store.state(child) is None
    assert ended.peak is not None
    assert ended.peak.bytes <= 2**20


def test_several_runs_can_continue_from_one(host: HostClient, parent: str) -> None:
    children = [start(host, CONFIG.replace(optimizer=name), parent=parent) for name in ("sgd", "momentum")]
    records = [end_of(host, child) for child in children]
    assert [record.parent for record in records] == [parent] * 2
    # Momentum is allocated at the end of the first update here and does not fit either.
    assert [(record.state, record.ended and record.ended.updates) for record in records] == [
        ("finished", 1 + 4 + 5),
        ("out_of_memory", 2),
    ]
    firsts = [host.store.chunks_after(child)[0].updates.losses[0] for child in children]
    assert firsts[0] == firsts[1]


def test_a_continued_run_that_runs_out_can_be_continued_too(host: HostClient, parent: str) -> None:
    again = start(host, CONFIG.replace(batch_size=299), parent=parent)
    record = end_of(host, again)
    assert record.ended is not None
    assert (record.state, record.ended.updates) == ("out_of_memory", 1)  # the run made no update of its own
    last = end_of(host, start(host, CONFIG.replace(batch_size=100), parent=again))
    assert last.ended is not None
    assert (last.state, last.ended.updates) == ("finished", 1 + 12 + 15)


def test_a_run_whose_parent_left_no_state_fails_with_that_reason(host: HostClient) -> None:
    first = start(host, CONFIG.replace(batch_size=100, budget_value=1))
    assert end_of(host, first).state == "finished"
    record = end_of(host, start(host, CONFIG.replace(batch_size=50), parent=first))
    assert record.ended is not None
    assert (record.state, record.ended.reason) == ("failed", "no_state")

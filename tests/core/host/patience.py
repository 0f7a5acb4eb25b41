"""Wait for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from core.host.client import HostClient
from core.store import RunRecord

PATIENCE_S = 60.0

T = TypeVar("T")


def until(look: Callable[[], T | None], what: str) -> T:
    """Return what `look` finds, or fail with a message after a time that only a defect takes."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {PATIENCE_S} s for {what}")


def record_of(host: HostClient, run_id: str) -> RunRecord:
    found = host.store.run(run_id)
    assert found is not None
    return found


def end_of(host: HostClient, run_id: str) -> RunRecord:
    """Return the record of a run once it has ended."""
    return until(lambda: (found := record_of(host, run_id)).ended and found, "the end of the run")


def recorded(host: HostClient, run_id: str) -> int:
    """Return how many updates of a run are in the store."""
    return sum(len(chunk.updates) for chunk in host.store.chunks_after(run_id))


def stop_all(host: HostClient) -> None:
    """Stop every run that a test left, all before waiting for one: a stopped process can hold the lock of SQLite."""
    for run in host.store.active():
        host.command(run.id, "stop")
    until(lambda: not host.store.active(), "every run to stop")

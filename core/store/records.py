"""Define the records that the store returns, and build them from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from core.run.config import RunConfig
from core.run.events import Ended, EndState, Peak, Snapshot, Updates
from core.store import packing
from core.store.facts import ActiveState, Facts

ACTIVE_STATES: tuple[ActiveState, ...] = ("queued", "starting", "running", "paused")


@dataclass(frozen=True)
class RunRecord:
    """Everything the store knows about a run except its metrics."""

    id: str
    created: datetime  # UTC
    config: RunConfig
    state: ActiveState | EndState
    facts: Facts
    peak: Peak | None
    ended: Ended | None
    snapshot: Snapshot | None
    session: str
    owner: str
    pinned: bool
    parent: str | None = None  # the run from which this one continues

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended."""
        return self.state in ACTIVE_STATES


@dataclass(frozen=True)
class Chunk:
    """The updates of one flush, with the process's resident memory and the ledger's peak at that time."""

    id: int
    updates: Updates
    rss_bytes: int
    peak_bytes: int


def peak_of(row: Row[Any]) -> Peak | None:
    """Return the peak stored in a row of `runs`."""
    return packing.peak_from_json(row.peak) if row.peak else None


def record_of(row: Row[Any]) -> RunRecord:
    """Return the run in a row. Raises ConfigError, ValueError, TypeError, KeyError or AttributeError."""
    return RunRecord(
        id=row.id,
        created=datetime.fromtimestamp(row.created_s, UTC),
        config=RunConfig.from_json(row.config),
        state=row.state,
        facts=Facts.from_json(row.facts),
        peak=peak_of(row),
        ended=packing.ended_from_json(row.ended) if row.ended else None,
        snapshot=packing.snapshot_from_json(row.snapshot) if row.snapshot else None,
        session=row.session,
        owner=row.owner,
        pinned=row.pinned,
        parent=row.parent,
    )

"""Read runs, comparisons and their metrics from the store."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from core.run.events import Epoch, Updates
from core.store import packing
from core.store.database import Database
from core.store.facts import Facts
from core.store.records import ACTIVE_STATES, Chunk, RunRecord, record_of
from core.store.schema import chunks, comparisons, epochs, runs, states
from core.words.errors import StoreError


class Queries:
    """Queries on an open database. `core.store.runs.Store` adds the methods that change it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def comparison(self, run_id: str) -> tuple[RunRecord, str, bytes | None] | None:
        """Return a comparison as its row in `runs`, its setup and its recorded courses; None if it does not exist."""
        joined = select(runs, comparisons.c.setup, comparisons.c.courses).join(comparisons)
        with self._database.reading() as connection:
            row = connection.execute(joined.where(runs.c.id == run_id)).one_or_none()
        with self._database.understanding():
            return (record_of(row), row.setup, row.courses) if row else None

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run; None if it does not exist."""
        with self._database.reading() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
        with self._database.understanding():
            return record_of(row) if row else None

    def state(self, run_id: str) -> bytes | None:
        """Return the state from which another run can continue this one; None if none is stored."""
        with self._database.reading() as connection:
            return state_of(connection, run_id)

    def has_state(self, run_id: str) -> bool:
        """Return whether a state is stored from which another run can continue this one."""
        with self._database.reading() as connection:
            query = select(states.c.run_id).where(states.c.run_id == run_id)
            return connection.execute(query).scalar() is not None

    def heir(self, run_id: str) -> str | None:
        """Return the id of the newest run that continues this one or is about to; None if there is none."""
        query = select(runs.c.id, runs.c.state, runs.c.facts).where(runs.c.parent == run_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(runs.c.number.desc())).all()
        with self._database.understanding():
            heirs = (row.id for row in rows if row.state in ACTIVE_STATES or Facts.from_json(row.facts).has_begun)
            return next(heirs, None)

    def runs(self, limit: int = 50) -> list[RunRecord]:
        """Return the newest runs, newest first. Comparisons and unreadable runs are left out."""
        plain = select(runs).where(runs.c.id.not_in(select(comparisons.c.run_id)))
        return self._records(plain.order_by(runs.c.number.desc()).limit(limit))

    def active(self, *, owner: str | None = None, session: str | None = None) -> list[RunRecord]:
        """Return the runs that have not ended, oldest first, optionally of one owner or browser session.

        Unreadable runs are left out.
        """
        query = select(runs).where(runs.c.state.in_(ACTIVE_STATES)).order_by(runs.c.number)
        if owner is not None:
            query = query.where(runs.c.owner == owner)
        if session is not None:
            query = query.where(runs.c.session == session)
        return self._records(query)

    def chunks_after(self, run_id: str, last_id: int = 0, *, limit: int | None = None) -> list[Chunk]:
        """Return the chunks of a run with an id greater than `last_id`, in order."""
        query = select(chunks).where(chunks.c.run_id == run_id, chunks.c.id > last_id).order_by(chunks.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [Chunk(row.id, self._unpacked(row), row.rss_bytes, row.peak_bytes) for row in rows]

    def epochs_after(self, run_id: str, last_id: int = 0) -> list[tuple[int, Epoch]]:
        """Return (row id, epoch) for the epochs of a run with a row id greater than `last_id`, in order."""
        query = select(epochs).where(epochs.c.run_id == run_id, epochs.c.id > last_id).order_by(epochs.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        with self._database.understanding():
            return [(row.id, packing.epoch_from_json(row.epoch)) for row in rows]

    def epochs(self, run_id: str) -> list[Epoch]:
        """Return the epochs of a run in order."""
        return [epoch for _, epoch in self.epochs_after(run_id)]

    def _records(self, query: Select[Any]) -> list[RunRecord]:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        found = []
        for row in rows:
            with suppress(StoreError), self._database.understanding():
                found.append(record_of(row))
        return found

    def _unpacked(self, row: Row[Any]) -> Updates:
        with self._database.understanding():
            return packing.unpack(bytes(row.payload), layout=row.layout, first=row.first, count=row.updates)

    def _recorded(self, connection: Connection, run_id: str) -> dict[str, Any]:
        """Compute from the rows of a run the counts that its `Ended` would have held."""
        updates, unchanged, elapsed_s = 0, 0, 0.0
        query = select(chunks).where(chunks.c.run_id == run_id).order_by(chunks.c.id)
        for row in connection.execute(query.execution_options(yield_per=100)):
            block = self._unpacked(row)
            updates = block.first + len(block)
            unchanged += int((block.rates == 0).sum())
            elapsed_s = float(block.seconds[-1])
        of_run = select(epochs.c.epoch).where(epochs.c.run_id == run_id).order_by(epochs.c.id)
        with self._database.understanding():
            ends = [packing.epoch_from_json(text) for text in connection.execute(of_run).scalars()]
        per_epoch = next((epoch.updates_in_epoch for epoch in ends if epoch.complete), None)
        return {
            "updates": updates,
            "updates_per_epoch": per_epoch,
            "unchanged_updates": unchanged,
            "elapsed_s": elapsed_s,
        }


def state_of(connection: Connection, run_id: str) -> bytes | None:
    """Return the stored state of a run; None if there is none."""
    return connection.execute(select(states.c.payload).where(states.c.run_id == run_id)).scalar()

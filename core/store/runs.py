"""Write runs, their metrics and their end to the database."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Unpack

from sqlalchemy import Connection, Row, delete, func, insert, literal, select, update

from core.run.config import RunConfig
from core.run.events import (
    END_STATES,
    Ended,
    EndState,
    Epoch,
    Event,
    Kept,
    Paused,
    Peak,
    Snapshot,
    Started,
    Updates,
)
from core.store import packing
from core.store.database import attach_database, open_database
from core.store.facts import ActiveState, Noted, on_inheritance, on_start
from core.store.place import claim_fresh_file
from core.store.queries import Queries, state_of
from core.store.records import ACTIVE_STATES, peak_of, record_of
from core.store.schema import chunks, comparisons, epochs, runs, states
from core.words.errors import StoreError

KEPT_RUNS, KEPT_STATES = 500, 20


def new_run_id() -> str:
    """Return an unguessable id."""
    return secrets.token_urlsafe(12)


class Store(Queries):
    """A database of runs. Threads may share it; each process opens its own, after any fork.

    Every method raises StoreError if the database cannot be reached or read.
    """

    @classmethod
    def open(cls, where: str | Path | None = None) -> Store:
        """Open the database at a path or URL; None means BATCHLAB_DATABASE, or else the default file.

        Raises StoreError (store_newer, store_corrupt, store_unavailable) without having changed anything.
        """
        return cls(open_database(where))

    @classmethod
    def attach(cls, address: str) -> Store:
        """Open a database that another process has already opened and checked. Nothing is read until first use."""
        return cls(attach_database(address))

    def check(self) -> None:
        """Read a row of every table. Raises StoreError for damage that a later query would hit."""
        self._database.check()

    @property
    def address(self) -> str:
        """The path or URL with which another process can open this database. May hold a password."""
        return self._database.address

    @property
    def where(self) -> str:
        """The display name of the database, without its password."""
        return self._database.where

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def create(
        self,
        run_id: str,
        config: RunConfig,
        *,
        owner: str,
        session: str,
        state: ActiveState = "queued",
        parent: str | None = None,
        comparison: str | None = None,
    ) -> None:
        """Add a run, and drop the oldest ended, unpinned runs beyond the newest KEPT_RUNS unpinned ones.

        `owner` identifies the process responsible for the run (see `core.run.machine`), `session` the browser session.
        A run with a `parent` starts with a copy of everything recorded for that run. A `comparison` is the text from
        `Comparison.to_json`; `config` is then its first arm.
        """
        values = {"id": run_id, "config": config.to_json(), "owner": owner, "session": session, "state": state}
        with self._database.writing() as connection:
            connection.execute(insert(runs).values(created_s=time.time(), parent=parent, **values))
            if comparison:
                connection.execute(insert(comparisons).values(run_id=run_id, setup=comparison))
            if parent:
                self._inherit(connection, run_id, config, parent)
            unpinned = select(runs.c.number).where(~runs.c.pinned).order_by(runs.c.number.desc())
            oldest_kept = unpinned.offset(KEPT_RUNS - 1).limit(1).scalar_subquery()
            ended = runs.c.state.in_(END_STATES)
            connection.execute(delete(runs).where(~runs.c.pinned, ended, runs.c.number < oldest_kept))

    def inherit(self, run_id: str, parent: str) -> bytes | None:
        """Copy what the parent has recorded since this run was created; return the parent's state, None without one.

        Call it once the parent has ended and before this run starts.
        """
        with self._database.writing() as connection:
            text = connection.execute(select(runs.c.config).where(runs.c.id == run_id)).scalar()
            if text is not None:
                with self._database.understanding():
                    config = RunConfig.from_json(text)
                self._inherit(connection, run_id, config, parent)
            return state_of(connection, parent)

    def _inherit(self, connection: Connection, run_id: str, config: RunConfig, parent: str) -> None:
        """Copy the parent's rows that the run does not have yet, and note the settings in which the two differ."""
        for table in (chunks, epochs):
            columns = [column.name for column in table.columns if column.name not in ("id", "run_id")]
            known = connection.execute(select(func.count()).where(table.c.run_id == run_id)).scalar_one()
            copied = select(literal(run_id), *(table.c[name] for name in columns))
            copied = copied.where(table.c.run_id == parent).order_by(table.c.id).offset(known)
            connection.execute(insert(table).from_select(["run_id", *columns], copied))
        connection.execute(update(runs).where(runs.c.id == run_id).values(parent=parent))
        row = connection.execute(select(runs).where(runs.c.id == parent)).one_or_none()
        if row:
            with self._database.understanding():
                before = record_of(row)
            _note(connection, run_id, on_inheritance(before.config, before.facts, before.state, config))

    def set_state(self, run_id: str, state: ActiveState) -> bool:
        """Set the state of a run; return False if it has ended or does not exist."""
        if state not in ACTIVE_STATES:
            raise ValueError(f"state must be one of {', '.join(ACTIVE_STATES)}, got {state!r}; finish() ends a run")
        with self._database.writing() as connection:
            return _change(connection, run_id, state=state)

    def note(self, run_id: str, **facts: Unpack[Noted]) -> None:
        """Merge new facts into those of a run."""
        with self._database.writing() as connection:
            _note(connection, run_id, facts)

    def write(self, run_id: str, events: Sequence[Event], *, rss_bytes: int = 0) -> bool:
        """Record the events of a run in one transaction.

        `rss_bytes` is the resident memory of the training process. Returns False without recording anything if the
        run has ended or was deleted; its process should then stop.
        """
        with self._database.writing() as connection:
            row = _lock(connection, run_id)
            if row is None:
                return False
            with self._database.understanding():
                peak = peak_of(row)
            blocks: list[dict[str, Any]] = []
            ends: list[dict[str, Any]] = []
            for item in events:
                if isinstance(item, Updates):
                    if len(item):
                        blocks.append(_row_of(run_id, item, rss_bytes, peak.bytes if peak else 0))
                elif isinstance(item, Epoch):
                    ends.append({"run_id": run_id, "epoch": packing.epoch_to_json(item)})
                elif isinstance(item, Peak):
                    peak = item
                    _change(connection, run_id, peak=packing.peak_to_json(item))
                elif isinstance(item, Snapshot):
                    _change(connection, run_id, snapshot=packing.snapshot_to_json(item))
                elif isinstance(item, Kept):
                    connection.execute(insert(states).values(run_id=run_id, payload=item.payload))
                    newest = select(states.c.run_id).join(runs, runs.c.id == states.c.run_id)
                    newest = newest.order_by(runs.c.number.desc()).limit(KEPT_STATES)
                    kept = list(connection.execute(newest).scalars())
                    connection.execute(delete(states).where(states.c.run_id.not_in(kept)))
                elif isinstance(item, Paused):
                    _change(connection, run_id, state="paused" if item.paused else "running")
                elif isinstance(item, Started):
                    _change(connection, run_id, state="running")
                    _note(connection, run_id, on_start(item))
                    _drop_used_state(connection, run_id)
                else:
                    _finish(connection, run_id, item)
            for table, rows in ((chunks, blocks), (epochs, ends)):
                if rows:
                    connection.execute(insert(table), rows)
        return True

    def finish(self, run_id: str, ended: Ended) -> bool:
        """End a run; return False if it had already ended or does not exist."""
        with self._database.writing() as connection:
            return _finish(connection, run_id, ended)

    def end(self, run_id: str, state: EndState, reason: str, **values: Any) -> bool:
        """End a run from outside, with counts from its recorded rows; return False if it had already ended."""
        with self._database.writing() as connection:
            row = _lock(connection, run_id)
            if row is None:
                return False
            with self._database.understanding():
                peak = peak_of(row)
            ended = Ended(state, reason, values, peak=peak, **self._recorded(connection, run_id))
            return _finish(connection, run_id, ended)

    def fail_orphans(self, alive: Callable[[str], bool]) -> list[str]:
        """End each run with a dead owner as failed ("owner_gone"); return their ids.

        `alive` tells whether an owner still runs. Unreadable runs are left as they are.
        """
        with self._database.reading() as connection:
            query = select(runs.c.id, runs.c.owner).where(runs.c.state.in_(ACTIVE_STATES)).order_by(runs.c.number)
            orphans = [run_id for run_id, owner in connection.execute(query) if not alive(owner)]
        ended = []
        for run_id in orphans:
            with suppress(StoreError):
                ended += [run_id] if self.end(run_id, "failed", "owner_gone") else []
        return ended

    def delete(self, run_id: str) -> None:
        """Remove a run and its metrics."""
        with self._database.writing() as connection:
            connection.execute(delete(runs).where(runs.c.id == run_id))

    def write_courses(self, run_id: str, courses: bytes, *, state: ActiveState = "running") -> bool:
        """Replace the recorded courses of a comparison; return False if it has ended or was deleted."""
        with self._database.writing() as connection:
            if not _change(connection, run_id, state=state):
                return False
            connection.execute(update(comparisons).where(comparisons.c.run_id == run_id).values(courses=courses))
        return True


def open_or_fresh(where: str | Path | None = None) -> tuple[Store, StoreError | None]:
    """Open a database, or a new one next to it if that fails; return it with the error, None if it opened.

    The new file is `runs-fresh-1.sqlite` or has the next free number. In place of a server it goes to the default
    folder, and to a temporary folder if those cannot be written.
    """
    try:
        store = Store.open(where)
        store.check()
        return store, None
    except StoreError as error:
        return Store.open(claim_fresh_file(where)), error


def _lock(connection: Connection, run_id: str) -> Row[Any] | None:
    """Lock the row of an active run until the transaction ends; return None if the run has ended or does not exist."""
    found = select(runs.c.peak).where(runs.c.id == run_id, runs.c.state.in_(ACTIVE_STATES)).with_for_update()
    return connection.execute(found).one_or_none()


def _drop_used_state(connection: Connection, run_id: str) -> None:
    """Drop the state that a run continued from, unless its parent ran out of memory: others may continue from that."""
    parent = select(runs.c.parent).where(runs.c.id == run_id).scalar_subquery()
    stopped = select(runs.c.id).where(runs.c.id == parent, runs.c.state == "stopped")
    connection.execute(delete(states).where(states.c.run_id.in_(stopped)))


def _row_of(run_id: str, block: Updates, rss_bytes: int, peak_bytes: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "first": block.first,
        "updates": len(block),
        "layout": packing.LAYOUT,
        "payload": packing.pack(block),
        "rss_bytes": rss_bytes,
        "peak_bytes": peak_bytes,
    }


def _note(connection: Connection, run_id: str, facts: Noted) -> None:
    text = connection.execute(select(runs.c.facts).where(runs.c.id == run_id).with_for_update()).scalar()
    if text is not None:
        merged = json.dumps(json.loads(text) | facts)
        connection.execute(update(runs).where(runs.c.id == run_id).values(facts=merged))


def _finish(connection: Connection, run_id: str, ended: Ended) -> bool:
    values = {"state": ended.state, "ended": packing.ended_to_json(ended)}
    if ended.peak:
        values["peak"] = packing.peak_to_json(ended.peak)
    return _change(connection, run_id, **values)


def _change(connection: Connection, run_id: str, **values: Any) -> bool:
    """Change an active run in one statement, so that only one of two concurrent calls can end it."""
    changed = update(runs).where(runs.c.id == run_id, runs.c.state.in_(ACTIVE_STATES)).values(**values)
    return connection.execute(changed).rowcount == 1

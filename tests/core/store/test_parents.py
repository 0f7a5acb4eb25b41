"""Check what continued runs inherit, the states they start from, and older databases that have neither."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import inspect, text

from core.run.config import RunConfig
from core.run.events import Ended, Epoch, Kept, Started, Updates
from core.store import Store
from core.store.database import open_database
from core.store.reader import RunReader

MakeUpdates = Callable[..., Updates]
ENDED = Ended("out_of_memory", "limit", updates=30)


def epoch(number: int, updates: int) -> Epoch:
    return Epoch(number, updates, 15, True, 2.0 / number, 1.0 / number, 0.5, seconds=number * 0.5)


def a_run_that_ran_out(store: Store, make_updates: MakeUpdates, *, name: str = "first", payload: bytes = b"") -> None:
    """Record 30 updates in three chunks, two epochs, a state and the end."""
    store.create(name, RunConfig(dataset="digits"), owner="host", session="tab")
    store.write(name, [Started(45), make_updates(0, 2), make_updates(2, 13), epoch(1, 15)], rss_bytes=70)
    store.write(name, [make_updates(15, 15), epoch(2, 30), Kept(payload or name.encode()), ENDED], rss_bytes=80)


def child_of(store: Store, parent: str, *, name: str = "second") -> None:
    store.create(name, RunConfig(dataset="digits", batch_size=50), owner="host", session="tab", parent=parent)


def test_a_continued_run_starts_with_everything_recorded_for_its_parent(
    store: Store, make_updates: MakeUpdates
) -> None:
    a_run_that_ran_out(store, make_updates)
    child_of(store, "first")
    before, after = store.chunks_after("first"), store.chunks_after("second")
    assert [(chunk.updates.first, len(chunk.updates), chunk.rss_bytes) for chunk in after] == [
        (0, 2, 70),
        (2, 13, 70),
        (15, 15, 80),
    ]
    for one, other in zip(before, after, strict=True):
        assert one.updates.losses.tobytes() == other.updates.losses.tobytes()
        assert one.updates.rates.tobytes() == other.updates.rates.tobytes()
        assert one.id < other.id
    assert store.epochs("second") == [epoch(1, 15), epoch(2, 30)]
    record = store.run("second")
    assert record is not None
    assert (record.parent, record.state, record.ended, record.peak) == ("first", "queued", None, None)


def test_a_continued_run_does_not_add_to_its_parent(store: Store, make_updates: MakeUpdates) -> None:
    a_run_that_ran_out(store, make_updates)
    child_of(store, "first")
    store.write("second", [Started(70, first=30, shift=28), make_updates(30, 5), epoch(3, 35)])
    assert [len(chunk.updates) for chunk in store.chunks_after("first")] == [2, 13, 15]
    assert len(store.epochs("first")) == 2
    assert [len(chunk.updates) for chunk in store.chunks_after("second")] == [2, 13, 15, 5]
    assert [end.epoch for end in store.epochs("second")] == [1, 2, 3]
    record = store.run("second")
    assert record is not None
    assert (record.facts.horizon, record.facts.first, record.facts.shift) == (70, 30, 28)
    parent = store.run("first")
    assert parent is not None
    assert (parent.parent, parent.state) == (None, "out_of_memory")
    assert (parent.facts.first, parent.facts.shift) == (0, 0)  # the parent started at its own update 0


def test_a_reader_joins_parent_and_child(store: Store, make_updates: MakeUpdates) -> None:
    a_run_that_ran_out(store, make_updates)
    child_of(store, "first")
    reader = RunReader(store, "second")
    assert reader.refresh()
    assert (reader.updates, len(reader.epochs)) == (30, 2)
    store.write("second", [Started(70, first=30, shift=28), make_updates(30, 10), epoch(3, 40)])
    assert reader.refresh()
    whole = make_updates(0, 40)
    assert reader.losses.tobytes() == whole.losses.tobytes()
    assert reader.examples_seen.tolist() == whole.examples_seen.tolist()
    assert [end.epoch for end in reader.epochs] == [1, 2, 3]


def test_the_epoch_axis_of_a_continued_run_follows_the_examples_seen(store: Store, make_updates: MakeUpdates) -> None:
    # An epoch has 1,437 examples. The runs differ in batch size, so updates are no measure of epochs.
    a_run_that_ran_out(store, make_updates)
    child_of(store, "first")
    store.write("second", [Started(70, first=30, shift=28), make_updates(30, 10)])
    for name in ("first", "second"):
        reader = RunReader(store, name)
        reader.refresh()
        ((_, places, _),) = reader.curves(["loss"], x="epochs")
        count = reader.updates
        numbers = np.arange(1, count + 1)
        expected = numbers / 15 if name == "first" else numbers * 100 / 1_437
        assert places.tolist() == pytest.approx(expected.tolist())


def test_a_run_ended_from_outside_counts_the_updates_of_both(store: Store, make_updates: MakeUpdates) -> None:
    a_run_that_ran_out(store, make_updates)
    child_of(store, "first")
    store.write("second", [Started(70, first=30), make_updates(30, 4)])
    assert store.end("second", "failed", "killed", signal=9)
    record = store.run("second")
    assert record is not None
    assert record.ended is not None
    assert (record.ended.updates, record.ended.updates_per_epoch) == (34, 15)


def test_a_deleted_parent_leaves_nothing_to_inherit(store: Store, make_updates: MakeUpdates) -> None:
    a_run_that_ran_out(store, make_updates)
    store.delete("first")
    child_of(store, "first")
    assert (store.chunks_after("second"), store.epochs("second")) == ([], [])
    record = store.run("second")
    assert record is not None
    assert record.parent == "first"


def test_a_child_keeps_its_inheritance_when_the_parent_is_deleted(store: Store, make_updates: MakeUpdates) -> None:
    a_run_that_ran_out(store, make_updates)
    child_of(store, "first")
    store.delete("first")
    assert [len(chunk.updates) for chunk in store.chunks_after("second")] == [2, 13, 15]
    assert len(store.epochs("second")) == 2


# States.


def test_a_state_is_stored_byte_for_byte_and_deleted_with_its_run(store: Store, make_updates: MakeUpdates) -> None:
    payload = bytes(range(256)) * 1_000
    a_run_that_ran_out(store, make_updates, payload=payload)
    assert store.state("first") == payload
    assert store.state("nobody") is None
    child_of(store, "first")
    assert store.state("second") is None  # the run has not stopped
    store.delete("first")
    assert store.state("first") is None


def test_only_the_newest_twenty_states_are_kept_but_every_run(store: Store, make_updates: MakeUpdates) -> None:
    for number in range(22):
        a_run_that_ran_out(store, make_updates, name=f"run {number}")
    kept = [number for number in range(22) if store.state(f"run {number}")]
    assert kept == list(range(2, 22))
    assert len(store.runs()) == 22


# Older databases.


def test_a_database_of_version_2_gains_parents_and_states_and_keeps_its_runs(
    address: str, make_updates: MakeUpdates
) -> None:
    store = Store.open(address)
    store.create("old", RunConfig(dataset="digits"), owner="host", session="tab")
    store.write("old", [Started(45), make_updates(0, 15), epoch(1, 15)])
    store.close()
    as_it_was = open_database(address)
    with as_it_was.writing() as connection:
        connection.execute(text("ALTER TABLE runs DROP COLUMN parent"))
        connection.execute(text("DROP TABLE states"))
        connection.execute(text("DROP TABLE comparisons"))
        connection.execute(text("UPDATE schema SET version = 2"))
    as_it_was.close()

    store = Store.open(address)
    migrated = open_database(address)
    with migrated.reading() as connection:
        assert connection.execute(text("SELECT version FROM schema")).scalar() == 4
        assert {"states", "comparisons"} <= set(inspect(connection).get_table_names())
    migrated.close()
    record = store.run("old")
    assert record is not None
    assert (record.parent, record.config.dataset) == (None, "digits")
    assert store.state("old") is None
    store.write("old", [Kept(b"state"), ENDED])
    assert store.state("old") == b"state"
    child_of(store, "old")
    assert [len(chunk.updates) for chunk in store.chunks_after("second")] == [15]
    store.delete("old")
    assert store.state("old") is None  # the new table has the foreign key of a new database
    store.close()


def test_a_migrated_database_equals_a_new_one(tmp_path: Path) -> None:
    new, old = tmp_path / "new.sqlite", tmp_path / "old.sqlite"
    for path in (new, old):
        Store.open(path).close()
    as_it_was = open_database(str(old))
    with as_it_was.writing() as connection:
        connection.execute(text("ALTER TABLE runs DROP COLUMN parent"))
        connection.execute(text("DROP TABLE states"))
        connection.execute(text("DROP TABLE comparisons"))
        connection.execute(text("UPDATE schema SET version = 2"))
    as_it_was.close()
    Store.open(old).close()
    described = []
    for path in (new, old):
        opened = open_database(str(path))
        with opened.reading() as connection:
            look = inspect(connection)
            described.append(
                {
                    name: (
                        [
                            (column["name"], str(column["type"]), column["nullable"])
                            for column in look.get_columns(name)
                        ],
                        look.get_foreign_keys(name),
                    )
                    for name in look.get_table_names()
                }
            )
        opened.close()
    assert described[0] == described[1]

"""Check what a changed run inherits from its parent, and what happens to the parent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.run.changes import Change
from core.run.config import RunConfig
from core.run.events import Ended, Epoch, Kept, Started, Updates
from core.store import Store
from core.store.facts import Facts
from core.store.reader import RunReader

MakeUpdates = Callable[..., Updates]
FIRST = RunConfig(dataset="digits")
SECOND = FIRST.replace(batch_size=400)
THIRD = SECOND.replace(lr=0.2)
CHANGED = Ended("stopped", "changed", updates=30)


def epoch(number: int, updates: int) -> Epoch:
    return Epoch(number, updates, 15, True, 2.0 / number, 1.0 / number, 0.5, seconds=number * 0.5)


def create(store: Store, name: str, config: RunConfig, *, parent: str | None = None) -> None:
    store.create(name, config, owner="host", session="tab", parent=parent)


@pytest.fixture
def changed(store: Store, make_updates: MakeUpdates) -> Store:
    """Record a run of 30 updates, 17 of them made after a run was created to take its place."""
    create(store, "first", FIRST)
    store.write("first", [Started(45), make_updates(0, 2), make_updates(2, 11)])
    create(store, "second", SECOND, parent="first")
    store.write("first", [make_updates(13, 5), epoch(1, 15), make_updates(18, 12), epoch(2, 30)])
    store.write("first", [Kept(b"state"), CHANGED])
    return store


def sizes(store: Store, run_id: str) -> list[int]:
    return [len(chunk.updates) for chunk in store.chunks_after(run_id)]


def facts(store: Store, run_id: str) -> Facts:
    record = store.run(run_id)
    assert record is not None
    return record.facts


def test_updates_made_after_a_run_was_created_are_inherited_when_it_starts(changed: Store) -> None:
    assert (sizes(changed, "second"), changed.epochs("second")) == ([2, 11], [])
    assert changed.inherit("second", "first") == b"state"
    assert sizes(changed, "second") == [2, 11, 5, 12]
    assert changed.epochs("second") == [epoch(1, 15), epoch(2, 30)]
    assert changed.inherit("second", "first") == b"state"
    assert sizes(changed, "second") == [2, 11, 5, 12]  # inheriting again adds nothing


def test_a_reader_of_the_second_run_continues_without_a_gap(changed: Store, make_updates: MakeUpdates) -> None:
    reader = RunReader(changed, "second")
    reader.refresh()
    assert (reader.updates, reader.inherited) == (13, 13)
    changed.inherit("second", "first")
    changed.write("second", [Started(40, first=30, shift=-20), make_updates(30, 4)])
    reader.refresh()
    assert (reader.updates, reader.inherited) == (34, 30)
    assert reader.losses.tobytes() == make_updates(0, 34).losses.tobytes()


def test_a_run_without_a_parent_has_inherited_nothing(changed: Store) -> None:
    reader = RunReader(changed, "first")
    reader.refresh()
    assert (reader.updates, reader.inherited) == (30, 0)


def test_the_changes_of_a_chain_stay_when_earlier_runs_are_deleted(changed: Store) -> None:
    assert facts(changed, "second").changes == ()
    changed.inherit("second", "first")
    changed.write("second", [Started(40, first=30, shift=-20)])
    assert facts(changed, "second").changes == (Change(30, {"batch_size": (100, 400)}),)
    create(changed, "third", THIRD, parent="second")
    changed.delete("first")
    changed.delete("second")
    changed.write("third", [Started(40, first=35, shift=-20)])
    assert facts(changed, "third").changes == (
        Change(30, {"batch_size": (100, 400)}),
        Change(35, {"lr": (0.05, 0.2)}),
    )


def test_the_noted_state_is_that_of_the_parents_end(changed: Store) -> None:
    assert facts(changed, "second").after == "running"
    changed.inherit("second", "first")
    assert facts(changed, "second").after == "stopped"


def test_a_run_replacing_one_that_never_started_continues_from_the_grandparent(changed: Store) -> None:
    create(changed, "third", THIRD, parent="second")
    changed.end("second", "stopped", "changed")
    assert changed.inherit("third", "first") == b"state"
    changed.write("third", [Started(40, first=30, shift=-20)])
    record = changed.run("third")
    assert record is not None
    assert record.parent == "first"
    assert record.facts.changes == (Change(30, {"batch_size": (100, 400), "lr": (0.05, 0.2)}),)
    assert sizes(changed, "third") == [2, 11, 5, 12]


def test_a_run_without_a_state_returns_none(changed: Store) -> None:
    create(changed, "third", THIRD, parent="second")
    assert changed.inherit("third", "second") is None
    assert changed.inherit("deleted", "first") == b"state"


# States.


def test_the_state_is_dropped_once_a_run_has_continued_from_it(changed: Store) -> None:
    changed.inherit("second", "first")
    assert changed.has_state("first")
    changed.write("second", [Started(40, first=30, shift=-20)])
    assert not changed.has_state("first")


def test_the_state_of_a_run_out_of_memory_stays_for_another_remedy(store: Store, make_updates: MakeUpdates) -> None:
    create(store, "first", FIRST)
    store.write("first", [Started(45), make_updates(0, 30), Kept(b"state"), Ended("out_of_memory", "limit")])
    create(store, "second", SECOND, parent="first")
    store.write("second", [Started(40, first=30)])
    assert store.state("first") == b"state"


# Heirs.


def test_the_heir_of_a_run_is_the_newest_that_continues_it_or_is_about_to(changed: Store) -> None:
    assert changed.heir("first") == "second"  # the run is about to start
    changed.end("second", "failed", "no_state")
    assert changed.heir("first") is None  # the run has not started
    create(changed, "third", THIRD, parent="first")
    changed.write("third", [Started(40, first=30), Ended("finished", "budget", updates=40)])
    assert changed.heir("first") == "third"
    create(changed, "fourth", FIRST, parent="first")
    assert changed.heir("first") == "fourth"
    assert changed.heir("third") is None
    assert changed.heir("nobody") is None

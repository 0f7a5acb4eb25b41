import json
import math
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text, update

from core.run.config import RunConfig
from core.run.events import END_STATES, Ended, Epoch, Paused, Peak, Started, Updates
from core.store import ACTIVE_STATES, Store, new_run_id
from core.store.database import open_database
from core.store.facts import Facts
from core.store.schema import runs
from core.words.errors import StoreError
from tests.core.store.elsewhere import count_runs, create_and_die, end_runs, start, write

MakeUpdates = Callable[..., Updates]
PEAK = Peak(4_096, {"activations": 4_000, "batch": 96}, "backward", "layers.0")


# Runs.


def test_a_run_is_read_as_it_was_created(store: Store) -> None:
    config = RunConfig(dataset="digits", batch_size=32, memory_limit_mb=4, hidden=(16, 8))
    store.create("mine", config, owner="host-1", session="tab-1", state="starting")
    run = store.run("mine")
    assert run is not None
    assert (run.id, run.config, run.state, run.owner, run.session) == ("mine", config, "starting", "host-1", "tab-1")
    assert (run.facts, run.peak, run.ended, run.pinned) == (Facts(), None, None, False)
    assert run.created.tzinfo is UTC
    assert abs(datetime.now(UTC) - run.created) < timedelta(minutes=1)


def test_an_unknown_run_is_none(store: Store) -> None:
    assert store.run("nobody") is None
    assert store.epochs("nobody") == []
    assert store.chunks_after("nobody") == []


def test_an_id_has_96_random_bits_and_fits_a_url() -> None:
    ids = {new_run_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(len(run_id) == 16 and run_id.replace("-", "").replace("_", "").isalnum() for run_id in ids)


def test_runs_are_listed_newest_first_up_to_the_limit(store: Store) -> None:
    for name in "abcde":
        store.create(name, RunConfig(), owner="host", session="tab")
    assert [run.id for run in store.runs()] == ["e", "d", "c", "b", "a"]
    assert [run.id for run in store.runs(limit=2)] == ["e", "d"]


def test_active_runs_are_those_that_have_not_ended_oldest_first(store: Store) -> None:
    for name, owner, session in (("a", "x", "1"), ("b", "y", "1"), ("c", "x", "2"), ("over", "x", "1")):
        store.create(name, RunConfig(), owner=owner, session=session)
    store.finish("over", Ended("stopped", "asked"))
    assert [run.id for run in store.active()] == ["a", "b", "c"]
    assert [run.id for run in store.active(owner="x")] == ["a", "c"]
    assert [run.id for run in store.active(owner="x", session="1")] == ["a"]


def test_facts_are_merged(store: Store, run_id: str) -> None:
    store.note(run_id, pid=12, fingerprint={"torch": "2"})
    store.note(run_id, pid=13, predicted_peak_bytes=4_096)
    store.note("nobody", pid=1)
    run = store.run(run_id)
    assert run is not None
    assert run.facts == Facts(pid=13, fingerprint={"torch": "2"}, predicted_peak_bytes=4_096)


def test_deleting_a_run_deletes_its_metrics(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    store.write(run_id, [make_updates(0, 3), Epoch(1, 3, 3, True, 0.5, None, None, 0.1)])
    store.delete(run_id)
    assert store.run(run_id) is None
    assert store.chunks_after(run_id) == []
    assert store.epochs(run_id) == []
    assert not store.write(run_id, [make_updates(3, 3)])


def test_an_unreadable_row_is_reported(address: str, store: Store, run_id: str) -> None:
    raw = open_database(address)
    with raw.writing() as connection:
        connection.execute(text("""UPDATE runs SET config = '{"dataset": "gone"}'"""))
    raw.close()
    assert store.runs() == store.active() == []  # one bad row does not hide the others
    with pytest.raises(StoreError) as caught:
        store.run(run_id)
    assert caught.value.problems[0].code == "store_corrupt"
    assert "'gone'" in str(caught.value)


def test_a_damaged_chunk_is_reported(address: str, store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    store.write(run_id, [make_updates(0, 3)])
    raw = open_database(address)
    with raw.writing() as connection:
        connection.execute(text("UPDATE chunks SET updates = 2"))
    raw.close()
    with pytest.raises(StoreError) as caught:
        store.chunks_after(run_id)
    assert caught.value.problems[0].code == "store_corrupt"


# Writing events.


def test_events_written_together_are_read_in_order(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    first, second = make_updates(0, 2), make_updates(2, 50)
    epoch = Epoch(1, 52, 52, True, 0.5, 0.625, 0.875, 0.25)
    assert store.write(run_id, [Started(1_000, {"threads": 1}), PEAK, first, second, epoch], rss_bytes=7_000_000_000)
    early, late = store.chunks_after(run_id)
    assert (early.updates.first, len(early.updates), late.updates.first, len(late.updates)) == (0, 2, 2, 50)
    assert (late.rss_bytes, late.peak_bytes) == (7_000_000_000, 4_096)
    for name in ("losses", "rates", "gradient_norms", "examples_seen", "seconds"):
        np.testing.assert_array_equal(getattr(late.updates, name), getattr(second, name))
    assert [chunk.id for chunk in store.chunks_after(run_id, early.id)] == [late.id]
    assert [chunk.id for chunk in store.chunks_after(run_id, limit=1)] == [early.id]
    assert store.chunks_after(run_id, late.id) == []
    assert store.epochs(run_id) == [epoch]
    run = store.run(run_id)
    assert run is not None
    facts = Facts(horizon=1_000, fingerprint={"threads": 1})
    assert (run.state, run.peak, run.facts) == ("running", PEAK, facts)


def test_the_peak_of_an_earlier_flush_is_stored_with_later_updates(
    store: Store, run_id: str, make_updates: MakeUpdates
) -> None:
    store.write(run_id, [make_updates(0, 1), PEAK])
    store.write(run_id, [make_updates(1, 1)])
    assert [chunk.peak_bytes for chunk in store.chunks_after(run_id)] == [0, 4_096]


def test_an_epoch_of_a_diverged_run_keeps_its_nan_and_infinity(store: Store, run_id: str) -> None:
    store.write(run_id, [Epoch(1, 2, 2, False, math.inf, math.nan, None, 0.1)])
    (epoch,) = store.epochs(run_id)
    assert epoch.train_loss == math.inf
    assert epoch.validation_loss is not None
    assert math.isnan(epoch.validation_loss)
    assert epoch.validation_accuracy is None


def test_an_empty_block_leaves_no_row(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    assert store.write(run_id, [make_updates(0, 0)])
    assert store.chunks_after(run_id) == []


def test_pausing_and_resuming_change_the_state(store: Store, run_id: str) -> None:
    states = []
    for event in (Started(10), Paused(True), Paused(False)):
        store.write(run_id, [event])
        states.append(store.active()[0].state)
    assert states == ["running", "paused", "running"]


def test_one_flush_is_recorded_whole_or_not_at_all(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    unwritable = Ended("failed", "crash", {"cause": object()})
    with pytest.raises(TypeError):
        store.write(run_id, [make_updates(0, 5), Paused(True), unwritable])
    assert store.chunks_after(run_id) == []
    assert store.active()[0].state == "queued"


# Ends.


@pytest.mark.parametrize("state", END_STATES)
def test_every_end_is_restored_equal(store: Store, run_id: str, state: str) -> None:
    ended = Ended(state, "limit", {}, 52, 26, 3, PEAK, "ab" * 32, 0.25)  # type: ignore[arg-type]
    assert store.finish(run_id, ended)
    run = store.run(run_id)
    assert run is not None
    assert (run.state, run.ended, run.peak) == (state, ended, PEAK)


def test_the_first_end_stays(store: Store, run_id: str, make_updates: MakeUpdates) -> None:
    first = Ended("stopped", "asked", updates=3)
    assert store.write(run_id, [make_updates(0, 3), first])
    assert not store.finish(run_id, Ended("finished", "budget"))
    assert not store.end(run_id, "failed", "killed")
    assert not store.write(run_id, [make_updates(3, 3), PEAK, Ended("finished", "budget")])
    for state in ACTIVE_STATES:
        assert not store.set_state(run_id, state)
    run = store.run(run_id)
    assert run is not None
    assert (run.state, run.ended, run.peak) == ("stopped", first, None)
    assert len(store.chunks_after(run_id)) == 1


def test_set_state_ends_nothing(store: Store, run_id: str) -> None:
    assert store.set_state(run_id, "paused")
    assert store.active()[0].state == "paused"
    with pytest.raises(ValueError, match="finish"):
        store.set_state(run_id, "finished")  # type: ignore[arg-type]
    assert not store.set_state("nobody", "running")


def test_a_run_failed_from_outside_counts_its_recorded_updates(
    store: Store, run_id: str, make_updates: MakeUpdates
) -> None:
    rates = np.array([0.1, 0.0, 0.1, 0.0])
    short = Epoch(1, 2, 2, True, 0.5, None, None, 0.002)
    store.write(run_id, [PEAK, make_updates(0, 2), short])
    store.write(run_id, [make_updates(2, 4, rates=rates), Epoch(2, 6, 4, False, 0.5, None, None, 0.006)])
    assert store.end(run_id, "failed", "killed", signal="SIGKILL")
    run = store.run(run_id)
    assert run is not None
    values = {"signal": "SIGKILL"}
    assert run.ended == Ended("failed", "killed", values, 6, 2, 2, PEAK, None, elapsed_s=0.006)


def test_a_run_failed_before_its_first_update_counts_zero(store: Store, run_id: str) -> None:
    assert store.end(run_id, "failed", "killed")
    run = store.run(run_id)
    assert run is not None
    assert run.ended == Ended("failed", "killed")


def test_runs_with_a_dead_owner_end_and_the_others_continue(store: Store) -> None:
    for name, owner in (("a", "dead"), ("b", "alive"), ("c", "dead"), ("over", "dead")):
        store.create(name, RunConfig(), owner=owner, session="tab")
    store.finish("over", Ended("finished", "budget"))
    assert store.fail_orphans(lambda owner: owner == "alive") == ["a", "c"]
    ends = {run.id: (run.state, run.ended and run.ended.reason) for run in store.runs()}
    assert ends == {
        "a": ("failed", "owner_gone"),
        "b": ("queued", None),
        "c": ("failed", "owner_gone"),
        "over": ("finished", "budget"),
    }


# Retention.


@pytest.mark.slow
def test_the_newest_500_runs_are_kept_plus_pinned_and_active_ones(
    address: str, store: Store, make_updates: MakeUpdates
) -> None:
    def pin(name: str, *, pinned: bool) -> None:
        raw = open_database(address)
        with raw.writing() as connection:
            connection.execute(update(runs).where(runs.c.id == name).values(pinned=pinned))
        raw.close()

    for name in ("active", "ended", "pinned"):
        store.create(name, RunConfig(), owner="host", session="tab")
        store.write(name, [make_updates(0, 3), Epoch(1, 3, 3, True, 0.5, None, None, 0.1)])
    pin("pinned", pinned=True)
    store.finish("pinned", Ended("finished", "budget"))
    store.finish("ended", Ended("finished", "budget"))

    def create(first: int, last: int) -> None:
        for number in range(first, last):
            store.create(f"run-{number}", RunConfig(), owner="host", session="tab")
            store.finish(f"run-{number}", Ended("finished", "budget"))

    create(0, 499)  # together with "ended" these are 500
    assert store.run("ended")
    assert len(store.chunks_after("ended")) == 1
    create(499, 510)
    ids = {run.id for run in store.runs(limit=10_000)}
    assert ids == {"pinned", "active"} | {f"run-{number}" for number in range(10, 510)}
    assert store.chunks_after("ended") == []
    assert store.epochs("ended") == []
    assert len(store.chunks_after("active")) == len(store.chunks_after("pinned")) == 1
    pin("pinned", pinned=False)
    store.finish("active", Ended("finished", "budget"))
    create(510, 511)
    assert {run.id for run in store.runs(limit=10_000)} == {f"run-{number}" for number in range(11, 511)}


# Threads and processes.


def test_threads_share_a_store(address: str, store: Store, make_updates: MakeUpdates) -> None:
    def train(name: str) -> None:
        store.create(name, RunConfig(), owner="host", session=name)
        for first in range(0, 200, 10):
            store.write(name, [make_updates(first, 10)])
            store.note("shared", **{f"{name}-{first}": first})  # distinct names show that no note is lost
        store.finish(name, Ended("finished", "budget"))

    store.create("shared", RunConfig(), owner="host", session="all")
    threads = [threading.Thread(target=train, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "abcd":
        assert [chunk.updates.first for chunk in store.chunks_after(name)] == list(range(0, 200, 10))
        run = store.run(name)
        assert run is not None
        assert run.state == "finished"
    raw = open_database(address)
    with raw.reading() as connection:
        noted = connection.execute(text("SELECT facts FROM runs WHERE id = 'shared'")).scalar_one()
    raw.close()
    assert json.loads(noted) == {f"{name}-{first}": first for name in "abcd" for first in range(0, 200, 10)}


@pytest.mark.slow
def test_everything_a_killed_process_flushed_is_stored(address: str, store: Store, run_id: str) -> None:
    writer = start(write, address, run_id, 1_000_000)
    writer.go()
    while writer.pipe.recv() != 500:
        pass
    writer.process.kill()
    flushed = [500, *writer.said()][-1]
    assert writer.process.exitcode == -signal.SIGKILL
    firsts = [chunk.updates.first for chunk in store.chunks_after(run_id)]
    assert firsts == list(range(0, 10 * len(firsts), 10))
    assert 10 * len(firsts) >= flushed >= 500
    assert store.end(run_id, "failed", "killed")
    run = store.run(run_id)
    assert run is not None
    assert run.ended is not None
    assert (run.ended.updates, run.ended.elapsed_s) == (10 * len(firsts), 10 * len(firsts) - 1)


def test_a_database_left_by_a_killed_process_opens_with_all_flushed_rows(path: Path) -> None:
    Store.open(path).close()
    killed = start(create_and_die, str(path))
    killed.go()
    assert killed.said() == []
    assert killed.process.exitcode == -signal.SIGKILL
    assert path.with_name("runs.sqlite-wal").stat().st_size > 0
    store = Store.open(path)
    assert [run.id for run in store.runs()] == ["last"]
    store.close()


def test_four_processes_can_create_the_same_database_at_once(address: str) -> None:
    processes = [start(count_runs, address) for _ in range(4)]
    for process in processes:
        process.go()
    assert [process.said() for process in processes] == [[0]] * 4


@pytest.mark.slow
def test_two_processes_can_write_at_the_same_time(address: str, store: Store) -> None:
    for name in ("a", "b"):
        store.create(name, RunConfig(), owner="host", session=name)
    writers = [start(write, address, name, 200) for name in ("a", "b")]
    for writer in writers:
        writer.go()
    for writer in writers:
        assert writer.said()[-1] == 2_000
        assert writer.process.exitcode == 0
    for name in ("a", "b"):
        assert [chunk.updates.first for chunk in store.chunks_after(name)] == list(range(0, 2_000, 10))


@pytest.mark.slow
def test_exactly_one_of_two_processes_ends_each_run(address: str, store: Store) -> None:
    names = [f"run-{number}" for number in range(60)]
    for name in names:
        store.create(name, RunConfig(), owner="host", session="tab")
    racers = {state: start(end_runs, address, names, state) for state in ("failed", "finished")}
    for racer in racers.values():
        racer.go()
    ended = {state: racer.said() for state, racer in racers.items()}
    for name in names:
        run = store.run(name)
        assert run is not None
        assert [state for state in racers if name in ended[state]] == [run.state]

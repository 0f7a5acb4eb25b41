"""Check, with real processes, a host and its trainings, and what remains when one of them is killed."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from core.host.client import HostClient
from core.host.process import ROOT
from core.run import machine
from core.run.config import RunConfig
from core.run.control import FULL_SPEED
from core.store import Store, new_run_id
from core.words.errors import HostError
from tests.core.host.patience import PATIENCE_S, end_of, record_of, recorded, stop_all, until

pytestmark = pytest.mark.slow

ENDLESS = RunConfig(budget="updates", budget_value=10_000_000, memory_limit_mb=4)
SHORT = RunConfig(budget="epochs", budget_value=1, memory_limit_mb=4)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "runs.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def host(two_core_host: HostClient) -> Iterator[HostClient]:
    """Return a host with two free cores that earlier tests have warmed up; stop the runs they left."""
    yield two_core_host
    stop_all(two_core_host)


@pytest.fixture
def impatient_host(host: HostClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostClient]:
    """The host with a client that gives up on a locked database after 0.2 s and records an end again 0.2 s later."""
    monkeypatch.setattr("core.store.database.WAIT_S", 0.2)
    monkeypatch.setattr("core.host.client.END_AGAIN_S", 0.2)
    impatient = Store.open(host.store.address)
    monkeypatch.setattr(host, "store", impatient)
    yield host
    impatient.close()


def start(
    host: HostClient, config: RunConfig, *, paused: bool = False, pace: float = FULL_SPEED, parent: str | None = None
) -> str:
    run_id = new_run_id()
    host.start(config, run_id=run_id, session="test", paused=paused, pace=pace, parent=parent)
    return run_id


def wait_for_updates(host: HostClient, run_id: str, count: int = 1) -> int:
    return until(lambda: (seen := recorded(host, run_id)) >= count and seen, f"{count} updates")


def pid_of(host: HostClient, run_id: str) -> int:
    return until(lambda: record_of(host, run_id).facts.pid, "the process of the run")


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_run_finishes_with_the_predicted_counts(host: HostClient) -> None:
    run_id = start(host, RunConfig(batch_size=1_000, budget_value=3, memory_limit_mb=4))
    ended = end_of(host, run_id).ended
    assert ended is not None
    assert (ended.state, ended.reason, ended.updates, ended.updates_per_epoch) == ("finished", "budget", 30, 10)
    assert recorded(host, run_id) == 30
    assert ended.peak is not None
    assert ended.peak.bytes == record_of(host, run_id).facts.predicted_peak_bytes == 2_978_048


def test_a_killed_training_is_a_failed_run_that_keeps_its_records(host: HostClient) -> None:
    run_id = start(host, ENDLESS)
    seen = wait_for_updates(host, run_id, 100)
    os.kill(pid_of(host, run_id), signal.SIGKILL)
    ended = end_of(host, run_id).ended
    assert ended is not None
    assert (ended.state, ended.reason, dict(ended.values)) == ("failed", "killed", {"signal": 9})
    assert ended.updates == recorded(host, run_id) >= seen


def test_when_the_host_is_killed_runs_and_questions_fail_and_the_next_ones_work(host: HostClient) -> None:
    trains, stands, waits = start(host, ENDLESS), start(host, ENDLESS, paused=True), start(host, ENDLESS)
    children = [pid_of(host, trains), pid_of(host, stands)]
    wait_for_updates(host, trains)
    until(lambda: record_of(host, stands).state == "paused", "the run to stand")
    os.kill(children[1], signal.SIGSTOP)  # the process cannot respond to the change yet
    changed = start(host, ENDLESS.replace(lr=0.1), parent=stands)
    asked = host.prediction(SHORT.replace(batch_size=77))
    assert host.pid is not None
    os.kill(host.pid, signal.SIGKILL)
    with pytest.raises(HostError):
        asked.result(PATIENCE_S)
    for run_id in (trains, stands, waits, changed):
        ended = end_of(host, run_id).ended
        assert ended is not None
        assert (ended.state, ended.reason) == ("failed", "host_gone")
    assert record_of(host, changed).facts.horizon is None
    until(lambda: all(map(gone, children)), "the children to leave")
    ended = end_of(host, start(host, SHORT)).ended
    assert ended is not None
    assert ended.state == "finished"
    assert (
        host.prediction(SHORT.replace(batch_size=77)).result(PATIENCE_S).peak.bytes > 0
    )  # the second attempt is answered


SERVER = """
import sys, time
from pathlib import Path
from core.run.config import RunConfig
from core.host.client import HostClient
from core.store import Store
store = Store.open(sys.argv[1])
host = HostClient(store, data=Path(sys.argv[2]), cores=2, leases=True, lease_s=1.0)
for name in ("left", "watched", "next", "last"):
    config = RunConfig(budget="updates", budget_value=10_000_000)
    host.start(config, run_id=name, session="test")
while True:
    host.renew(["watched", "next", "last"])
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class Server:
    """A process that watches all but one of its four runs, and its store."""

    process: subprocess.Popen[bytes]
    store: Store


@pytest.fixture(scope="module")
def server(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the last of the tests which share it kills."""
    store = Store.open(tmp_path_factory.mktemp("server") / "runs.sqlite")
    process = subprocess.Popen([sys.executable, "-c", SERVER, store.address, str(data)], cwd=ROOT)
    yield Server(process, store)
    process.kill()
    process.wait()
    store.close()


def test_an_unwatched_run_is_stopped_and_watched_ones_are_not(server: Server) -> None:
    ended = until(lambda: (run := server.store.run("left")) and run.ended, "the end of the lease")
    assert (ended.state, ended.reason) == ("stopped", "unwatched")
    assert [run.id for run in server.store.active()] == ["watched", "next", "last"]


def test_a_killed_server_leaves_no_process_and_its_runs_fail(server: Server, data: Path) -> None:
    until(lambda: server.store.chunks_after("next"), "the second run to train")
    family = psutil.Process(server.process.pid).children(recursive=True)
    assert len(family) >= 3  # the host and two trainings
    server.process.kill()
    server.process.wait()
    until(lambda: all(gone(process.pid) for process in family), "every process to leave")
    HostClient(server.store, data=data).close()
    ends = [run.ended for name in ("watched", "next", "last") if (run := server.store.run(name))]
    assert [(end.state, end.reason) for end in ends if end] == [("failed", "owner_gone")] * 3


def test_stop_ends_a_run_between_two_updates(host: HostClient) -> None:
    run_id = start(host, ENDLESS)
    wait_for_updates(host, run_id)
    host.command(run_id, "stop")
    ended = end_of(host, run_id).ended
    assert ended is not None
    assert (ended.state, ended.reason) == ("stopped", "asked")
    assert ended.updates == recorded(host, run_id)


def test_a_training_that_ignores_a_stop_is_killed_and_counts_as_stopped(host: HostClient) -> None:
    run_id = start(host, ENDLESS)
    wait_for_updates(host, run_id)
    os.kill(pid_of(host, run_id), signal.SIGSTOP)
    host.command(run_id, "stop")
    ended = end_of(host, run_id).ended
    assert ended is not None
    assert (ended.state, ended.reason) == ("stopped", "asked")
    assert ended.updates == recorded(host, run_id) > 0


def test_five_runs_on_two_cores_queue_and_all_finish(host: HostClient) -> None:
    runs = [start(host, SHORT.replace(seed=seed), paused=seed < 2) for seed in range(5)]
    until(lambda: host.place(runs[4]) == 3, "the last one to get its place")
    assert [host.place(run_id) for run_id in runs[:4]] == [None, None, 1, 2]
    states = [record_of(host, run_id).state for run_id in runs]
    assert states[2:] == ["queued"] * 3
    for run_id in runs[:2]:
        host.command(run_id, "resume")
    ends = [end_of(host, run_id).ended for run_id in runs]
    assert [end.updates for end in ends if end and end.state == "finished"] == [100] * 5
    assert [host.place(run_id) for run_id in runs] == [None] * 5


def test_a_run_stopped_while_it_waits_never_starts(host: HostClient) -> None:
    first, _, waiting = start(host, ENDLESS), start(host, ENDLESS), start(host, SHORT)
    until(lambda: host.place(waiting) == 1, "its place")
    host.command(waiting, "stop")
    ended = end_of(host, waiting).ended
    assert ended is not None
    assert (ended.state, ended.updates) == ("stopped", 0)
    assert record_of(host, waiting).facts.pid is None
    assert record_of(host, first).ended is None


def test_one_update_and_one_epoch_of_a_paused_run_count_exactly(host: HostClient) -> None:
    run_id = start(host, ENDLESS, paused=True)
    until(lambda: record_of(host, run_id).state == "paused", "the run to stand")
    assert recorded(host, run_id) == 0
    host.command(run_id, "one_update")
    wait_for_updates(host, run_id)
    until(lambda: record_of(host, run_id).state == "paused", "the run to stand again")
    assert recorded(host, run_id) == 1
    host.command(run_id, "one_epoch")
    wait_for_updates(host, run_id, 100)
    until(lambda: record_of(host, run_id).state == "paused", "the epoch to end")
    assert recorded(host, run_id) == 100
    host.command(run_id, "resume")
    wait_for_updates(host, run_id, 200)


def test_a_pace_holds_from_the_first_update_even_if_it_was_set_in_the_queue(host: HostClient) -> None:
    never = 0.001
    first, second, waiting = start(host, SHORT, pace=never), start(host, SHORT, pace=never), start(host, SHORT)
    until(lambda: host.place(waiting) == 1, "its place")
    host.set_pace(waiting, never)
    host.set_pace(first, FULL_SPEED)
    wait_for_updates(host, second)
    wait_for_updates(host, waiting)
    assert [recorded(host, run_id) for run_id in (first, second, waiting)] == [100, 1, 1]
    assert [record_of(host, run_id).facts.pace for run_id in (first, second, waiting)] == [FULL_SPEED, never, never]
    host.command(waiting, "stop")
    ended = end_of(host, waiting).ended
    assert ended is not None
    assert ended.updates == 1


def test_a_run_that_does_not_fit_this_machine_is_refused_with_the_numbers(
    host: HostClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: 10 * 2**20)
    run = end_of(host, start(host, SHORT))
    assert run.ended is not None
    assert (run.ended.state, run.ended.reason, run.ended.updates) == ("failed", "not_enough_memory", 0)
    assert run.ended.values["free"] == 10_485_760
    assert run.ended.values["needed"] > 660_032
    assert run.facts.pid is None


def test_a_run_with_a_limit_that_fits_this_machine_may_reach_it(
    host: HostClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: 100 * 2**20)
    large = SHORT.replace(model="cnn", batch_size=10_000, memory_limit_mb=None)  # the peak is half a GiB
    assert end_of(host, start(host, large)).state == "failed"
    assert end_of(host, start(host, large.replace(memory_limit_mb=4))).state == "out_of_memory"


def test_a_question_is_asked_once_for_all_runs_with_the_same_key(host: HostClient) -> None:
    asked = host.prediction(SHORT)
    first = asked.result(PATIENCE_S)
    assert (first.peak.bytes, first.parameters, first.largest_batch_size) == (660_032, 41_802, 1_466)
    assert host.prediction(SHORT.replace(seed=7, lr=0.5, schedule="linear")) is asked
    assert host.prediction(SHORT.replace(batch_size=1_000)).result(PATIENCE_S).peak.bytes == 2_978_048


def test_a_run_stopped_before_its_memory_is_known_never_starts(host: HostClient) -> None:
    unknown = SHORT.replace(hidden=(97,))
    run_id = start(host, unknown)
    host.command(run_id, "stop")
    ended = record_of(host, run_id).ended
    assert ended is not None
    assert (ended.state, ended.reason) == ("stopped", "asked")
    host.prediction(unknown).result(PATIENCE_S)
    until(lambda: not host._starting, "the answer")
    assert record_of(host, run_id).facts.pid is None


def test_a_run_ends_in_the_store_once_a_locked_database_responds_again(impatient_host: HostClient) -> None:
    host = impatient_host
    run_id = start(host, ENDLESS)
    wait_for_updates(host, run_id)
    pid = pid_of(host, run_id)
    with sqlite3.connect(host.store.address, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        os.kill(pid, signal.SIGKILL)
        until(lambda: run_id not in host._life.runs, "the news of the end")
        time.sleep(0.5)
        assert record_of(host, run_id).ended is None
        other.execute("ROLLBACK")
    other.close()
    ended = end_of(host, run_id).ended
    assert ended is not None
    assert (ended.state, ended.reason) == ("failed", "killed")


def test_a_pace_that_waits_for_a_locked_database_keeps_no_other_session_waiting(host: HostClient) -> None:
    run_id = start(host, ENDLESS)
    wait_for_updates(host, run_id)
    with sqlite3.connect(host.store.address, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        setting = threading.Thread(target=host.set_pace, args=(run_id, 0.001))
        setting.start()
        time.sleep(0.2)
        began = time.perf_counter()
        host.renew([run_id])
        host.command(run_id, "pause")
        took = time.perf_counter() - began
        assert setting.is_alive()
        other.execute("ROLLBACK")
    other.close()
    setting.join(PATIENCE_S)
    assert took < 1  # the database lets a writer wait for 5 s
    assert record_of(host, run_id).facts.pace == 0.001


def test_an_active_run_that_no_process_trains_can_be_stopped(host: HostClient) -> None:
    run_id = new_run_id()
    host.store.create(run_id, SHORT, owner=host.owner, session="test")
    host.command(run_id, "stop")
    assert record_of(host, run_id).state == "stopped"
    host.store.create("another's", SHORT, owner="elsewhere/1/1.00", session="test")
    host.command("another's", "stop")
    assert record_of(host, "another's").state == "queued"
    host.store.delete("another's")


def test_a_run_fails_with_the_cause_if_the_host_cannot_be_started(
    store: Store, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr("core.host.process.subprocess.Popen", no_memory)
    host = HostClient(store, data=data, cores=1)
    host.warm()
    ended = record_of(host, start(host, SHORT)).ended
    assert ended is not None
    assert (ended.state, ended.reason, ended.values) == ("failed", "no_host", {"cause": "Cannot allocate memory"})
    with pytest.raises(HostError):
        host.prediction(SHORT)

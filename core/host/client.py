"""Hand runs to the host and end each in the store exactly once. Imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.comparison.setup import Comparison, bytes_held
from core.host.process import HostProcess, Life
from core.run import machine
from core.run.choices.datasets import DATA
from core.run.config import RunConfig
from core.run.control import FULL_SPEED, Command
from core.run.events import EndState, Prediction, prediction_from_dict
from core.store import Store
from core.words.errors import HostError, StoreError

LEASE_S = 120.0  # hidden tabs refresh once a minute
CHILD_BYTES = 60 * 2**20  # private memory of a training process besides its tensors, rounded up generously
END_AGAIN_S = 2.0  # delay before a failed write of an end is retried; without it the run would stay active forever


@dataclass
class _Start:
    """A run that waits for the memory prediction of each arm, with the commands received meanwhile."""

    config: RunConfig
    paused: bool
    pace: float
    answers: list[Future[Prediction]]
    parent: str | None
    comparison: Comparison | None = None
    commands: list[Command] = field(default_factory=list)


class HostClient(HostProcess):
    """Start runs and request predictions. Any thread may call, and no call waits for the host.

    The host process starts with the first call and restarts after a crash. A run is in the store once `start` returns,
    and ends there exactly once, even if its process, the host or this server dies.
    """

    def __init__(
        self,
        store: Store,
        *,
        data: Path = DATA,
        leases: bool = False,
        lease_s: float = LEASE_S,
        cores: int | None = None,
    ) -> None:
        super().__init__(data=data, lease_s=lease_s if leases else 0.0, cores=cores)
        self.store = store
        self.owner = machine.this_process()
        self._starting: dict[str, _Start] = {}  # runs that wait for a memory prediction, in order of arrival
        self._places: dict[str, int] = {}
        self._pacing = threading.Lock()
        store.fail_orphans(machine.is_alive)

    # Runs.

    def start(
        self,
        config: RunConfig,
        *,
        run_id: str,
        session: str,
        paused: bool = False,
        pace: float = FULL_SPEED,
        parent: str | None = None,
    ) -> None:
        """Create a run and hand it to the host. The run fails (not_enough_memory) if this machine cannot hold it.

        `paused` and `pace` are as in `Control`. A run with a `parent` continues from that run's state. If the parent
        still trains, it is stopped between two updates and its core goes to the new run.
        """
        self.store.create(run_id, config, owner=self.owner, session=session, parent=parent)
        if pace < FULL_SPEED:
            self.store.note(run_id, pace=pace)
        self._await_memory(run_id, [config], paused=paused, pace=pace, parent=parent)

    def start_comparison(self, comparison: Comparison, *, run_id: str, session: str) -> None:
        """Create a comparison and hand it to the host, as `start` does for a run.

        The machine must have memory for all its runs at once (`core.comparison.setup.bytes_held`).
        """
        first, setup = comparison.arms[0], comparison.to_json()
        self.store.create(run_id, first, owner=self.owner, session=session, comparison=setup)
        self._await_memory(run_id, comparison.arms, comparison=comparison)

    def _await_memory(
        self,
        run_id: str,
        configs: Sequence[RunConfig],
        *,
        paused: bool = False,
        pace: float = FULL_SPEED,
        parent: str | None = None,
        comparison: Comparison | None = None,
    ) -> None:
        try:
            answers = [self.prediction(config) for config in configs]
        except HostError as error:
            (problem,) = error.problems
            self._end(run_id, "failed", problem.code, **problem.values)
            return
        with self._lock:
            self._starting[run_id] = _Start(configs[0], paused, pace, answers, parent, comparison)
        for answer in answers:
            answer.add_done_callback(self._admit)

    def command(self, run_id: str, command: Command, *, reason: str = "asked") -> None:
        """Send a command to a run. An ended run ignores it."""
        with self._lock:
            if run_id in self._starting and command == "stop":
                start = self._starting.pop(run_id)
                self._end(run_id, "stopped", reason)
                if start.parent:  # the parent still trains, because this run had not replaced it yet
                    self.command(start.parent, command, reason=reason)
                self._admit()
            elif run_id in self._starting:
                self._starting[run_id].commands.append(command)
            elif run_id in self._life.runs:
                with suppress(HostError):  # the host and its runs have just died
                    self._order(do="command", run=run_id, command=command, reason=reason)
            elif command == "stop" and self._is_stranded(run_id):
                self._end(run_id, "stopped", reason)

    def set_pace(self, run_id: str, pace: float) -> None:
        """Change the pace of an active run, and note it for all who watch the run. Raises StoreError."""
        with self._pacing:  # the newest pace noted is the newest one sent
            self.store.note(run_id, pace=pace)  # may wait for the database, so without the lock that all calls need
            with self._lock:
                if run_id in self._starting:
                    self._starting[run_id].pace = pace
                elif run_id in self._life.runs:
                    with suppress(HostError):  # the host and its runs have just died
                        self._order(do="pace", run=run_id, pace=pace)

    def renew(self, runs: Iterable[str]) -> None:
        """Renew the leases of runs that somebody is watching."""
        with self._lock, suppress(HostError):
            if self.lease_s and self._process:
                self._order(do="renew", runs=list(runs))

    def place(self, run_id: str) -> int | None:
        """Return a waiting run's place in the queue, from 1; None once it has started."""
        return self._places.get(run_id)

    def _admit(self, *_: Future[Prediction]) -> None:
        """Hand over the runs with a known memory need, in the order in which they were started."""
        with self._lock:
            for run_id, start in list(self._starting.items()):
                if not all(answer.done() for answer in start.answers):
                    break
                del self._starting[run_id]
                try:
                    self._hand_over(run_id, start)
                except HostError as error:
                    (problem,) = error.problems
                    self._end(run_id, "failed", problem.code, **problem.values)

    def _hand_over(self, run_id: str, start: _Start) -> None:
        if any(answer.exception() for answer in start.answers):
            self._end(run_id, "failed", "no_prediction")
            return
        peaks = [answer.result().peak for answer in start.answers]
        peak, config, comparison = peaks[0], start.config, start.comparison
        held = min(peak.bytes, config.memory_limit_bytes or peak.bytes)  # a run ends at its limit
        if comparison:
            held = bytes_held(comparison, peaks)
        needed, free = held + CHILD_BYTES, machine.free_memory_bytes()
        if needed > free:
            self._end(run_id, "failed", "not_enough_memory", needed=needed, free=free)
            return
        with suppress(StoreError):  # the run can do without this note
            self.store.note(run_id, predicted_peak_bytes=peak.bytes)
        job = {
            "run": run_id,
            "config_json": config.to_json(),
            "database": self.store.address,
            "paused": start.paused,
            "pace": start.pace,
            "workspace_bytes": peak.workspace_bytes,
            "parent": start.parent,
            "comparison": comparison.to_json() if comparison else None,
        }
        self._order(do="start", folder=config.spec.folder, job=job)
        self._life.runs.add(run_id)
        for command in start.commands:
            self.command(run_id, command)

    def _is_stranded(self, run_id: str) -> bool:
        """Return whether the store lists an active run of this server, which no host is training."""
        with suppress(StoreError):
            record = self.store.run(run_id)
            return record is not None and record.owner == self.owner and record.is_active
        return False

    def _end(self, run_id: str, state: EndState, reason: str, **values: Any) -> None:
        """End a run in the store; retry if the database does not respond."""
        try:
            self.store.end(run_id, state, reason, **values)
        except StoreError:
            if not self._closed:
                again = threading.Timer(END_AGAIN_S, self._end, (run_id, state, reason), values)
                again.daemon = True
                again.start()

    # Questions.

    def prediction(self, config: RunConfig) -> Future[Prediction]:
        """Return a future of a run's memory prediction, cached. The call and the future may raise HostError."""
        values = {"config": config.to_json()}
        return self.ask("prediction", values, key=config.memory_key(), read=prediction_from_dict)

    def _heard(self, news: dict[str, Any], life: Life) -> None:
        run = news.get("run", "")
        with self._lock, suppress(StoreError):  # pages that show the run report the lost database
            match news["event"]:
                case "queued":
                    self._places[run] = news["place"]
                case "started":
                    self._places.pop(run, None)
                    self.store.note(run, pid=news["pid"])
                case "ended":
                    self._places.pop(run, None)
                    life.runs.discard(run)
                    self._settle(run, news["exit_code"], news["stop_reason"])

    def _lost(self, life: Life) -> None:
        for run_id in life.runs:
            self._places.pop(run_id, None)
            self._end(run_id, "failed", "host_gone")
        life.runs.clear()

    def _settle(self, run: str, exit_code: int, stop_reason: str | None) -> None:
        """End a run in the store in case its process could not."""
        if stop_reason:
            self._end(run, "stopped", stop_reason)
        elif exit_code < 0:
            self._end(run, "failed", "killed", signal=-exit_code)
        else:
            self._end(run, "failed", "exited", exit_code=exit_code)

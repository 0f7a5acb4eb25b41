"""The server's side of the host: start it, ask it, hear from it. Imports no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from core import machine
from core.comparison.setup import Comparison, bytes_held
from core.config import RunConfig
from core.control import Command
from core.datasets import DATA
from core.errors import HostError, Problem, StoreError
from core.events import EndState, Prediction, prediction_from_dict
from core.store import ACTIVE_STATES, Store

ROOT = Path(__file__).resolve().parents[2]
LEASE_S = 120.0  # hidden tabs refresh once a minute
CHILD_BYTES = 60 * 2**20  # private memory of a training process beside its tensors, rounded up generously
MEMORY_FIELDS = (
    "dataset", "model", "hidden", "norm", "batch_size", "accumulate", "drop_last", "optimizer", "momentum",
    "memory_limit_mb", "budget", "budget_value", "checkpointing", "precision", "keep_losses", "evaluate_with_grad",
    "zero_in_place", "validate_whole",
)  # fmt: skip
KEPT_ANSWERS = 2_000
ASK_AGAIN_S = 5.0  # after an answer that failed: a page asks at every refresh
END_AGAIN_S = 2.0  # after a database that did not answer: a run must end, or it would be active for ever


@dataclass
class _Start:
    """A run that waits for the answers how much memory it needs, one for each arm, and what it was asked meanwhile."""

    config: RunConfig
    paused: bool
    answers: list[Future[Prediction]]
    parent: str | None
    comparison: Comparison | None = None
    commands: list[Command] = field(default_factory=list)


class Answer(Future[Any]):
    """The answer to a question, to come.

    Of one that takes seconds `share` is how much of it is done, 0 to 1; None while it waits for a core.
    """

    share: float | None = None


@dataclass
class _Life:
    """What one host process, of perhaps several after each other, has been asked and has not done yet."""

    runs: set[str] = field(default_factory=set)
    questions: dict[int, tuple[Answer, Callable[[Any], Any]]] = field(default_factory=dict)  # and how to read it
    over: threading.Event = field(default_factory=threading.Event)


class HostClient:
    """Start runs and ask for predictions; any thread may call, and no call waits for the host.

    The host process starts with the first call and again after it died. A run is in the store from the moment
    `start` returns, and ends there exactly once, whatever becomes of its process, the host or this server.
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
        self.store, self.data = store, data
        self.lease_s = lease_s if leases else 0.0
        self.cores = cores or machine.cores()
        self.owner = machine.this_process()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[str] | None = None
        self._life = _Life()
        self._starting: dict[str, _Start] = {}  # runs whose memory is not known yet, first come, first served
        self._places: dict[str, int] = {}
        self._questions = count()
        self._answers: dict[str, tuple[float, Answer]] = {}  # by question, and when it was asked
        self._closed = False
        store.fail_orphans(machine.is_alive)

    # Runs.

    def start(
        self, config: RunConfig, *, run_id: str, session: str, paused: bool = False, parent: str | None = None
    ) -> None:
        """Create a run and hand it to the host; one that does not fit this machine's memory fails with the numbers.

        With `parent` it goes on from the state which that run left; one that still trains is stopped for it between two
        updates, and leaves it its core.
        """
        self.store.create(run_id, config, owner=self.owner, session=session, parent=parent)
        self._await_memory(run_id, [config], paused=paused, parent=parent)

    def start_comparison(self, comparison: Comparison, *, run_id: str, session: str) -> None:
        """Create a comparison and hand it to the host, as `start` does a run.

        The memory that is asked of this machine is that of all its trainings (`core.comparison.setup.bytes_held`).
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
            self._starting[run_id] = _Start(configs[0], paused, answers, parent, comparison)
        for answer in answers:
            answer.add_done_callback(self._admit)

    def command(self, run_id: str, command: Command, *, reason: str = "asked") -> None:
        """Ask a run for something; one that has ended does not mind."""
        with self._lock:
            if run_id in self._starting and command == "stop":
                start = self._starting.pop(run_id)
                self._end(run_id, "stopped", reason)
                if start.parent:  # whose place it has not taken yet
                    self.command(start.parent, command, reason=reason)
                self._admit()
            elif run_id in self._starting:
                self._starting[run_id].commands.append(command)
            elif run_id in self._life.runs:
                with suppress(HostError):  # the host has just died, and its runs with it
                    self._order(do="command", run=run_id, command=command, reason=reason)
            elif command == "stop" and self._is_left_over(run_id):
                self._end(run_id, "stopped", reason)

    def renew(self, runs: Iterable[str]) -> None:
        """Say that somebody watches these runs."""
        with self._lock, suppress(HostError):
            if self.lease_s and self._process:
                self._order(do="renew", runs=list(runs))

    def place(self, run_id: str) -> int | None:
        """Return a waiting run's place in the queue, from 1; None once it has started."""
        return self._places.get(run_id)

    def _admit(self, *_: Future[Prediction]) -> None:
        """Hand over the runs whose memory is known, in the order in which they were started."""
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
        held = min(peak.bytes, config.memory_limit_bytes or peak.bytes)  # at the limit a run ends
        if comparison:
            held = bytes_held(comparison, peaks)
        needed, free = held + CHILD_BYTES, machine.free_memory_bytes()
        if needed > free:
            self._end(run_id, "failed", "not_enough_memory", needed=needed, free=free)
            return
        with suppress(StoreError):  # a note less
            self.store.note(run_id, predicted_peak_bytes=peak.bytes)
        order = {"run": run_id, "config": config.to_json(), "folder": config.spec.folder, "paused": start.paused}
        order |= {
            "workspace_bytes": peak.workspace_bytes,
            "parent": start.parent,
            "comparison": comparison.to_json() if comparison else None,
        }
        self._order(do="start", database=self.store.address, **order)
        self._life.runs.add(run_id)
        for command in start.commands:
            self.command(run_id, command)

    def _is_left_over(self, run_id: str) -> bool:
        """Return whether the store has a run of ours as active that nobody trains."""
        with suppress(StoreError):
            record = self.store.run(run_id)
            return record is not None and record.owner == self.owner and record.state in ACTIVE_STATES
        return False

    def _end(self, run_id: str, state: EndState, reason: str, **values: Any) -> None:
        """End a run in the store, if need be once the database answers again."""
        try:
            self.store.end(run_id, state, reason, **values)
        except StoreError:
            if not self._closed:
                again = threading.Timer(END_AGAIN_S, self._end, (run_id, state, reason), values)
                again.daemon = True
                again.start()

    # Questions.

    def prediction(self, config: RunConfig) -> Future[Prediction]:
        """Return what a run will need on the device, to come; asked once. It and its future may raise HostError."""
        known = {name: value for name, value in config.to_dict().items() if name in MEMORY_FIELDS}
        return self.ask("prediction", {"config": config.to_json()}, key=known, read=prediction_from_dict)

    def ask(
        self,
        what: str,
        values: Mapping[str, Any],
        *,
        key: Any = None,
        read: Callable[[Any], Any] = lambda answer: answer,
    ) -> Answer:
        """Return the answer to a question of `core.host.answers`, to come, as `read` makes it; asked once.

        `key` is what makes it another question, the values if it is None. It and its future may raise HostError.
        """
        place = json.dumps([what, values if key is None else key])
        with self._lock:
            asked_at, known = self._answers.get(place, (0.0, None))
            if known and not (known.done() and known.exception() and time.monotonic() > asked_at + ASK_AGAIN_S):
                return known
            if len(self._answers) >= KEPT_ANSWERS:
                del self._answers[next(iter(self._answers))]
            asked = Answer()
            question = next(self._questions)
            self._order(do="ask", question=question, what=what, values=dict(values))
            self._life.questions[question] = asked, read
            self._answers[place] = time.monotonic(), asked
        return asked

    # The process.

    def warm(self) -> None:
        """Start the host if it does not run; that it cannot be started is for the first who asks something of it."""
        with self._lock, suppress(HostError):
            self._running()

    @property
    def pid(self) -> int | None:
        """The host's process id, None while it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def close(self) -> None:
        """End the host and all it does, and wait until it has. No other is started."""
        with self._lock:
            self._closed = True
            process = self._process
            if process and process.stdin:
                with suppress(OSError):  # an order that it did not live to read
                    process.stdin.close()
        if process:
            process.wait()
            self._life.over.wait(timeout=5)

    def _order(self, **order: Any) -> None:
        process = self._running()
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has died this moment; `_listen` hears of it and ends its runs
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._closed:
            raise HostError(Problem("no_host", {"cause": "this one has been closed"}))
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "core.host", "--cores", str(self.cores), "--data", str(self.data)]
            command += ["--lease-s", str(self.lease_s)]
            try:
                self._process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            except OSError as error:  # no memory or no process left
                raise HostError(Problem("no_host", {"cause": error.strerror})) from error
            self._life = _Life()
            listening = threading.Thread(target=self._listen, args=(self._process, self._life), daemon=True)
            listening.start()
        return self._process

    def _listen(self, process: subprocess.Popen[str], life: _Life) -> None:
        """Hear the host's news until it is gone, then end what it left undone."""
        assert process.stdout is not None
        try:
            with process.stdout:
                for line in process.stdout:
                    self._hear(json.loads(line), life)
        finally:
            self._bury(process, life)

    def _bury(self, process: subprocess.Popen[str], life: _Life) -> None:
        assert process.stdin is not None
        with self._lock:
            with suppress(OSError):  # an order that it did not live to read
                process.stdin.close()
            if self._process is process:
                self._process = None
        process.wait()
        with self._lock:
            for run_id in life.runs:
                self._places.pop(run_id, None)
                self._end(run_id, "failed", "host_gone")
            life.runs.clear()
            lost = {asked for asked, _ in life.questions.values()}
            self._answers = {key: kept for key, kept in self._answers.items() if kept[1] not in lost}
        for asked in lost:
            asked.set_exception(HostError(Problem("no_prediction")))
        life.over.set()

    def _hear(self, news: dict[str, Any], life: _Life) -> None:
        if news["event"] == "share":
            with self._lock:
                life.questions[news["question"]][0].share = news["share"]
            return
        if news["event"] == "answered":
            answer = news["answer"]
            with self._lock:
                asked, read = life.questions.pop(news["question"])
            if answer is None:
                asked.set_exception(HostError(Problem("no_prediction")))
            elif "problems" in answer:
                asked.set_exception(HostError(*(Problem(code, values) for code, values in answer["problems"])))
            else:
                asked.set_result(read(answer["value"]))
            return
        run = news.get("run", "")
        with self._lock, suppress(StoreError):  # whoever looks at the run is told that the database is lost
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

    def _settle(self, run: str, exit_code: int, stop_reason: str | None) -> None:
        """End a run in the store that could not do so itself."""
        if stop_reason:
            self._end(run, "stopped", stop_reason)
        elif exit_code < 0:
            self._end(run, "failed", "killed", signal=-exit_code)
        else:
            self._end(run, "failed", "exited", exit_code=exit_code)

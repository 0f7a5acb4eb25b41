"""The server's side of the host: start it, ask it, hear from it. Imports no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from core import machine
from core.config import RunConfig
from core.control import Command
from core.datasets import DATA
from core.errors import HostError, Problem
from core.events import Peak, Prediction
from core.store import Store

ROOT = Path(__file__).resolve().parents[2]
PREDICTION_WAIT_S = 30.0  # the first of all waits for the host to import torch
LEASE_S = 120.0  # hidden tabs refresh once a minute
CHILD_BYTES = 60 * 2**20  # private memory of a training process beside its tensors, rounded up generously
MEMORY_FIELDS = (
    "dataset", "model", "hidden", "norm", "batch_size", "accumulate", "drop_last", "optimizer", "momentum",
    "memory_limit_mb", "budget", "budget_value",
)  # fmt: skip
KEPT_PREDICTIONS = 2_000


class HostClient:
    """Start runs and ask for predictions; any thread may call.

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
        self._heard = threading.Condition(self._lock)
        self._process: subprocess.Popen[str] | None = None
        self._runs: set[str] = set()  # of the present host process
        self._places: dict[str, int] = {}
        self._questions = count()
        self._answers: dict[int, dict[str, Any] | None] = {}
        self._predictions: dict[str, Prediction] = {}
        store.fail_orphans(machine.is_alive)

    # Runs.

    def start(self, config: RunConfig, *, run_id: str, session: str, paused: bool = False) -> None:
        """Create a run and hand it to the host. Raises HostError if it does not fit this machine's memory."""
        predicted = self.predict(config)
        needed, free = predicted.peak.bytes + CHILD_BYTES, machine.free_memory_bytes()
        if needed > free:
            raise HostError(Problem("not_enough_memory", {"needed": needed, "free": free}))
        self.store.create(run_id, config, owner=self.owner, session=session)
        self.store.note(run_id, predicted_peak_bytes=predicted.peak.bytes)
        with self._lock:
            self._runs.add(run_id)
            self._order(
                do="start",
                run=run_id,
                config=config.to_json(),
                folder=config.spec.folder,
                database=self.store.address,
                paused=paused,
            )

    def command(self, run_id: str, command: Command, *, reason: str = "asked") -> None:
        """Ask a run for something; one that has ended does not mind."""
        with self._lock:
            if run_id in self._runs:
                self._order(do="command", run=run_id, command=command, reason=reason)

    def renew(self, runs: Iterable[str]) -> None:
        """Say that somebody watches these runs."""
        with self._lock:
            if self.lease_s and self._process:
                self._order(do="renew", runs=list(runs))

    def place(self, run_id: str) -> int | None:
        """Return a waiting run's place in the queue, from 1; None once it has started."""
        return self._places.get(run_id)

    # Predictions.

    def predict(self, config: RunConfig) -> Prediction:
        """Return what a run will need on the device; the same question is asked once. Raises HostError."""
        key = json.dumps({name: value for name, value in config.to_dict().items() if name in MEMORY_FIELDS})
        with self._lock:
            if key not in self._predictions:
                question = next(self._questions)
                self._order(do="predict", question=question, config=config.to_json())
                asked = self._process
                self._heard.wait_for(
                    lambda: question in self._answers or self._process is not asked, timeout=PREDICTION_WAIT_S
                )
                answer = self._answers.pop(question, None)
                if answer is None:
                    raise HostError(Problem("no_prediction"))
                if len(self._predictions) >= KEPT_PREDICTIONS:
                    del self._predictions[next(iter(self._predictions))]
                self._predictions[key] = Prediction(**answer | {"peak": Peak(**answer["peak"])})
            return self._predictions[key]

    # The process.

    def warm(self) -> None:
        """Start the host if it does not run."""
        with self._lock:
            self._running()

    @property
    def pid(self) -> int | None:
        """The host's process id, None while it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def close(self) -> None:
        """End the host and all it does, and wait until it has."""
        with self._lock:
            process = self._process
        if process and process.stdin:
            process.stdin.close()
            process.wait()
        with self._heard:
            self._heard.wait_for(lambda: self._process is None, timeout=5)

    def _order(self, **order: Any) -> None:
        process = self._running()
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has died this moment; `_listen` hears of it and ends its runs
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "core.host", "--cores", str(self.cores), "--data", str(self.data)]
            command += ["--lease-s", str(self.lease_s)]
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            self._runs = set()
            listening = threading.Thread(target=self._listen, args=(self._process, self._runs), daemon=True)
            listening.start()
        return self._process

    def _listen(self, process: subprocess.Popen[str], runs: set[str]) -> None:
        """Hear the host's news until it is gone, then end the runs it left."""
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._hear(json.loads(line), runs)
        process.wait()
        with self._heard:
            with suppress(BrokenPipeError):  # an order that it did not live to read
                process.stdin.close()
            for run_id in runs:
                self._places.pop(run_id, None)
                self.store.end(run_id, "failed", "host_gone")
            runs.clear()
            if self._process is process:
                self._process = None
            self._heard.notify_all()

    def _hear(self, news: dict[str, Any], runs: set[str]) -> None:
        with self._heard:
            run = news.get("run", "")
            match news["event"]:
                case "queued":
                    self._places[run] = news["place"]
                case "started":
                    self._places.pop(run, None)
                    self.store.note(run, pid=news["pid"])
                case "ended":
                    self._places.pop(run, None)
                    runs.discard(run)
                    self._settle(run, news["exit_code"], news["stop_reason"])
                case "predicted":
                    self._answers[news["question"]] = news["prediction"]
            self._heard.notify_all()

    def _settle(self, run: str, exit_code: int, stop_reason: str | None) -> None:
        """End a run in the store that could not do so itself."""
        if stop_reason:
            self.store.end(run, "stopped", stop_reason)
        elif exit_code < 0:
            self.store.end(run, "failed", "killed", signal=-exit_code)
        else:
            self.store.end(run, "failed", "exited", exit_code=exit_code)

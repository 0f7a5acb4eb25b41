"""Keep the host process: start it, ask it, hear from it. Imports no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from core.run import machine
from core.words.errors import HostError, Problem

ROOT = Path(__file__).resolve().parents[2]
KEPT_ANSWERS = 2_000
ASK_AGAIN_S = 5.0  # after an answer that failed: a page asks at every refresh


class Answer(Future[Any]):
    """The answer to a question, to come.

    Of one that takes seconds `share` is how much of it is done, 0 to 1; None while it waits for a core.
    """

    share: float | None = None


@dataclass
class Life:
    """What one host process, of perhaps several after each other, has been asked and has not done yet."""

    runs: set[str] = field(default_factory=set)
    questions: dict[int, tuple[Answer, Callable[[Any], Any]]] = field(default_factory=dict)  # and how to read it
    over: threading.Event = field(default_factory=threading.Event)


class HostProcess(ABC):
    """The host, started by the first order or question, and again after it died; any thread may call.

    What becomes of runs is for who inherits it: `_heard` gets the news of them, and `_lost` the life that is over.
    """

    def __init__(self, *, data: Path, lease_s: float, cores: int | None) -> None:
        self.data, self.lease_s, self.cores = data, lease_s, cores or machine.cores()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[str] | None = None
        self._life = Life()
        self._questions = count()
        self._answers: dict[str, tuple[float, Answer]] = {}  # by question, and when it was asked
        self._closed = False

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
            self._life = Life()
            listening = threading.Thread(target=self._listen, args=(self._process, self._life), daemon=True)
            listening.start()
        return self._process

    def _listen(self, process: subprocess.Popen[str], life: Life) -> None:
        """Hear the host's news until it is gone, then end what it left undone."""
        assert process.stdout is not None
        try:
            with process.stdout:
                for line in process.stdout:
                    self._hear(json.loads(line), life)
        finally:
            self._bury(process, life)

    def _bury(self, process: subprocess.Popen[str], life: Life) -> None:
        assert process.stdin is not None
        with self._lock:
            with suppress(OSError):  # an order that it did not live to read
                process.stdin.close()
            if self._process is process:
                self._process = None
        process.wait()
        with self._lock:
            self._lost(life)
            lost = {asked for asked, _ in life.questions.values()}
            self._answers = {key: kept for key, kept in self._answers.items() if kept[1] not in lost}
        for asked in lost:
            asked.set_exception(HostError(Problem("no_prediction")))
        life.over.set()

    def _hear(self, news: dict[str, Any], life: Life) -> None:
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
        self._heard(news, life)

    @abstractmethod
    def _heard(self, news: dict[str, Any], life: Life) -> None:
        """Take note of what became of a run."""

    @abstractmethod
    def _lost(self, life: Life) -> None:
        """End the runs of a host that is gone; the lock is held."""

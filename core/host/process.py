"""Own the host process: start it, send it questions, and receive its news. Imports no torch."""

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
ASK_AGAIN_S = 5.0  # a failed question is not retried sooner, because a page asks at every refresh


class Answer(Future[Any]):
    """A future of the answer to a question.

    For long questions `share` is the completed share, 0 to 1; None while the question waits for a core.
    """

    share: float | None = None


@dataclass
class Life:
    """The open runs and questions of one host process; a restarted host gets a new one."""

    runs: set[str] = field(default_factory=set)
    questions: dict[int, tuple[Answer, Callable[[Any], Any]]] = field(default_factory=dict)  # each with its decoder
    over: threading.Event = field(default_factory=threading.Event)


class HostProcess(ABC):
    """The host process, started by the first order or question and restarted after a crash. Any thread may call.

    Subclasses handle runs: `_heard` receives their news, and `_lost` the `Life` of a host that is gone.
    """

    def __init__(self, *, data: Path, lease_s: float, cores: int | None) -> None:
        self.data, self.lease_s, self.cores = data, lease_s, cores or machine.cores()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[str] | None = None
        self._life = Life()
        self._questions = count()
        self._answers: dict[str, tuple[float, Answer]] = {}  # answers by question, with the time it was asked
        self._closed = False

    def ask(
        self,
        what: str,
        values: Mapping[str, Any],
        *,
        key: Any = None,
        read: Callable[[Any], Any] = lambda answer: answer,
    ) -> Answer:
        """Return a future of the answer to a question of `core.host.answers`, decoded by `read`.

        Answers are cached by `key`, or by the values if it is None. The call and the future may raise HostError.
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
        """Start the host if it is not running. A failure to start is reported by the first question instead."""
        with self._lock, suppress(HostError):
            self._running()

    @property
    def pid(self) -> int | None:
        """The host's process id; None while it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def close(self) -> None:
        """End the host and everything it runs, and wait for that. It is not started again."""
        with self._lock:
            self._closed = True
            process = self._process
            if process and process.stdin:
                with suppress(OSError):  # the host has died with an order unread
                    process.stdin.close()
        if process:
            process.wait()
            self._life.over.wait(timeout=5)

    def _order(self, **order: Any) -> None:
        process = self._running()
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # the host has just died; `_listen` will notice and end its runs
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._closed:
            raise HostError(Problem("host_closed"))
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
            except OSError as error:  # the machine is out of memory or processes
                raise HostError(Problem("no_host", {"cause": error.strerror})) from error
            self._life = Life()
            listening = threading.Thread(target=self._listen, args=(self._process, self._life), daemon=True)
            listening.start()
        return self._process

    def _listen(self, process: subprocess.Popen[str], life: Life) -> None:
        """Receive the host's news until it is gone, then end its open runs and questions."""
        assert process.stdout is not None
        try:
            with process.stdout:
                for line in process.stdout:
                    self._hear(json.loads(line), life)
        finally:
            self._clean_up(process, life)

    def _clean_up(self, process: subprocess.Popen[str], life: Life) -> None:
        assert process.stdin is not None
        with self._lock:
            with suppress(OSError):  # the host has died with an order unread
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
        """Handle the news of a run."""

    @abstractmethod
    def _lost(self, life: Life) -> None:
        """End the runs of a host that is gone. The lock is held."""

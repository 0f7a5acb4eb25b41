"""A run in a thread, which a test controls from outside."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.run.control import Control
from core.run.events import Ended, Event, Paused, Started, Updates
from core.train.loop import Loop
from core.train.trainer import Trainer

DIGITS = RunConfig(dataset="digits", batch_size=100, budget_value=10_000, seed=2)
WAIT_S = 20
Begin = Callable[..., "Running"]


class Running:
    """A run in a separate thread, and its reports so far."""

    def __init__(self, config: RunConfig, data: Data, *, paused: bool, pace: float) -> None:
        self.control = Control(paused=paused, pace=pace)
        self.trainer = Trainer(config, data, control=self.control)
        self.events: list[Event] = []
        self._pauses: queue.Queue[bool] = queue.Queue()
        self.started = threading.Event()
        self.ended: Ended | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.ended = Loop(self.trainer, self._report).run()

    def _report(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Paused):
            self._pauses.put(event.paused)
        elif isinstance(event, Started):
            self.started.set()

    def wait_for_pause(self) -> bool:
        """Return True once the run has paused, False if it ended instead."""
        deadline = time.perf_counter() + WAIT_S
        while time.perf_counter() < deadline:
            try:
                if self._pauses.get(timeout=0.05):
                    return True
            except queue.Empty:
                if not self.thread.is_alive():
                    return False
        raise TimeoutError

    def wait_for_resume(self) -> None:
        """Wait until the run has resumed. A pause requested earlier would keep it paused and report nothing."""
        assert self._pauses.get(timeout=WAIT_S) is False

    def end(self, *, reason: str = "asked") -> tuple[Ended, float]:
        """Stop the run; return its end and the seconds that took."""
        asked = time.perf_counter()
        self.control.request("stop", reason=reason)
        self.thread.join(WAIT_S)
        took = time.perf_counter() - asked
        assert self.ended is not None
        return self.ended, took

    @property
    def reported(self) -> int:
        return sum(len(event) for event in self.events if isinstance(event, Updates))

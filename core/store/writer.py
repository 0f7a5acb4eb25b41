"""Write a run's events from a thread of its own, so that the training loop never waits for a disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic

import psutil

from core.run.events import Ended, Event, Paused
from core.store.runs import Store
from core.words.errors import StoreError

GATHER_S = 0.1  # with the 0.1 s that the recorder holds back and a write, at most 0.25 s are lost to a kill


class Writer:
    """Queue events for a run; a thread writes all that has gathered in one transaction.

    `put` costs about a microsecond. The store is opened in the thread, after any fork. An error of the store is
    kept in `error`; what comes after it is dropped, and the training goes on. `on_refused` is called when the run
    has been ended or deleted by somebody else.
    """

    def __init__(self, where: str, run_id: str, *, on_refused: Callable[[], None] = lambda: None) -> None:
        self._where, self._run_id, self._on_refused = where, run_id, on_refused
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._urgent = threading.Event()
        self.error: StoreError | None = None
        self._thread = threading.Thread(target=self._write, name="writer", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        self._events.put(event)
        if isinstance(event, Paused | Ended):
            self._urgent.set()

    def close(self) -> None:
        """Write what is left and return when it is on disk."""
        self._events.put(None)
        self._urgent.set()
        self._thread.join()

    def _write(self) -> None:
        process, store, began = psutil.Process(), None, monotonic()
        last = False
        while not last:
            gathered = [self._events.get()]
            self._urgent.wait(min(GATHER_S, (monotonic() - began) / 4))  # soon at first
            self._urgent.clear()
            while not self._events.empty():
                gathered.append(self._events.get())
            last = None in gathered
            events = [event for event in gathered if event is not None]
            if not events or self.error:
                continue
            try:
                store = store or Store.attach(self._where)
                if not store.write(self._run_id, events, rss_bytes=process.memory_info().rss):
                    self._on_refused()
            except StoreError as error:
                self.error = error
        if store:
            store.close()

"""Write a run's events from a separate thread, so that the training loop never waits for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic

import psutil

from core.run.events import Ended, Event, Paused
from core.store.runs import Store
from core.words.errors import StoreError

GATHER_S = 0.1  # a kill loses at most 0.25 s: this, the recorder's 0.1 s and the time of a write


class Writer:
    """Queue the events of a run; a thread writes them in batches, each in one transaction.

    `put` takes about a microsecond. The thread opens the store, after any fork. If the store fails, `error` holds the
    exception, later events are dropped, and training continues. `on_refused` is called when the run has been ended or
    deleted elsewhere.
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
        """Write the remaining events and return once they are on disk."""
        self._events.put(None)
        self._urgent.set()
        self._thread.join()

    def _write(self) -> None:
        process, store, began = psutil.Process(), None, monotonic()
        last = False
        while not last:
            gathered = [self._events.get()]
            self._urgent.wait(min(GATHER_S, (monotonic() - began) / 4))  # the first events are written soon
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

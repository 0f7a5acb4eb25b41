"""Own what the whole server process shares: the store, the host and the readers of runs."""

from __future__ import annotations

import gc
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import streamlit as st

from core.config import RunConfig
from core.errors import StoreError
from core.events import Prediction
from core.host.client import HostClient
from core.store import Store, open_or_fresh
from core.store.reader import ReaderCache

CLOUD = Path("/mount/src")  # where Community Cloud puts a repository
KEPT_ANSWERS = 500

T = TypeVar("T")


class Later(Generic[T]):
    """A call in a thread of its own, whose result a page can look for without waiting."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._ended = threading.Event()
        self._result: T | None = None
        self.error: Exception | None = None
        threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def _run(self, call: Callable[[], T]) -> None:
        try:
            self._result = call()
        except Exception as error:  # kept for whoever asks: a thread has nobody to raise to
            self.error = error
        self._ended.set()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def result(self, *, wait_s: float = 0.0) -> T | None:
        """Return the result, or None if there is none in time. Raises what the call raised."""
        self._ended.wait(wait_s)
        if self.error:
            raise self.error
        return self._result


class Engine:
    """The store and the host of this server, and what has been asked of the host."""

    def __init__(self, store: Store, error: StoreError | None, *, leases: bool) -> None:
        self.store, self.store_error = store, error
        self.client = HostClient(store, leases=leases)
        self.readers = ReaderCache(store)
        self._lock = threading.Lock()
        self._predictions: OrderedDict[str, Later[Prediction]] = OrderedDict()
        self._starts: dict[str, Later[None]] = {}
        self._frozen = False

    def close(self) -> None:
        self.client.close()
        self.store.close()

    def prediction(self, config: RunConfig, *, wait_s: float = 0.0) -> Prediction | None:
        """Return what a run will need, or None while the host still works it out. Raises HostError."""
        key = config.to_json()
        with self._lock:
            asked = self._predictions.pop(key, None)
            if asked is None or asked.error:
                asked = Later(lambda: self.client.predict(config))
            self._predictions[key] = asked
            if len(self._predictions) > KEPT_ANSWERS:
                self._predictions.popitem(last=False)
        return asked.result(wait_s=wait_s)

    def start(self, config: RunConfig, *, run_id: str, session: str) -> None:
        """Start a run without waiting: the host may have to warm up first. `start_error` tells what became of it."""
        self._starts[run_id] = Later(lambda: self.client.start(config, run_id=run_id, session=session))

    def is_starting(self, run_id: str) -> bool:
        """Return whether a run was asked for that the store does not know yet."""
        asked = self._starts.get(run_id)
        return asked is not None and not asked.ended

    def start_error(self, run_id: str) -> Exception | None:
        """Return why a run could not be started."""
        asked = self._starts.get(run_id)
        return asked.error if asked else None

    def freeze_once(self) -> None:
        """Keep what is loaded out of the collections that Streamlit runs after every refresh.

        Call it after the first complete draw with data: before it, half of the modules are not loaded yet.
        """
        if not self._frozen:
            self._frozen = True
            gc.collect()
            gc.freeze()


def open_engine() -> Engine:
    """Open the database, or a fresh one if it cannot be opened, and let the host warm up."""
    store, error = open_or_fresh()
    public = os.environ.get("BATCHLAB_PUBLIC") == "1" or CLOUD in Path(__file__).resolve().parents
    made = Engine(store, error, leases=public)
    made.client.warm()
    return made


@st.cache_resource(show_spinner=False, on_release=Engine.close)
def engine() -> Engine:
    return open_engine()  # one line that never changes: a change would open a second engine beside the first

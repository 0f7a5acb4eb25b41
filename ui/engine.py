"""Own what the whole server process shares: the store, the host and the readers of runs."""

from __future__ import annotations

import gc
import os
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from pathlib import Path

import streamlit as st

from core import recorded
from core.config import RunConfig
from core.errors import StoreError
from core.events import Prediction
from core.host.client import HostClient
from core.store import Store, open_or_fresh
from core.store.reader import ReaderCache, RunReader, Source

CLOUD = Path("/mount/src")  # where Community Cloud puts a repository


class Engine:
    """The store and the host of this server, and the run that came with it."""

    def __init__(self, store: Store, error: StoreError | None, *, leases: bool) -> None:
        self.store, self.store_error = store, error
        self.client = HostClient(store, leases=leases)
        self.readers = ReaderCache(store)
        self.recording: recorded.Recording | None = None
        with suppress(StoreError):  # without it the page shows what is predicted
            self.recording = recorded.load()
        self._recorded = RunReader(self.recording, recorded.RUN_ID) if self.recording else None
        self._frozen = False

    def close(self) -> None:
        self.client.close()
        self.store.close()

    def reader(self, run_id: str) -> RunReader:
        """Return the reader of a run, which the caller refreshes."""
        return self._recorded if self._recorded and run_id == recorded.RUN_ID else self.readers.reader(run_id)

    def source(self, run_id: str) -> Source:
        """Return where a run is read from."""
        return self.recording if self.recording and run_id == recorded.RUN_ID else self.store

    def prediction(self, config: RunConfig, *, wait_s: float = 0.0) -> Prediction | None:
        """Return what a run will need, or None while the host still works it out. Raises HostError."""
        try:
            return self.client.prediction(config).result(timeout=wait_s)
        except NotYet:
            return None

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

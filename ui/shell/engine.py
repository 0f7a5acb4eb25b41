"""Own what the whole server process shares: the store, the client of the host, and the readers of runs."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from core.claims.results import Results
from core.comparison.paths import WeightPaths
from core.comparison.setup import Comparison
from core.forecast.records import Curve, Remedy, curve_from_dict, remedy_from_dict
from core.host.client import HostClient
from core.host.process import Answer as Asked
from core.run.config import RunConfig
from core.run.events import Prediction
from core.run.timeline import Timeline
from core.schedule_bench.results import Bench
from core.store import Store, open_or_fresh, recorded
from core.store.reader import ReaderCache, RunReader, Source
from core.words.errors import StoreError
from ui.shell.watchers import Watchers

Answer = TypeVar("Answer")
CLOUD = Path("/mount/src")  # Community Cloud puts a repository here


class Engine:
    """The store and the host of this server, and the recorded run that ships with the app."""

    def __init__(self, store: Store, error: StoreError | None, *, leases: bool) -> None:
        self.store, self.store_error = store, error
        self.client = HostClient(store, leases=leases)
        self.readers = ReaderCache(store)
        self.recording: recorded.Recording | None = None
        with suppress(StoreError):  # without it, the page shows predictions
            self.recording = recorded.load()
        self._recorded = RunReader(self.recording, recorded.RUN_ID) if self.recording else None
        self._frozen = False
        self.watchers = Watchers()

    def close(self) -> None:
        self.client.close()
        self.store.close()

    def reader(self, run_id: str) -> RunReader:
        """Return the reader of a run, which the caller refreshes."""
        return self._recorded if self._recorded and run_id == recorded.RUN_ID else self.readers.reader(run_id)

    def source(self, run_id: str) -> Source:
        """Return where a run is read from."""
        return self.recording if self.recording and run_id == recorded.RUN_ID else self.store

    # Questions to the host. Each returns None until the answer is there, and raises HostError.

    def prediction(self, config: RunConfig, *, wait_s: float = 0.0) -> Prediction | None:
        """Return the predicted memory and size of a run."""
        return _within(wait_s, self.client.prediction(config))

    def curve(self, config: RunConfig, sizes: Sequence[int], *, wait_s: float = 0.0) -> Curve | None:
        """Return the peak memory at each batch size."""
        values = {"config": config.to_json(), "sizes": list(sizes)}
        return _within(wait_s, self.client.ask("curve", values, read=curve_from_dict))

    def timelines(self, config: RunConfig) -> dict[str, Timeline] | None:
        """Return the allocations of the first update, the second update and an evaluation."""
        return _within(0.0, self.client.ask("timelines", {"config": config.to_json()}, read=_timelines))

    def remedies(self, config: RunConfig) -> list[Remedy] | None:
        """Return the changes that make the run fit its limit."""
        return _within(0.0, self.client.ask("remedies", {"config": config.to_json()}, read=_remedies))

    def verification(self, config: RunConfig, sizes: Sequence[int]) -> dict[int, bool] | None:
        """Return for each batch size whether the run completes."""
        values = {"config": config.to_json(), "sizes": list(sizes)}
        return _within(0.0, self.client.ask("verification", values, read=dict))

    def accumulation(self, setup: Mapping[str, Any], *, wait_s: float) -> dict[str, Any] | None:
        """Return how the gradient of a batch compares with the mean over its micro-batches."""
        return _within(wait_s, self.client.ask("accumulation", setup))

    def own_model(self, described: Mapping[str, str], *, asked: str) -> dict[str, Any] | None:
        """Return what the user's own model needs.

        `asked` distinguishes two questions about the same model, whose code may have changed in between.
        """
        return _within(0.0, self.client.ask("own_model", described, key=[dict(described), asked]))

    def claim(self, code: str, *, first_seed: int, seeds: int) -> Asked:
        """Start the experiment of a claim; the answer will be a `Results`. Raises HostError."""
        values = {"claim": code, "first_seed": first_seed, "seeds": seeds}
        return self.client.ask("claims", values, key=[values, time.monotonic()], read=Results.from_dict)

    def bench(self, batch_size: int, *, first_seed: int, seeds: int) -> Asked:
        """Start the schedule bench; the answer will be a `Bench`. Raises HostError."""
        values = {"batch_size": batch_size, "first_seed": first_seed, "seeds": seeds}
        return self.client.ask("schedules", values, key=[values, time.monotonic()], read=Bench.from_dict)

    def weight_paths(self, comparison: Comparison) -> Asked:
        """Follow the weights of a comparison's arms; the cached answer will be `WeightPaths`. Raises HostError."""
        values = {"comparison": comparison.to_json()}
        return self.client.ask("weight_paths", values, read=WeightPaths.from_dict)

    def freeze_once(self) -> None:
        """Exclude all loaded objects from the garbage collection that Streamlit runs after every refresh.

        Call it after the first complete draw with data, because half of the modules are loaded only then.
        """
        if not self._frozen:
            self._frozen = True
            gc.collect()
            gc.freeze()


def _within(wait_s: float, asked: Future[Answer]) -> Answer | None:
    try:
        return asked.result(timeout=wait_s)
    except NotYet:
        return None


def _timelines(answer: Mapping[str, Any]) -> dict[str, Timeline]:
    return {name: Timeline.from_dict(values) for name, values in answer.items()}


def _remedies(answer: Sequence[Mapping[str, Any]]) -> list[Remedy]:
    return [remedy_from_dict(values) for values in answer]


def is_public() -> bool:
    """Return whether strangers use this server, which then stops unwatched runs and imports no user code."""
    return os.environ.get("BATCHLAB_PUBLIC") == "1" or CLOUD in Path(__file__).resolve().parents


def open_engine() -> Engine:
    """Open the database, or a fresh one if it cannot be opened, and start warming up the host."""
    store, error = open_or_fresh()
    made = Engine(store, error, leases=is_public())
    made.client.warm()
    return made


@st.cache_resource(show_spinner=False, on_release=Engine.close)
def engine() -> Engine:
    return open_engine()  # keep this line unchanged: Streamlit would open a second engine if the source changed

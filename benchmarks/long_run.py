"""Run a million updates: the memory of the training process from end to end, and reading the run for a chart."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

from core.host.client import HostClient
from core.run.config import RunConfig
from core.store import Store, new_run_id
from core.store.reader import RunReader

UPDATES = 1_000_000
MIB = 2**20
CONFIG = RunConfig(
    dataset="linear", model="linear", batch_size=1, optimizer="sgd", lr=1e-3, budget="updates", budget_value=UPDATES
)


def measure() -> dict[str, float]:
    """Return private MiB after a tenth of the run and at its end, and milliseconds of one refresh of 400 points."""
    with tempfile.TemporaryDirectory() as folder:
        store, run = Store.open(Path(folder) / "runs.sqlite"), new_run_id()
        host, reader = HostClient(store), RunReader(store, run)
        try:
            host.start(CONFIG, run_id=run, session="bench")
            weights: list[float] = []
            refreshes: list[float] = []
            while store.run(run).ended is None:
                time.sleep(0.25)
                began = time.perf_counter()
                reader.refresh()
                reader.curves(("loss", "smoothed_loss"))
                took = 1_000 * (time.perf_counter() - began)
                if reader.updates > UPDATES * 0.9:
                    refreshes.append(took)
                if reader.updates > UPDATES / 10:
                    weights.append(_private(store.run(run).facts.pid))
            return {
                "private MiB after a tenth": weights[0],
                "private MiB at the end": max(weights[-5:-1]),
                "refresh of 400 points near the end, ms": median(refreshes),
            }
        finally:
            host.close()
            store.close()


def _private(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_full_info().uss) / MIB
    except psutil.NoSuchProcess:
        return 0.0

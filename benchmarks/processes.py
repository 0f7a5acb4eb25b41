"""Time and weigh real processes: a warm start, a stop, a prediction, and what server, host and training hold."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psutil

from core.host.client import HostClient
from core.host.process import ROOT
from core.run.choices.datasets import DATA
from core.run.config import RunConfig
from core.store import Store, new_run_id

MIB = 2**20
STARTS = 15
ENDLESS = RunConfig(budget="updates", budget_value=10_000_000, memory_limit_mb=4)


def measure() -> dict[str, float]:
    """Return medians in milliseconds and sizes in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "runs.sqlite")
        host = HostClient(store)
        try:
            return _measure(host)
        finally:
            host.close()
            store.close()


def _measure(host: HostClient) -> dict[str, float]:
    host.prediction(ENDLESS).result()
    _settle(host)
    starts, stops = [], []
    for _ in range(STARTS):
        run = new_run_id()
        began = time.perf_counter()
        host.start(ENDLESS, run_id=run, session="bench")
        starts.append(_wait(lambda run=run: host.store.chunks_after(run, 0), began))
        time.sleep(0.2)
        began = time.perf_counter()
        host.command(run, "stop")
        stops.append(_wait(lambda run=run: host.store.run(run).ended, began))
    predictions = []
    for size in range(200, 200 + STARTS):
        for model in ("mlp", "cnn"):
            began = time.perf_counter()
            host.prediction(ENDLESS.replace(model=model, batch_size=size)).result()
            predictions.append(1_000 * (time.perf_counter() - began))
    return {
        "start to first update readable, ms": median(starts),
        "start to first update readable, worst ms": max(starts),
        "stop to stopped, ms": median(stops),
        "stop to stopped, worst ms": max(stops),
        "prediction, ms": median(predictions),
        "prediction, worst ms": max(predictions),
        **_weigh(host),
    }


def _weigh(host: HostClient) -> dict[str, float]:
    """Run a server with everything the pages import, and a host with one training, and measure their memory."""
    command = [sys.executable, "-c", "import streamlit.web.bootstrap, ui.live.page, sys; sys.stdin.read()"]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    run = new_run_id()
    try:
        host.start(ENDLESS, run_id=run, session="bench")
        _wait(lambda: host.store.chunks_after(run, 0), 0.0)
        time.sleep(3)
        assert host.pid
        seen = {
            "server": psutil.Process(server.pid),
            "host": psutil.Process(host.pid),
            "training": psutil.Process(host.store.run(run).facts.pid),
        }
        memory = {name: process.memory_full_info() for name, process in seen.items()}
        return {
            "training process, private MiB": memory["training"].uss / MIB,
            "server without torch, resident MiB": memory["server"].rss / MIB,
            "server + host + one training, PSS MiB": sum(each.pss for each in memory.values()) / MIB,
        }
    finally:
        host.command(run, "stop")
        server.communicate()


def _settle(host: HostClient) -> None:
    """Wait until the host has warmed up and does nothing any more."""
    assert host.pid
    process = psutil.Process(host.pid)
    while process.cpu_percent(interval=1.0) > 5 or not DATA.exists():
        pass


def _wait(look: Callable[[], object], began: float) -> float:
    while not look():
        time.sleep(0.001)
    return 1_000 * (time.perf_counter() - began)

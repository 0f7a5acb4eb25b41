"""Run `python -m core train`: train one run in this process and print its events as JSON lines."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.commands.file_arguments import cause, check_writable
from core.commands.json_lines import print_json
from core.commands.run_flags import add_run_flags, config_given
from core.run import machine
from core.run.choices.datasets import DATA
from core.run.config import RunConfig
from core.run.control import Control
from core.run.events import Ended, EndState, Epoch, Event, Peak, Started, Updates
from core.run.plan import plan
from core.store import Store, new_run_id

COUNTED = ("reason", "updates", "updates_per_epoch", "unchanged_updates", "losses_sha256", "elapsed_s")
EXIT: dict[EndState, int] = {"finished": 0, "stopped": 0, "out_of_memory": 3, "diverged": 4, "failed": 1}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a run."""
    add_run_flags(parser)


def run(options: argparse.Namespace) -> int:
    """Train the run that the flags describe and return its exit status. Raises ConfigError."""
    return train(config_given(options), losses=options.losses, database=options.database)


def train(config: RunConfig, *, losses: Path | None, database: str | None) -> int:
    """Train in this process, print one event per line, and return the exit status. SIGINT and SIGTERM stop the run."""
    control = Control()
    for number in (signal.SIGINT, signal.SIGTERM):  # before the imports, which take seconds
        signal.signal(number, lambda *_: control.request("stop"))
    import torch

    from core.datasets.build import build
    from core.datasets.tensors import load
    from core.forecast.predict import predict
    from core.train.loop import Loop
    from core.train.trainer import Trainer

    torch.set_num_threads(1)  # the app has one thread, and losses depend on their number
    store = Store.open(database) if database else None
    if losses:
        check_writable(losses)
    record = _Record(store, config, control) if store else None
    predicted = predict(config)
    blocks: list[np.ndarray[Any, np.dtype[np.float32]]] = []

    def report(event: Event) -> None:
        if record:
            record.writer.put(event)
        if isinstance(event, Started):
            counts = asdict(plan(config)) | {"total_updates": event.horizon}
            peak = {f"predicted_{name}": size for name, size in _sizes(predicted.peak).items()}
            print_json(event="started", **counts, **peak, fingerprint=dict(event.fingerprint))
        elif isinstance(event, Epoch):
            print_json(event="epoch", **asdict(event))
        elif isinstance(event, Updates):
            blocks.append(event.losses)

    try:
        aside = predicted.peak.workspace_bytes
        trainer = Trainer(config, load(build(config.dataset, DATA)), control=control, workspace_bytes=aside)
        ended = Loop(trainer, report).run()
    except Exception as error:  # the last line reports the end of the run in any case
        ended = Ended("failed", "error", {"error": f"{type(error).__name__}: {error}"})
        report(ended)
    if record:
        ended = record.close(ended)
    if losses:
        ended = _with_losses(ended, losses, blocks)
    fits = {"largest_batch_size": predicted.largest_batch_size} if ended.state == "out_of_memory" else {}
    print_json(event=ended.state, **_summary(ended), **fits)
    return EXIT[ended.state]


class _Record:
    """Record the run in the database, and stop it if another process ends it there."""

    def __init__(self, store: Store, config: RunConfig, control: Control) -> None:
        from core.store.writer import Writer

        self._refused, self._control = threading.Event(), control
        run_id = new_run_id()
        store.create(run_id, config, owner=machine.this_process(), session="", state="starting")
        self.writer = Writer(store.address, run_id, on_refused=self._refuse)

    def close(self, ended: Ended) -> Ended:
        """Write the remaining events and return how the run ended: failed if it could not be recorded."""
        self.writer.close()
        if self.writer.error:
            return replace(ended, state="failed", reason="store", values={"error": str(self.writer.error)})
        if self._refused.is_set():
            return replace(ended, state="failed", reason="ended_elsewhere", values={})
        return ended

    def _refuse(self) -> None:
        self._refused.set()
        self._control.request("stop")


def _with_losses(ended: Ended, path: Path, blocks: Sequence[np.ndarray[Any, np.dtype[np.float32]]]) -> Ended:
    """Write the losses and return the end of the run, which becomes failed if they cannot be written."""
    try:
        with path.open("wb") as file:
            np.save(file, np.concatenate([*blocks, np.zeros(0, dtype="<f4")]))
    except OSError as error:
        values = {"value": str(path), "cause": cause(error)}
        return replace(ended, state="failed", reason="not_writable", values=values, divergence=None, allocation=None)
    return ended


def _summary(ended: Ended) -> dict[str, Any]:
    peak = ended.peak
    return {
        **{name: getattr(ended, name) for name in COUNTED},
        **_sizes(peak),
        "by_category": dict(peak.by_category) if peak else None,
        "values": {name: value for name, value in ended.values_to_dict().items() if name != "timeline"},
    }


def _sizes(peak: Peak | None) -> dict[str, int | None]:
    names = {"peak_bytes": "bytes", "tensor_bytes": "tensor_bytes", "workspace_bytes": "workspace_bytes"}
    return {name: getattr(peak, attribute, None) for name, attribute in names.items()}

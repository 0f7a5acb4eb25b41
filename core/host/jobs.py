"""What the host's children do: train a run, predict its memory, build a data set."""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core import continuation
from core.config import RunConfig
from core.control import Control
from core.datasets import DATASETS
from core.datasets.tensors import load
from core.errors import BatchLabError
from core.events import Ended
from core.host.answers import ANSWERS
from core.loop import Loop
from core.store import Store
from core.store.writer import Writer
from core.trainer import Trainer

SWITCH_S = 0.0005  # a thread that writes a chunk waits this long for its turn, ten times less than Python's own


def train_job(
    commands: Connection,
    run_id: str,
    config_json: str,
    folder: str,
    database: str,
    paused: bool,
    workspace_bytes: int,
    parent: str | None,
) -> None:
    """Train one run into the store, obeying `commands`; `paused` makes it stand before the first update.

    So many bytes of its memory limit are set aside for workspace. It goes on from where the run `parent` stopped.
    """
    sys.setswitchinterval(SWITCH_S)
    control = Control(paused=paused)
    threading.Thread(target=_listen, args=(commands, control), name="commands", daemon=True).start()
    writer = Writer(database, run_id, on_refused=lambda: control.request("stop"))
    try:
        config = RunConfig.from_json(config_json)
        trainer = Trainer(config, load(Path(folder)), control=control, workspace_bytes=workspace_bytes)
        if parent:
            trainer.take_over(_state_of(parent, database))
        Loop(trainer, writer.put).run()
    except Exception as error:  # whatever it is, the run ends with it, and it is shown
        writer.put(Ended("failed", "error", {"error": f"{type(error).__name__}: {error}"}))
        raise
    finally:
        writer.close()
    if writer.error:
        raise writer.error


def _state_of(run_id: str, database: str) -> dict[str, Any]:
    store = Store.attach(database)
    try:
        payload = store.state(run_id)
    finally:
        store.close()
    if payload is None:
        raise LookupError(f"run {run_id} has left no state to go on from")
    return continuation.unpack(payload)


def _listen(commands: Connection, control: Control) -> None:
    """Hand what is asked to the training loop; leave at once when the host is gone."""
    while True:
        try:
            command, reason = commands.recv()
        except EOFError:
            os._exit(1)
        control.request(command, reason=reason)


def answer_job(answer: Connection, what: str, values: dict[str, Any]) -> None:
    """Send back the answer to a question of `core.host.answers`, or the problems that there are with it."""
    try:
        answer.send({"value": ANSWERS[what](values)})
    except BatchLabError as error:
        answer.send({"problems": [[problem.code, dict(problem.values)] for problem in error.problems]})


def build_all_job(root: str) -> None:
    """Build every data set of the registry that is not on disk yet."""
    from core.datasets.build import build

    for name in DATASETS:
        build(name, Path(root))

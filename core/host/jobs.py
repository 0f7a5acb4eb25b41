"""Define the entry points of the host's child processes: training, comparison, question, data sets."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from core.comparison.course import Course, pack
from core.comparison.runner import Runner
from core.comparison.setup import Comparison
from core.datasets.tensors import load
from core.host.answers import ANSWERS, LONG_ANSWERS
from core.run.choices.datasets import DATASETS
from core.run.config import RunConfig
from core.run.control import Control
from core.run.events import Ended
from core.store import Store
from core.store.writer import Writer
from core.train import continuation
from core.train.loop import Loop
from core.train.trainer import Trainer
from core.train.updater import Stopped
from core.words.errors import BatchLabError

SWITCH_S = 0.0005  # switch interval, a tenth of Python's default, so that the writer thread gets its turn sooner


def train_job(
    commands: Connection,
    run_id: str,
    config_json: str,
    folder: str,
    database: str,
    paused: bool,
    pace: float,
    workspace_bytes: int,
    parent: str | None,
) -> None:
    """Train one run, obey `commands`, and write its events to the store.

    `paused` pauses the run before its first update; `pace` is as in `Control`. `workspace_bytes` of its memory limit
    are reserved for workspace. With a `parent`, the run continues from that run's state.
    """
    sys.setswitchinterval(SWITCH_S)
    control = Control(paused=paused, pace=pace)
    threading.Thread(target=_listen, args=(commands, control), name="commands", daemon=True).start()
    writer = Writer(database, run_id, on_refused=lambda: control.request("stop"))
    try:
        config = RunConfig.from_json(config_json)
        trainer = Trainer(config, load(Path(folder)), control=control, workspace_bytes=workspace_bytes)
        state = _inherited(run_id, parent, database) if parent else None
        if state:
            trainer.take_over(state)
        if parent and not state:
            writer.put(Ended("failed", "no_state"))
        else:
            Loop(trainer, writer.put).run()
    except Exception as error:  # any error must end the run in the store, so that the page can show it
        writer.put(Ended("failed", "error", {"error": f"{type(error).__name__}: {error}"}))
        raise
    finally:
        writer.close()
    if writer.error:
        raise writer.error


def compare_job(commands: Connection, run_id: str, setup: str, folder: str, database: str) -> None:
    """Train the arms of a comparison, obey `commands`, and keep the recorded courses in the store."""
    control = Control()
    threading.Thread(target=_listen, args=(commands, control), name="commands", daemon=True).start()
    store = Store.attach(database)
    began = perf_counter()
    try:
        ended = _compare(store, run_id, setup, folder, control)
    except Exception as error:  # any error must end the comparison in the store, so that the page can show it
        ended = Ended("failed", "error", {"error": f"{type(error).__name__}: {error}"})
        raise
    finally:
        store.finish(run_id, replace(ended, elapsed_s=perf_counter() - began - control.paused_s))
        store.close()


def _compare(store: Store, run_id: str, setup: str, folder: str, control: Control) -> Ended:
    def report(courses: Sequence[Course]) -> None:
        if not store.write_courses(run_id, pack(courses), state="paused" if control.paused else "running"):
            control.request("stop")  # the comparison was ended or deleted elsewhere

    runner = Runner(Comparison.from_json(setup), load(Path(folder)), control, report)
    try:
        runner.run()
    except Stopped:
        return Ended("stopped", control.stop_reason or "asked", updates=runner.updates)
    return Ended("finished", "budget", updates=runner.updates)


def _inherited(run_id: str, parent: str, database: str) -> dict[str, Any] | None:
    """Copy the parent's remaining records to the run; return the parent's state, None if it left none."""
    store = Store.attach(database)
    try:
        payload = store.inherit(run_id, parent)
    finally:
        store.close()
    return None if payload is None else continuation.unpack(payload)


def _listen(commands: Connection, control: Control) -> None:
    """Pass commands on to the training loop; exit immediately when the host is gone."""
    while True:
        try:
            command, value = commands.recv()
        except EOFError:
            os._exit(1)
        if command == "pace":
            control.set_pace(value)
        else:
            control.request(command, reason=value)


def answer_job(answer: Connection, what: str, values: dict[str, Any]) -> None:
    """Send the answer to a question of `core.host.answers`, or its problems.

    A long question sends its progress first.
    """
    try:
        if what in LONG_ANSWERS:
            value = LONG_ANSWERS[what](values, lambda share: answer.send({"share": share}))
        else:
            value = ANSWERS[what](values)
        answer.send({"value": value})
    except BatchLabError as error:
        answer.send({"problems": [[problem.code, dict(problem.values)] for problem in error.problems]})


def build_all_job(root: str) -> None:
    """Build every registered data set that is not on disk yet."""
    from core.datasets.build import build

    for name in DATASETS:
        build(name, Path(root))

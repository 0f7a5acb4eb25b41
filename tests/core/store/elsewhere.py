"""Run functions in other processes, which are forked from one that has imported the store, because that takes longer.

Each function says that it is ready, continues at `go`, and says what it has done.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np

from core.run.config import RunConfig
from core.run.events import Ended, Updates
from core.store import Store

CONTEXT: Any = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
PATIENCE_S = 60


@dataclass(frozen=True)
class Other:
    """Another process and this end of the pipe to it."""

    process: BaseProcess
    pipe: Connection

    def go(self) -> None:
        self.pipe.send("go")

    def said(self) -> list[Any]:
        """Wait for the end of the process and return everything it has said since it was ready."""
        words = []
        try:
            while True:
                words.append(self.pipe.recv())
        except EOFError:
            self.process.join(PATIENCE_S)
        return words


def start(work: Callable[..., None], *arguments: Any) -> Other:
    """Start a process and return once it is ready."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    assert ours.poll(PATIENCE_S)
    assert ours.recv() == "ready"
    return Other(process, ours)


def ready(pipe: Connection) -> None:
    pipe.send("ready")
    pipe.recv()


def write(pipe: Connection, address: str, run_id: str, flushes: int) -> None:
    """Write ten updates at a time, and say how many are written."""
    store = Store.open(address)
    ready(pipe)
    for first in range(0, 10 * flushes, 10):
        ones, single = np.ones(10), np.ones(10, dtype=np.float32)
        block = Updates(first, single, ones, single, np.arange(10), np.arange(first, first + 10.0))
        assert store.write(run_id, [block])
        pipe.send(first + 10)


def create_and_die(pipe: Connection, address: str) -> None:
    ready(pipe)
    Store.open(address).create("last", RunConfig(), owner="host", session="tab")
    os.kill(os.getpid(), signal.SIGKILL)


def count_runs(pipe: Connection, address: str) -> None:
    """Open a database, which may not exist yet, and say how many runs it has."""
    ready(pipe)
    pipe.send(len(Store.open(address).runs()))


def end_runs(pipe: Connection, address: str, names: list[str], state: str) -> None:
    """End runs as failed or finished, and say which of them this process has ended."""
    store = Store.open(address)
    ready(pipe)
    for name in names:
        if (
            store.end(name, "failed", "killed")
            if state == "failed"
            else store.finish(name, Ended("finished", "budget"))
        ):
            pipe.send(name)

"""Start each training as a child process, supervise it, and exit when the server is gone.

The host has one Python thread and one torch thread only. Its children are forked, and a child would wait forever for a
thread that does not exist after the fork.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from core.host import jobs, warm
from core.host.answers import LONG_ANSWERS
from core.host.lines import LineReader
from core.run import changes

FORKS = sys.platform == "linux"
KILL_AFTER_S = 5.0  # a training that has not stopped by then is killed
CHECK_EVERY_S = 1.0
PR_SET_PDEATHSIG = 1


@dataclass
class Job:
    """A run or a comparison that waits for a core (`process` is None) or trains.

    `commands` is the host's end of its pipe and `inbox` the training's; commands sent before the start wait in the
    pipe. A job also waits for its `parent` while that job is still here.
    """

    run: str
    config_json: str
    folder: Path
    database: str
    paused: bool
    pace: float
    workspace_bytes: int
    parent: str | None
    comparison: str | None
    commands: Connection
    inbox: Connection
    process: BaseProcess | None = None
    stop_reason: str | None = None
    kill_at: float | None = None
    renewed: float = field(default_factory=time.monotonic)


class Host:
    """The state of the host: waiting and training jobs in the order they arrived, and open questions."""

    def __init__(self, *, cores: int, data_root: Path, lease_s: float) -> None:
        self.cores, self.data_root, self.lease_s = cores, data_root, lease_s
        self.context: Any = multiprocessing.get_context("fork" if FORKS else "spawn")
        self.jobs: dict[str, Job] = {}
        self.questions: dict[Connection, int] = {}
        self.long: set[Connection] = set()  # the questions that occupy a core
        self.waiting: list[dict[str, Any]] = []  # long questions that wait for a core
        self.builder: BaseProcess | None = None
        self.places: dict[str, int] = {}

    def serve(self, commands: LineReader, warming: Iterator[None]) -> None:
        """Process the server's orders until it is gone."""
        self.builder = self._spawn(jobs.build_all_job, str(self.data_root))
        warm_left = True
        while True:
            warms_on = warm_left and not self.jobs  # warming up may block, so it yields to any job
            for ready in wait(self._watched(commands), timeout=0 if warms_on else CHECK_EVERY_S):
                if ready == commands.waitable:
                    lines = commands.read()
                    if lines is None:
                        return
                    for line in lines:
                        self._execute(json.loads(line))
                elif isinstance(ready, Connection):
                    self._answer(ready)
            self._reap()
            self._enforce_deadlines()
            self._admit()
            if warms_on and not self.jobs:
                warm_left = next(warming, "cold") is None

    def end(self) -> None:
        """Kill all training processes."""
        for job in self.jobs.values():
            if job.process:
                job.process.kill()

    # Orders of the server.

    def _execute(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "start":
                inbox, commands = self.context.Pipe(duplex=False)
                job = Job(**order["job"], folder=self.data_root / order["folder"], commands=commands, inbox=inbox)
                self.jobs[job.run] = job
                if job.parent in self.jobs:
                    self._replace(self.jobs[job.parent], job)
            case "command":
                self._command(order["run"], order["command"], order["reason"])
            case "pace":
                if order["run"] in self.jobs:
                    job = self.jobs[order["run"]]
                    job.pace = order["pace"]
                    self._tell(job, "pace", job.pace)
            case "ask":
                if order["what"] in LONG_ANSWERS:
                    self.waiting.append(order)
                else:
                    self._ask(order)
            case "renew":
                for run in order["runs"]:
                    if run in self.jobs:
                        self.jobs[run].renewed = time.monotonic()

    def _command(self, run: str, command: str, reason: str) -> None:
        job = self.jobs.get(run)
        if job is None:
            return
        if command == "stop":
            job.stop_reason = job.stop_reason or reason
            job.kill_at = job.kill_at or time.monotonic() + KILL_AFTER_S
            if job.process is None:
                self._ended(job, 0)
                return
        self._tell(job, command, reason)

    def _tell(self, job: Job, command: str, value: str | float) -> None:
        with suppress(BrokenPipeError):  # the process has just ended, and `_reap` will notice
            job.commands.send((command, value))

    def _replace(self, parent: Job, job: Job) -> None:
        """Put a job in its parent's place in the queue and stop the parent, which leaves no state if it only waits."""
        others = {run: each for run, each in self.jobs.items() if each is not job}
        self.jobs = {}
        for run, each in others.items():
            self.jobs[run] = each
            if each is parent:
                self.jobs[job.run] = job
        if parent.process is None:
            job.parent = parent.parent
        self._command(parent.run, "stop", changes.REASON)

    def _ask(self, order: dict[str, Any]) -> Connection:
        answers: Connection
        answers, answer = self.context.Pipe(duplex=False)
        self._spawn(jobs.answer_job, answer, order["what"], order["values"])
        answer.close()
        self.questions[answers] = order["question"]
        return answers

    def _answer(self, answers: Connection) -> None:
        question = self.questions[answers]
        try:
            answer = answers.recv()
        except (EOFError, OSError):  # the child was killed, perhaps while it was sending a long answer
            answer = None
        if answer and "share" in answer:
            _send(event="share", question=question, share=answer["share"])
            return
        _send(event="answered", question=question, answer=answer)
        del self.questions[answers]
        self.long.discard(answers)
        answers.close()

    # The children.

    def _admit(self) -> None:
        """Start as many jobs as there are free cores, and report to the others their place in the queue."""
        while self.waiting and len(self.long) < self.cores:
            self.long.add(self._ask(self.waiting.pop(0)))
        building = self.builder is not None and self.builder.is_alive()
        training = sum(job.process is not None for job in self.jobs.values())
        place = 0
        for job in list(self.jobs.values()):
            if job.process or job.parent in self.jobs:
                continue
            if not job.folder.exists() and not building:
                self._ended(job, 1)
            elif training < self.cores and job.folder.exists():
                self._train(job)
                training += 1
            else:
                place += 1
                if self.places.get(job.run) != place:
                    self.places[job.run] = place
                    _send(event="queued", run=job.run, place=place)

    def _train(self, job: Job) -> None:
        if job.comparison:
            job.process = self._spawn(
                jobs.compare_job, job.inbox, job.run, job.comparison, str(job.folder), job.database
            )
        else:
            job.process = self._spawn(
                jobs.train_job,
                job.inbox,
                job.run,
                job.config_json,
                str(job.folder),
                job.database,
                job.paused,
                job.pace,
                job.workspace_bytes,
                job.parent,
            )
        job.inbox.close()
        self.places.pop(job.run, None)
        _send(event="started", run=job.run, pid=job.process.pid)

    def _spawn(self, target: Callable[..., None], *args: Any) -> BaseProcess:
        # A fork copies the host's ends of the siblings' pipes. A child that kept one would keep its sibling alive.
        ours = [job.commands for job in self.jobs.values()] if FORKS else []
        process: BaseProcess = self.context.Process(target=_child, args=(ours, target, *args), daemon=True)
        process.start()
        return process

    def _reap(self) -> None:
        for job in list(self.jobs.values()):
            if job.process and job.process.exitcode is not None:
                job.process.join()
                self._ended(job, job.process.exitcode)

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for job in list(self.jobs.values()):
            if self.lease_s and now - job.renewed > self.lease_s and not job.stop_reason:
                self._command(job.run, "stop", "unwatched")
            if job.kill_at and now > job.kill_at and job.process:
                job.process.kill()

    def _ended(self, job: Job, exit_code: int) -> None:
        del self.jobs[job.run]
        self.places.pop(job.run, None)
        job.commands.close()
        job.inbox.close()
        _send(event="ended", run=job.run, exit_code=exit_code, stop_reason=job.stop_reason)

    def _watched(self, commands: LineReader) -> list[Any]:
        sentinels = [job.process.sentinel for job in self.jobs.values() if job.process]
        if self.builder and self.builder.exitcode is None:
            sentinels.append(self.builder.sentinel)
        return [commands.waitable, *self.questions, *sentinels]


def _child(inherited: Sequence[Connection], target: Callable[..., None], *args: Any) -> None:
    if FORKS:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # some children read no pipe of the host
    for connection in inherited:
        connection.close()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a child holding stdout would hide the host's end of file
    torch.set_num_threads(1)
    target(*args)


def _send(**news: Any) -> None:
    sys.stdout.write(json.dumps(news) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m core.host", description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, required=True, help="trainings that may run at once")
    parser.add_argument("--data", type=Path, required=True, help="folder of the built data sets")
    parser.add_argument(
        "--lease-s", type=float, default=0.0, help="seconds after which an unwatched run is stopped; 0: never"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server; its end of file reaches us
    torch.set_num_threads(1)
    warm.warm_training()
    warming = warm.warm_predictions()
    next(warming)  # the first page needs the first prediction at once
    host = Host(cores=options.cores, data_root=options.data, lease_s=options.lease_s)
    try:
        with suppress(BrokenPipeError):  # the server is gone
            _send(event="ready")
            host.serve(LineReader(sys.stdin), warming)
    finally:
        host.end()


if __name__ == "__main__":
    main()

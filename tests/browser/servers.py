"""Start the app's server on a port of its own and end it again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
START_S, END_S, IDLE_S = 30, 5, 10


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Server:
    """A server of the app, with its own log and database."""

    port: int
    folder: Path
    root: Path = ROOT
    _process: subprocess.Popen[bytes] = field(init=False, repr=False)
    _read: int = field(init=False, default=0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "runs.sqlite"

    def __post_init__(self) -> None:
        command = [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "app.py",
            "--server.headless=true",
            f"--server.port={self.port}",
            "--server.address=127.0.0.1",
            "--server.fileWatcherType=none",
        ]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.root,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"BATCHLAB_DATABASE": str(self.database)},
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.end()
            raise

    def becomes_idle(self) -> bool:
        """Wait a moment for every training to end; return whether none is left."""
        until = time.monotonic() + IDLE_S
        while self._trainings():
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return self._process.poll() is None

    def tracebacks(self) -> list[str]:
        """Return the lines of the app's own files in tracebacks that were logged since the last call.

        Streamlit itself logs a traceback now and then when a browser leaves while something is being sent to it.
        """
        log = self._log.read_text()
        new, self._read = log[self._read :], len(log)
        return re.findall(rf'File "{self.root}/(?:app|core|pages|ui)\b.*', new)

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)  # its host ends with it
        try:
            self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _trainings(self) -> int:
        """Count the processes of the server's host that run; one that ended may wait a while to be collected."""
        try:
            hosts = psutil.Process(self._process.pid).children()
            trainings = [child for host in hosts for child in host.children()]
            return sum(each.status() != psutil.STATUS_ZOMBIE for each in trainings)
        except psutil.NoSuchProcess:
            return 0

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + START_S
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1) as answer:
                    answer.read()
                return
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

"""Serve the app in a process of its own, with a new database, for a benchmark to measure."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.host.process import ROOT


@dataclass
class Server:
    """A running server: its address, its process and its database."""

    url: str
    process: psutil.Process
    database: Path

    def cpu_s(self) -> float:
        """Return the CPU time that the server process has used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def serve() -> Iterator[Server]:
    """Serve the app on a free port with a new database, and end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "runs.sqlite"
        command = [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "app.py",
            "--server.headless=true",
            f"--server.port={port}",
            "--server.address=127.0.0.1",
            "--server.fileWatcherType=none",
        ]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"BATCHLAB_DATABASE": str(database)},
            )
        url = f"http://127.0.0.1:{port}"
        try:
            until = time.monotonic() + 30
            while True:
                try:
                    urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.05)
            yield Server(url, psutil.Process(process.pid), database)
        finally:
            process.terminate()
            process.wait()

"""Provide real databases: a SQLite file for each test, and a PostgreSQL server if one is installed."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine

from core.run.config import RunConfig
from core.run.events import Updates
from core.store import Store
from core.store.schema import METADATA

PASSWORD = "never-shown"
MakeUpdates = Callable[..., Updates]


@pytest.fixture
def make_updates() -> MakeUpdates:
    """Return a function of `first` and a count that makes blocks of one plausible run."""

    def make(first: int, count: int, **columns: Any) -> Updates:
        numbers = np.arange(first, first + count)
        noise = np.modf(numbers * 0.618034)[0]
        values = {
            "losses": (2 * np.exp(-numbers / 5_000) + 0.3 * noise).astype(np.float32),
            "rates": 0.05 / (1 + numbers / 100),
            "gradient_norms": noise.astype(np.float32),
            "examples_seen": (numbers + 1) * 100,
            "seconds": (numbers + 1) * 0.001,
        }
        return Updates(first, **(values | columns))

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, path: Path) -> str:
    """Return the address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return str(path)
    url: str = request.getfixturevalue("postgresql")
    engine = create_engine(url)
    METADATA.drop_all(engine)
    engine.dispose()
    return url


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    opened = Store.open(address)
    yield opened
    opened.close()


@pytest.fixture
def run_id(store: Store) -> str:
    store.create("a-run", RunConfig(), owner="host-1", session="tab-1")
    return "a-run"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a server on the loopback interface and return its URL; skip if none is installed."""
    pytest.importorskip("psycopg", reason="the PostgreSQL driver psycopg is not installed")
    folders = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = os.pathsep.join([*folders, os.environ.get("PATH", "")])
    initdb, postgres = shutil.which("initdb", path=found), shutil.which("postgres", path=found)
    if not (initdb and postgres):
        pytest.skip("no PostgreSQL server is installed (initdb and postgres)")
    folder = Path(tempfile.mkdtemp(prefix="batchlab-postgresql-"))
    user: dict[str, Any] = {"cwd": folder}
    if os.getuid() == 0:  # the server refuses to run as root
        user |= {"user": 65534, "group": 65534, "extra_groups": []}
        os.chown(folder, 65534, 65534)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    create = [
        initdb,
        "-D",
        str(folder / "data"),
        "-U",
        "tester",
        "-A",
        "scram-sha-256",
        f"--pwfile={secret}",
        "--no-sync",
    ]
    subprocess.run(create, check=True, capture_output=True, **user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [postgres, "-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen([*serve, "-c", "fsync=off"], stdout=log, stderr=log, text=False, **user)
    try:
        _wait_for(port, server)
        yield f"postgresql+psycopg://tester:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # "fast" does not wait for clients that a failed test may have left
        server.wait(timeout=20)
        shutil.rmtree(folder)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(f"postgresql://tester:{PASSWORD}@127.0.0.1:{port}/postgres").close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)

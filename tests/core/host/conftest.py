"""Share hosts between test files, because each takes seconds to start, and the data sets that they train on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.datasets.build import build
from core.host.client import HostClient
from core.run.choices.datasets import DATASETS
from core.store import Store


@pytest.fixture(scope="session")
def data(data_root: Path) -> Path:
    for name in DATASETS:
        build(name, data_root)
    return data_root


@pytest.fixture(scope="session")
def two_core_host(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostClient]:
    """A host for two trainings at once. A test that kills it costs the next one a start. Tests end their own runs."""
    with host_of(tmp_path_factory.mktemp("two-cores"), data, cores=2) as client:
        yield client


@pytest.fixture(scope="module")
def one_core_host(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostClient]:
    """A host with a single core, on which long questions wait for each other. The last test of a file may close it."""
    with host_of(tmp_path_factory.mktemp("one-core"), data, cores=1) as client:
        yield client


@contextmanager
def host_of(folder: Path, data: Path, *, cores: int) -> Iterator[HostClient]:
    store = Store.open(folder / "runs.sqlite")
    client = HostClient(store, data=data, cores=cores)
    yield client
    client.close()
    store.close()

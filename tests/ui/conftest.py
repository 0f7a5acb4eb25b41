"""The app as Streamlit's AppTest runs it, with a real store and a real host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.core.host.patience import until
from ui.shell.engine import engine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def _installed_components() -> Iterator[None]:
    """Let Streamlit look for components among the installed packages once, not for each app: it takes 0.1 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def _engine_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Name the database of one engine, whose host takes seconds to start; it ends with the session."""
    path = tmp_path_factory.mktemp("database") / "runs.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATCHLAB_DATABASE", str(path))
        yield path
        st.cache_resource.clear()  # closes the engine


@pytest.fixture
def database(_engine_database: Path) -> Iterator[Path]:
    """The database of the app. What a test leaves running is stopped: it would slow down the tests after it."""
    yield _engine_database
    running = engine()
    for run in running.store.active():
        running.client.command(run.id, "stop")
    until(lambda: not running.store.active(), "every run to stop")


@pytest.fixture
def app(database: Path) -> Callable[..., AppTest]:
    """Return a function that opens the app with settings in its address."""

    def open_app(**query: object) -> AppTest:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = str(value)
        return test.run()

    return open_app

"""The app as Streamlit's AppTest runs it, with a real store and a real host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A database for a module's tests, which share one engine; it ends with them."""
    path = tmp_path_factory.mktemp("database") / "runs.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATCHLAB_DATABASE", str(path))
        yield path
        st.cache_resource.clear()  # closes the engine


@pytest.fixture
def app(database: Path) -> Callable[..., AppTest]:
    """Open the app with settings in its address."""

    def open_app(**query: object) -> AppTest:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = str(value)
        return test.run()

    return open_app

"""A database that cannot be opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.run.config import RunConfig
from ui.shell.engine import engine

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def test_a_database_that_cannot_be_opened_is_named_and_the_app_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.sqlite"
    path.write_text("this is not a database at all")
    monkeypatch.setenv("BATCHLAB_DATABASE", str(path))
    st.cache_resource.clear()
    try:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        assert str(path) in test.warning[0].value
        assert "runs-fresh-1.sqlite" in test.warning[0].value
        assert not test.button(key="start").disabled
        assert not test.exception
    finally:
        st.cache_resource.clear()
    assert path.read_text() == "this is not a database at all"


def test_a_run_that_cannot_be_read_any_more_is_a_note(app: Callable[..., AppTest], database: Path) -> None:
    engine().store.create("of-another-time", RunConfig(), owner="somebody", session="")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "UPDATE runs SET config = '{\"dataset\": \"moons-of-another-time\"}', state = 'finished' "
            "WHERE id = 'of-another-time'"
        )
    connection.close()
    test = app(run="of-another-time")
    assert not test.exception
    assert "moons-of-another-time" in test.error[0].value
    assert not test.button(key="start").disabled

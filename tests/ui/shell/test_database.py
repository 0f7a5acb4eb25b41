"""A database that cannot be opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.run.config import RunConfig
from core.store import Store

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


def test_a_run_that_cannot_be_read_any_more_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.sqlite"
    store = Store.open(path)
    store.create("of-another-time", RunConfig(), owner="somebody", session="")
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE runs SET config = \'{"dataset": "moons-of-another-time"}\'')
    connection.close()
    monkeypatch.setenv("BATCHLAB_DATABASE", str(path))
    st.cache_resource.clear()
    try:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        test.query_params["run"] = "of-another-time"
        test.run()
        assert not test.exception
        assert "moons-of-another-time" in test.error[0].value
        assert not test.button(key="start").disabled
    finally:
        st.cache_resource.clear()

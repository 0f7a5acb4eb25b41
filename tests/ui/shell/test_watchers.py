"""Which open page shows which run."""

from __future__ import annotations

import pytest

from ui.shell import watchers
from ui.shell.watchers import Watchers


def test_a_run_is_shown_elsewhere_while_another_open_session_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    open_sessions, known = {"first", "second"}, Watchers()
    monkeypatch.setattr(watchers, "_is_open", open_sessions.__contains__)

    def as_session(name: str) -> None:
        monkeypatch.setattr(watchers, "_session", lambda: name)

    as_session("first")
    known.show("live", "a")
    assert not known.elsewhere("a")
    as_session("second")
    assert known.elsewhere("a")
    known.show("live", "a")
    known.show("compare", "b")
    as_session("first")
    assert known.elsewhere("a")
    assert known.elsewhere("b")
    as_session("second")
    known.show("live", "c")  # replaces the first run
    as_session("first")
    assert not known.elsewhere("a")
    open_sessions.remove("second")
    assert not known.elsewhere("b")
    known.show("memory", "d")
    assert set(known._shown) == {("first", "live"), ("first", "memory")}

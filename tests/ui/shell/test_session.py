"""What a browser session remembers."""

from __future__ import annotations

import ast
import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui.shell.session import Session

UI = Path(__file__).parents[3] / "ui"


@dataclass
class First:
    count: int = 0
    seen: list[int] = field(default_factory=list)


@dataclass
class Second:
    count: int = 5


def test_a_session_keeps_one_state_for_each_class() -> None:
    session = Session()
    session.state(First).count = 2
    session.state(First).seen.append(7)
    assert session.state(First) == First(count=2, seen=[7])
    assert session.state(First) is session.state(First)
    assert session.state(Second) == Second(count=5)


def test_two_sessions_share_no_state() -> None:
    one, other = Session(), Session()
    one.state(First).seen.append(1)
    assert other.state(First) == First()
    assert one.id != other.id


def test_every_state_of_a_feature_can_be_made_without_arguments() -> None:
    found = []
    for path in sorted(UI.glob("*/state.py")):
        module = importlib.import_module(f"ui.{path.parent.name}.state")
        for name, kind in vars(module).items():
            if name.endswith("State") and is_dataclass(kind) and kind.__module__ == module.__name__:
                assert name == f"{path.parent.name.title()}State"
                assert isinstance(kind(), kind)
                found.append(name)
    assert found == [
        "ClaimsState",
        "CompareState",
        "LiveState",
        "MemoryState",
        "SchedulesState",
        "TrajectoriesState",
    ]


def test_a_session_has_no_field_of_a_single_feature() -> None:
    features = {path.parent.name for path in UI.glob("*/state.py")}
    words = {word for each in fields(Session) for word in each.name.split("_")}
    assert words & (features | {"path", "bench", "benches", "claim", "comparison", "arms", "attempts"}) == set()


def test_only_the_session_touches_the_session_state() -> None:
    users = {
        path.relative_to(UI).as_posix()
        for path in sorted(UI.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "session_state"
    }
    assert users == {"shell/session.py"}


def test_a_state_lasts_from_one_script_run_to_the_next(app: Callable[..., AppTest]) -> None:
    test = app().switch_page("pages/trajectories.py").run()
    assert not test.button(key="trajectories_play").click().run().exception
    first = test.session_state["_session"]
    test.run()
    assert test.session_state["_session"] is first


def late(value: str) -> None:
    """A script whose button gives a widget a value that the browser does not have in its next request."""
    import streamlit as st

    from ui.shell.session import current

    session = current()
    session.give_again()
    st.text_input("Size", value, key="size")
    st.button("Give", key="give", on_click=session.give, args=("size", "1000"))
    session.note_sent()


@pytest.mark.parametrize(
    ("wait_s", "typed", "kept"),
    [(0.0, "100", "1000"), (0.0, "500", "500"), (0.0, "1000", "1000"), (0.6, "100", "100")],
    ids=["late", "another value", "acknowledged", "typed again"],
)
def test_a_given_value_outlives_a_request_that_lacks_it(wait_s: float, typed: str, kept: str) -> None:
    test = AppTest.from_function(late, args=("100",)).run()
    test.button(key="give").click().run()
    assert test.text_input(key="size").value == "1000"
    time.sleep(wait_s)
    test.text_input(key="size").set_value(typed).run()
    assert test.text_input(key="size").value == kept


def test_a_given_value_outlives_two_late_requests() -> None:
    test = AppTest.from_function(late, args=("100",)).run()
    test.button(key="give").click().run()
    for _ in range(2):
        test.text_input(key="size").set_value("100").run()
        assert test.text_input(key="size").value == "1000"


def refreshed_late() -> None:
    """A script whose slider reports a change that only the refresh of a fragment can have brought."""
    import streamlit as st

    from ui.shell.session import current

    session = current()
    st.session_state.setdefault("taken", [])
    st.slider(
        "Size", 0, 1_000, 100, key="size", on_change=lambda: st.session_state.taken.append(session.undo_late("size"))
    )
    st.button("Give", key="give", on_click=session.give, args=("size", 500))
    session.note_sent()


def test_a_late_value_is_undone_in_the_callback_so_that_the_next_request_is_no_change() -> None:
    test = AppTest.from_function(refreshed_late).run()
    test.button(key="give").click().run()
    test.slider(key="size").set_value(100).run()
    assert test.session_state["taken"] == [True]
    assert test.slider(key="size").value == 500
    test.slider(key="size").set_value(500).run()
    assert test.session_state["taken"] == [True]

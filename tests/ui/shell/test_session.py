"""What a browser session remembers."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui.shell import session as session_module
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


def giving() -> None:
    """A script with two buttons that each set the field."""
    import streamlit as st

    from ui.shell.session import current

    session = current()
    session.give_again()
    st.text_input("Size", "100", key="size")
    for value in ("100", "1000"):
        st.button(value, key=f"give_{value}", on_click=session.give, args=("size", value))
    session.note_sent()


def size_after(*steps: str) -> str:
    """Return the field's value after steps: a button to click, or the field's value in a request."""
    test = AppTest.from_function(giving).run()
    for step in steps:
        if step.startswith("give"):
            test.button(key=step).click().run()
        else:
            test.text_input(key="size").set_value(step).run()
    return str(test.text_input(key="size").value)


@pytest.mark.parametrize(
    ("requests", "kept"),
    [
        (["100"], "1000"),
        (["100", "100"], "1000"),
        (["500"], "500"),
        (["1000", "100"], "1000"),  # the second request left before the first
        (["500", "100"], "100"),
    ],
    ids=" ".join,
)
def test_a_given_value_outlives_requests_that_lack_it(
    requests: list[str], kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "DELIVERY_S", 60.0)
    assert size_after("give_1000", *requests) == kept


def test_the_former_value_can_be_chosen_again_once_the_browser_has_the_given_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module, "DELIVERY_S", 0.0)
    assert size_after("give_1000", "100") == "100"


@pytest.mark.parametrize("late", ["100", "1000", "7"])
def test_of_several_given_values_the_last_outlives_late_requests(late: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "DELIVERY_S", 60.0)
    assert size_after("7", "give_1000", "give_100", late) == "100"


def test_a_click_soon_after_another_is_not_taken_for_a_late_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request of the second click still has the value from before the first."""
    monkeypatch.setattr(session_module, "DELIVERY_S", 60.0)
    test = AppTest.from_function(giving).run()
    test.button(key="give_1000").click().run()
    test.text_input(key="size").set_value("100")
    assert test.button(key="give_100").click().run().text_input(key="size").value == "100"


@pytest.mark.parametrize("late", [100, 200])
def test_the_form_undoes_a_late_value_of_its_slider(
    late: int, app: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "DELIVERY_S", 60.0)
    test = app()
    for size in (130, 200, 137):
        test.number_input(key="batch_size").set_value(size).run()
    assert {"100", "130", "200", "137"} <= set(test.get_by_key("batch_size_slider").options)
    for _ in range(2):  # the second would be a change, had the first only been ignored
        test.get_by_key("batch_size_slider").set_value(late).run()
        assert test.number_input(key="batch_size").value == test.get_by_key("batch_size_slider").value == 137


@pytest.mark.parametrize(("delivery_s", "kept"), [(60.0, 1_000), (0.0, 100)], ids=["late", "chosen"])
def test_a_page_restores_only_what_a_late_request_has_overwritten(
    delivery_s: float, kept: int, app: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "DELIVERY_S", delivery_s)
    test = app()
    test.button(key="article_1000").click().run()
    test.number_input(key="batch_size").set_value(100).run()
    assert test.number_input(key="batch_size").value == kept


def switching() -> None:
    """A script with Compare's switches that shows the chosen budget."""
    import streamlit as st

    from ui.compare import switches
    from ui.shell.session import current

    session = current()
    session.give_again()
    switches.draw(session)
    st.button("Updates", key="updates", on_click=session.give, args=("compare_budget", "updates"))
    st.text(session.field("compare_budget", ""))
    session.note_sent()


def test_a_late_value_of_a_switch_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "DELIVERY_S", 60.0)
    test = AppTest.from_function(switching).run()

    def chosen(budget: str) -> str:
        return str(test.get_by_key("compare_budget").set_value(budget).run().text[0].value)

    assert chosen("examples") == "examples"
    test.button(key="updates").click().run()
    assert chosen("examples") == "updates"
    assert chosen("seconds") == "seconds"

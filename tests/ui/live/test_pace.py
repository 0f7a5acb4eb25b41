"""The pace on the live page, with real runs and without a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.run.control import FULL_SPEED
from core.store import RunRecord
from tests.core.host.patience import until
from tests.ui.live.test_page import cards, run_until, shown
from ui.shell.engine import engine

App = Callable[..., AppTest]
# A pace that no test outlives; the page offers 1, 5, 20 and 100.
NEVER = 0.001


def named(test: AppTest) -> str | None:
    """Return the pace in the address."""
    found = test.query_params.get("pace")
    return found[0] if isinstance(found, list) else found


def record(test: AppTest) -> RunRecord:
    found = engine().store.run(shown(test))
    assert found is not None
    return found


def label(test: AppTest) -> Any:
    (popover,) = [each for each in test.get("popover") if each.proto.popover.icon.endswith("speed:")]
    return popover.proto.popover.label


def test_the_address_sets_the_pace_and_keeps_it_unless_it_is_full_speed(app: App) -> None:
    test = app(pace=5)
    assert test.select_slider(key="pace").value == 5
    assert label(test) == "5 updates/s"
    assert named(test) == "5"
    test.select_slider(key="pace").set_value(1).run()
    assert (label(test), named(test)) == ("1 update/s", "1")
    test.select_slider(key="pace").set_value(FULL_SPEED).run()
    assert (label(test), named(test)) == ("Full speed", None)


def test_a_pace_that_is_none_is_named_with_the_choices(app: App) -> None:
    test = app(pace="warp")
    assert named(test) is None
    assert label(test) == "Full speed"
    said = "Pace must be one of 1, 5, 20, 100, full, got 'warp'. Using full instead."
    assert [item.value for item in test.warning] == [said]


def test_keys_take_the_next_faster_and_the_next_slower_pace(app: App) -> None:
    test = app(pace=20)
    seen = []
    for way in ("faster", "faster", "faster", "slower", "slower", "slower", "slower", "slower"):
        test.button(key=way).click().run()
        seen.append(named(test))
    assert seen == ["100", None, None, "100", "20", "5", "1", "1"]
    assert [test.button(key=way).proto.shortcut for way in ("slower", "faster")] == ["alt+j", "alt+l"]


@pytest.mark.slow
def test_a_run_starts_at_the_pace_which_changes_without_a_new_run(app: App) -> None:
    test = app(pace=1, budget_value=5)
    test.button(key="start").click().run()
    run_until(test, "Running at 1 update/s")
    assert record(test).facts.pace == 1
    assert "pace" not in record(test).config.to_dict()
    before = shown(test)
    test.select_slider(key="pace").set_value(FULL_SPEED).run()
    run_until(test, "Finished")
    assert shown(test) == before
    assert cards(test)["Updates"] == ("500 / 500", "100% done")


@pytest.mark.slow
def test_two_pages_with_one_run_show_the_same_pace(app: App) -> None:
    test = app(pace=5, budget_value=5000)
    test.button(key="start").click().run()
    other = app(run=shown(test), pace=100)
    assert (label(other), named(other)) == ("5 updates/s", "5")
    other.button(key="faster").click().run()
    assert label(other) == "20 updates/s"
    test.run()
    assert (label(test), named(test)) == ("20 updates/s", "20")
    assert record(test).facts.pace == 20
    test.button(key="stop").click().run()
    run_until(test, "Stopped at update")
    stopped = record(test).facts.pace
    test.button(key="faster").click().run()  # for the next run only
    assert (named(test), record(test).facts.pace) == ("100", stopped)


@pytest.mark.slow
def test_the_time_left_includes_the_waits_and_the_time_taken_does_not(app: App) -> None:
    test = app(budget_value=5, pace=100)
    test.button(key="start").click().run()
    engine().client.set_pace(shown(test), NEVER)
    until(lambda: record(test).facts.horizon, "the start of the training")
    until(lambda: "h" in cards(test.run())["Speed"][1], "the time left at this pace")
    left = 500 - int(cards(test)["Updates"][0].partition(" / ")[0])
    assert cards(test)["Speed"][1].startswith(f"{left * 1000 // 3600}h")  # one update in 1,000 seconds
    test.button(key="stop").click().run()
    run_until(test, "Stopped at update")
    ended = record(test).ended
    assert ended is not None
    assert ended.elapsed_s < 60

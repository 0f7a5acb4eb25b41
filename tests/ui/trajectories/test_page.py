"""The trajectories page: its inputs, its sentences, and a player that its own slider does not stop."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.trajectories.paths import Statistics, statistics, trajectory
from core.trajectories.problems import PROBLEMS, quadratic
from tests.ui.charted import chart
from ui.shell.session import Session
from ui.trajectories import depth
from ui.trajectories import page as trajectories
from ui.trajectories.inputs import Setup
from ui.trajectories.state import TrajectoriesState

App = Callable[..., AppTest]
SETUP = Setup("quadratic", 8, 128, 0.1, "same", 1)


@pytest.fixture
def page(app: App) -> App:
    def open_page(**query: object) -> AppTest:
        test = app(**query).switch_page("pages/trajectories.py")
        for name, value in query.items():  # switching pages clears them
            test.query_params[name] = str(value)
        return test.run()

    return open_page


def words(test: AppTest) -> str:
    assert not test.exception
    return "\n".join([*(item.value for item in test.markdown), *(item.value for item in test.caption)])


def drawn(test: AppTest, side: str) -> list[tuple[float, float]]:
    _, rows = chart(test, f"Path of the {side} batch over the loss")
    return [(row["x"], row["y"]) for row in rows if row["series"] == "path"]


def path(batch_size: int, rate: float, name: str = "quadratic", seed: int = 1) -> list[tuple[float, float]]:
    found = trajectory(PROBLEMS[name](), batch_size=batch_size, rate=rate, updates=256, seed=seed)
    return [tuple(point) for point in found.tolist()]


# Inputs.


def test_the_first_visit_shows_both_paths_to_their_end(page: App) -> None:
    test = page()
    assert drawn(test, "small") == path(8, 0.1)
    assert drawn(test, "large") == path(128, 0.1)
    assert "**Batch size 8**, rate 0.1 \u00b7 Update 256 of 256 \u00b7 2.00 epochs" in words(test)
    assert "**Batch size 128**, rate 0.1 \u00b7 Update 256 of 256 \u00b7 32.00 epochs" in words(test)


def test_inputs_come_from_the_url(page: App) -> None:
    test = page(path_problem="logistic", path_small=4, path_large=64, path_rate=0.05, path_rule="scaled", path_seed=3)
    assert drawn(test, "small") == path(4, 0.05, "logistic", 3)
    assert drawn(test, "large") == path(64, 0.05 * 16, "logistic", 3)


def test_a_choice_puts_its_code_into_the_url_unless_it_is_the_default(page: App) -> None:
    test = page(path_rule="none")
    assert test.get_by_key("path_rule").value == "same"
    test.get_by_key("path_problem").set_value("logistic").run()
    assert {name: test.query_params[name] for name in test.query_params} in (
        {"path_problem": "logistic"},
        {"path_problem": ["logistic"]},
    )
    test.get_by_key("path_problem").set_value("quadratic").run()
    assert list(test.query_params) == []


def test_the_rate_of_the_large_batch_is_the_same_or_scaled_with_its_size() -> None:
    scaled = Setup("quadratic", 8, 128, 0.1, "scaled", 1)
    assert [setup.rate_of("small") for setup in (SETUP, scaled)] == [0.1, 0.1]
    assert [setup.rate_of("large") for setup in (SETUP, scaled)] == [0.1, pytest.approx(1.6)]


def test_the_position_counts_updates_or_epochs_of_both(page: App) -> None:
    test = page()
    test.get_by_key("trajectories_position").set_value(100).run()
    assert "Update 100 of 256 \u00b7 0.78 epochs" in words(test)
    assert "Update 100 of 256 \u00b7 12.50 epochs" in words(test)
    assert len(drawn(test, "small")) == len(drawn(test, "large")) == 101
    assert "rate 0.1 and number of updates. Only the batch size differs." in words(test)
    test.get_by_key("trajectories_mode").set_value("epochs").run()
    assert "**Batch size 8**, rate 0.1 \u00b7 Update 100 of 256 \u00b7 0.78 epochs" in words(test)
    assert "**Batch size 128**, rate 0.1 \u00b7 Update 6 of 16 \u00b7 0.75 epochs" in words(test)
    assert len(drawn(test, "large")) == 7
    assert "rate 0.1 and number of epochs. The batch size differs, and with it the number of updates." in words(test)


def test_no_input_changes_a_specification(page: App) -> None:
    test = page()

    def specifications() -> list[str]:
        return [each.proto.spec for each in test.get("vega_lite_chart")]

    before = specifications()
    assert len(before) == 6
    test.get_by_key("trajectories_position").set_value(3).run()
    test.get_by_key("path_problem").set_value("logistic").run()
    test.get_by_key("path_rate").set_value(2.1).run()
    assert specifications() == before


def test_a_rate_beyond_the_limit_gives_a_warning_and_a_path_that_diverges(page: App) -> None:
    test = page(path_rule="scaled", path_large=1024)
    assert "Rate 12.8 exceeds 2 (2 \u00f7 the largest curvature)" in words(test)
    ((shown, at),) = re.findall(
        r"Update (\d+) of 256 \u00b7 [\d.]+ epochs\n.*\n.*Diverged at update (\d+)", words(test)
    )
    assert shown == at
    assert "Nothing to compare yet." in words(test)
    assert "At rates of 2 and above" in words(page(path_rate=1.9))


def test_a_cloud_needs_a_path_that_has_not_diverged(page: App) -> None:
    test = page(path_rate=2.1)
    test.get_by_key("trajectories_more_choice").set_value("cloud").run()
    assert "Batch size 8 has diverged" in words(test)
    test.get_by_key("trajectories_position").set_value(20).run()
    assert "after 20 updates" in words(test)
    chart(test, "Gradients of random batches")


# Sentences.


def test_a_path_is_described_by_its_own_numbers() -> None:
    problem = quadratic()
    found = trajectory(problem, batch_size=8, rate=0.1, updates=40, seed=1)
    measured = statistics(found, optimum=problem.optimum, radius=problem.radius)
    told = trajectories.description(problem, found, measured, 8)
    assert (
        f"an update turns by **{measured.turn_degrees:.0f}\u00b0** and is **{measured.mean_length:.2g}** long." in told
    )
    assert "An epoch has 128 updates." in told
    assert "The path has not come within 0.4 of the optimum yet." in told
    assert "outside" not in told


def test_a_path_of_one_update_has_no_turn_and_may_be_outside_the_picture() -> None:
    problem = quadratic()
    found = np.array([problem.start, [50.0, 0.0]])
    told = trajectories.description(problem, found, statistics(found, optimum=problem.optimum, radius=0.4), 1_024)
    assert told.startswith("No turn yet. An epoch has 1 update. The loss is ")
    assert told.endswith("The weights are outside the plot.")


def test_the_arrival_is_given_in_updates() -> None:
    problem = quadratic()
    found = np.array([problem.start, [0.1, 0.0], [0.2, 0.0]])
    told = trajectories.description(problem, found, statistics(found, optimum=problem.optimum, radius=0.4), 3)
    assert "The path first came within 0.4 of the optimum after 1 update." in told
    assert "An epoch has 342 updates." in told  # the last one has a single example


def test_the_comparison_uses_the_measurements() -> None:
    def like(turn: float, length: float) -> Statistics:
        return Statistics(0.0, turn, length, 1.0, None, 0.0)

    said = trajectories.compared(SETUP, "updates", like(95.4, 0.6), like(60.0, 0.2))
    assert "batch size 8 turns by **95\u00b0** per update and batch size 128 by **60\u00b0**" in said
    assert "**3 times** as long" in said
    assert "Nothing to compare yet." in trajectories.compared(SETUP, "updates", like(math.nan, 0.6), like(60.0, 0.2))
    assert "Nothing to compare yet." in trajectories.compared(SETUP, "updates", like(90, 0.6), None)


def test_the_two_by_two_names_the_factor_that_was_measured(page: App) -> None:
    text = words(page())
    assert "Raising the rate from 0.06 to 1.6 makes updates **40 times longer**." in text
    assert "Raising the batch size from 8 to 128 makes them **3 times shorter**." in text
    assert "The two rates are 3% and 80% of the largest rate that can settle" in text
    assert "Big strides come from **the learning rate**." in text
    for title in ("**Batch size 8**, rate 0.06", "**Batch size 8**, rate 1.6", "**Batch size 128**, rate 0.06"):
        assert title in text


def test_the_cloud_comes_with_its_law_and_a_table(page: App) -> None:
    test = page()
    test.get_by_key("trajectories_more_choice").set_value("cloud").run()
    text = words(test)
    assert "300 random batches of each size, all at the point that batch size 8 reached after 256 updates." in text
    assert "(1/B) (1,024 \u2212 B) / (1,024 \u2212 1)" in text
    assert "of 6 measurements are within 2 standard errors of it" in text
    assert "| Batch size | Law | Measured | Standard error |" in text
    _, rows = chart(test, "Gradients of random batches")
    sizes = [row["size"] for row in rows if row["series"] == "draw"]
    assert [sizes.count(size) for size in (1, 8, 128)] == [300, 300, 300]


def test_the_cloud_moves_with_the_slider(page: App) -> None:
    test = page(path_problem="logistic", path_small="4")
    test.get_by_key("trajectories_more_choice").set_value("cloud").run()
    assert "that batch size 4 reached after 256 updates" in words(test)
    end = chart(test, "Gradients of random batches")[1]
    test.slider(key="trajectories_position").set_value(0).run()
    assert "that batch size 4 reached after 0 updates" in words(test)
    assert chart(test, "Gradients of random batches")[1] != end


# The player.


def playing(**values: object) -> Session:
    """Return a session whose player is in a state."""
    session = Session()
    vars(session.state(TrajectoriesState)).update(values)
    return session


@pytest.fixture
def slider(monkeypatch: pytest.MonkeyPatch) -> Callable[[Session, int], bool]:
    """Let the browser send a position; return whether that stopped the player."""

    def move(session: Session, position: int) -> bool:
        monkeypatch.setattr(session, "field", lambda name, default: position)
        played, reruns = session.state(TrajectoriesState).plays, SimpleNamespace(count=0)
        monkeypatch.setattr(st, "rerun", lambda: setattr(reruns, "count", reruns.count + 1))
        trajectories._move(session)
        assert reruns.count == (
            played and not session.state(TrajectoriesState).plays
        )  # the timer takes a full run to stop
        return not session.state(TrajectoriesState).plays

    return move


@pytest.mark.parametrize("late", [256, 92, 96])
def test_a_slider_that_lags_behind_does_not_stop_the_player(slider: Callable[[Session, int], bool], late: int) -> None:
    session = playing(position=100, plays=True, sent=[256, 92, 96, 100])
    assert not slider(session, late)
    assert session.state(TrajectoriesState).position == 100


@pytest.mark.parametrize("asked", [0, 88, 95, 104, 255])
def test_moving_the_slider_stops_the_player_there(slider: Callable[[Session, int], bool], asked: int) -> None:
    session = playing(position=100, plays=True, sent=[256, 92, 96, 100])
    assert slider(session, asked)
    assert session.state(TrajectoriesState).position == asked


def test_a_late_position_is_ignored_shortly_after_a_stop_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for since_s, position in ((1.0, 100), (3.0, 96)):
        session = playing(position=100, sent=[92, 96, 100], stopped_s=time.monotonic() - since_s)
        monkeypatch.setattr(session, "field", lambda name, default: 96)
        trajectories._move(session)
        assert session.state(TrajectoriesState).position == position


def test_a_moved_slider_may_be_moved_again_at_once(slider: Callable[[Session, int], bool]) -> None:
    session = playing(position=100, plays=True, sent=[92, 96, 100])
    for asked in (95, 92):
        assert slider(session, asked)
        assert session.state(TrajectoriesState).position == asked


def test_play_restarts_from_the_end_and_one_update_advances_by_one(page: App) -> None:
    test = page()
    test.button(key="trajectories_play").click().run()  # the run that begins to play draws the first positions
    assert "Update 4 of 256" in words(test)
    test.run()
    assert "Update 8 of 256" in words(test)
    test.button(key="trajectories_step").click().run()
    assert "Update 9 of 256" in words(test)
    test.run()
    assert "Update 9 of 256" in words(test)


def test_two_by_two_gives_both_factors_for_length_and_swing() -> None:
    sentences = depth._verdict(depth._crossed("quadratic", 8, 128, 1)).split(". ")
    assert sentences[2:5] == [
        "Raising the rate from 0.06 to 1.6 makes updates **40 times longer**",
        "Raising the batch size from 8 to 128 makes them **3 times shorter**",
        "Big strides come from **the learning rate**",
    ]
    assert re.fullmatch(r"The higher rate makes the last third of a path swing \*\*[\d.]+ times more\*\*", sentences[5])
    assert re.fullmatch(r"The larger batch makes it swing \*\*[\d.]+ times less\*\*", sentences[6])
    assert sentences[7:] == ["What keeps a path from settling is **the learning rate**."]
    whole = depth._verdict(depth._crossed("quadratic", 8, 1_024, 1))
    assert "e-0" not in whole
    assert "**both**" not in whole


def test_a_factor_of_one_is_no_change() -> None:
    assert depth._factor("by_batch", "spread", 1.002, {}) == "The larger batch leaves the swing **unchanged**."
    assert depth._factor("by_batch", "spread", 0.5, {}) == "The larger batch makes it swing **2 times less**."

"""The page of trajectories: what its inputs say, what its words say, and a player that its own slider does not stop."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.trajectories.paths import Statistics, statistics, trajectory
from core.trajectories.problems import PROBLEMS, quadratic
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
        return test.run()

    return open_page


def words(test: AppTest) -> str:
    assert not test.exception
    return "\n".join([*(item.value for item in test.markdown), *(item.value for item in test.caption)])


def chart(test: AppTest, alt: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the specification and the rows of the chart that these words stand for."""
    (proto,) = [each.proto for each in test.get("vega_lite_chart") if each.proto.alt.startswith(alt)]
    return json.loads(proto.spec), pa.ipc.open_stream(proto.data.data).read_all().to_pylist()


def drawn(test: AppTest, side: str) -> list[tuple[float, float]]:
    _, rows = chart(test, f"Path of the {side} batch over the loss")
    return [(row["x"], row["y"]) for row in rows if row["series"] == "path"]


def path(batch_size: int, rate: float, name: str = "quadratic", seed: int = 1) -> list[tuple[float, float]]:
    found = trajectory(PROBLEMS[name](), batch_size=batch_size, rate=rate, updates=256, seed=seed)
    return [tuple(point) for point in found.tolist()]


# Inputs.


def test_a_first_visit_shows_both_paths_to_their_end(page: App) -> None:
    test = page()
    assert drawn(test, "small") == path(8, 0.1)
    assert drawn(test, "large") == path(128, 0.1)
    assert "**8 a batch**, rate 0.1 \u00b7 Update 256 of 256 \u00b7 2.00 epochs" in words(test)
    assert "**128 a batch**, rate 0.1 \u00b7 Update 256 of 256 \u00b7 32.00 epochs" in words(test)


def test_inputs_are_those_of_the_address(page: App) -> None:
    test = page(path_problem="logistic", path_small=4, path_large=64, path_rate=0.05, path_rule="scaled", path_seed=3)
    assert drawn(test, "small") == path(4, 0.05, "logistic", 3)
    assert drawn(test, "large") == path(64, 0.05 * 16, "logistic", 3)


def test_the_rate_of_the_large_batch_is_the_same_or_as_many_times_as_it_is_larger() -> None:
    scaled = Setup("quadratic", 8, 128, 0.1, "scaled", 1)
    assert [setup.rate_of("small") for setup in (SETUP, scaled)] == [0.1, 0.1]
    assert [setup.rate_of("large") for setup in (SETUP, scaled)] == [0.1, pytest.approx(1.6)]


def test_the_position_is_an_update_of_both_or_an_epoch_of_both(page: App) -> None:
    test = page()
    test.get_by_key("trajectories_position").set_value(100).run()
    assert "Update 100 of 256 \u00b7 0.78 epochs" in words(test)
    assert "Update 100 of 256 \u00b7 12.50 epochs" in words(test)
    assert len(drawn(test, "small")) == len(drawn(test, "large")) == 101
    assert "and the number of updates. Only the batch size differs." in words(test)
    test.get_by_key("trajectories_mode").set_value("epochs").run()
    assert "**8 a batch**, rate 0.1 \u00b7 Update 100 of 256 \u00b7 0.78 epochs" in words(test)
    assert "**128 a batch**, rate 0.1 \u00b7 Update 6 of 16 \u00b7 0.75 epochs" in words(test)
    assert len(drawn(test, "large")) == 7
    assert "the number of epochs. With the batch size the number of updates differs." in words(test)


def test_no_change_of_what_is_shown_changes_a_specification(page: App) -> None:
    test = page()

    def specifications() -> list[str]:
        return [each.proto.spec for each in test.get("vega_lite_chart")]

    before = specifications()
    assert len(before) == 6
    test.get_by_key("trajectories_position").set_value(3).run()
    test.get_by_key("path_problem").set_value("logistic").run()
    test.get_by_key("path_rate").set_value(2.1).run()
    assert specifications() == before


def test_a_rate_beyond_the_limit_is_said_to_be_and_its_path_diverges(page: App) -> None:
    test = page(path_rule="scaled", path_large=1024)
    assert "12.8 is beyond 2 (2 \u00f7 the largest curvature)" in words(test)
    ((shown, at),) = re.findall(r"Update (\d+) of 256 \u00b7 [\d.]+ epochs\n.*Diverged at update (\d+)", words(test))
    assert shown == at
    assert "nothing to compare" in words(test)
    assert "from a rate of 2 on" in words(page(path_rate=1.9))


def test_a_cloud_needs_a_point_that_there_is(page: App) -> None:
    test = page(path_rate=2.1)
    test.get_by_key("trajectories_more_choice").set_value("cloud").run()
    assert "8 a batch has diverged" in words(test)
    test.get_by_key("trajectories_position").set_value(20).run()
    assert "after 20 updates" in words(test)
    chart(test, "Gradients of random batches")


# Words.


def test_a_path_is_told_in_its_own_numbers() -> None:
    problem = quadratic()
    found = trajectory(problem, batch_size=8, rate=0.1, updates=40, seed=1)
    measured = statistics(found, optimum=problem.optimum, radius=problem.radius)
    told = trajectories.told(problem, found, measured, 8)
    assert f"**{measured.turn_degrees:.0f}\u00b0** an update" in told
    assert f"**{measured.mean_length:.2g}** long; 128 updates an epoch." in told
    assert "Not yet within 0.4 of the optimum." in told
    assert "outside" not in told


def test_a_path_of_one_update_has_no_turn_and_one_that_left_the_picture_says_so() -> None:
    problem = quadratic()
    found = np.array([problem.start, [50.0, 0.0]])
    told = trajectories.told(problem, found, statistics(found, optimum=problem.optimum, radius=0.4), 1_024)
    assert told.startswith("No turn yet; 1 update an epoch.")
    assert told.endswith("It is outside the picture.")


def test_a_path_that_came_near_says_after_how_many_updates() -> None:
    problem = quadratic()
    found = np.array([problem.start, [0.1, 0.0], [0.2, 0.0]])
    told = trajectories.told(problem, found, statistics(found, optimum=problem.optimum, radius=0.4), 3)
    assert "First within 0.4 of the optimum after 1 update." in told
    assert "342 updates an epoch" in told  # the last one of a single example


def test_what_is_compared_is_what_was_measured() -> None:
    def like(turn: float, length: float) -> Statistics:
        return Statistics(0.0, turn, length, 1.0, None, 0.0)

    said = trajectories.compared(SETUP, "updates", like(95.4, 0.6), like(60.0, 0.2))
    assert "8 a batch turns by **95\u00b0** an update and 128 by **60\u00b0**" in said
    assert "**3 times** as long" in said
    assert "nothing to compare" in trajectories.compared(SETUP, "updates", like(math.nan, 0.6), like(60.0, 0.2))
    assert "nothing to compare" in trajectories.compared(SETUP, "updates", like(90, 0.6), None)


def test_the_two_by_two_names_the_factor_that_was_measured(page: App) -> None:
    text = words(page())
    assert "from a rate of 0.06 to 1.6 the length of an update is multiplied by **40**" in text
    assert "from 8 to 128 a batch it is divided by **3**" in text
    assert "The two rates are 3% and 80% of the largest that can settle" in text
    assert "**the learning rate makes** the pictures of small steps and of big strides" in text
    for title in ("**8 a batch**, rate 0.06", "**8 a batch**, rate 1.6", "**128 a batch**, rate 0.06"):
        assert title in text


def test_the_cloud_comes_with_its_law_in_numbers(page: App) -> None:
    test = page()
    test.get_by_key("trajectories_more_choice").set_value("cloud").run()
    text = words(test)
    assert "300 random batches of each size, all at the one point that 8 a batch has reached after 256 updates" in text
    assert "(1/B) (1,024 \u2212 B) / (1,024 \u2212 1)" in text
    assert "of 6 measurements are within 2 standard errors of it" in text
    assert "| Batch size | Law | Measured | Standard error |" in text
    _, rows = chart(test, "Gradients of random batches")
    sizes = [row["size"] for row in rows if row["series"] == "draw"]
    assert [sizes.count(size) for size in (1, 8, 128)] == [300, 300, 300]


def test_the_cloud_moves_with_the_slider(page: App) -> None:
    test = page(path_problem="logistic", path_small="4")
    test.get_by_key("trajectories_more_choice").set_value("cloud").run()
    assert "that 4 a batch has reached after 256 updates" in words(test)
    end = chart(test, "Gradients of random batches")[1]
    test.slider(key="trajectories_position").set_value(0).run()
    assert "has reached after 0 updates" in words(test)
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
def test_a_slider_that_has_not_heard_of_the_newest_position_does_not_stop_the_player(
    slider: Callable[[Session, int], bool], late: int
) -> None:
    session = playing(position=100, plays=True, sent=[256, 92, 96, 100])
    assert not slider(session, late)
    assert session.state(TrajectoriesState).position == 100


@pytest.mark.parametrize("asked", [0, 88, 95, 104, 255])
def test_a_slider_that_is_moved_stops_it_there(slider: Callable[[Session, int], bool], asked: int) -> None:
    session = playing(position=100, plays=True, sent=[256, 92, 96, 100])
    assert slider(session, asked)
    assert session.state(TrajectoriesState).position == asked


def test_what_is_late_is_so_a_little_while_after_it_stopped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for since_s, position in ((1.0, 100), (3.0, 96)):
        session = playing(position=100, sent=[92, 96, 100], stopped_s=time.monotonic() - since_s)
        monkeypatch.setattr(session, "field", lambda name, default: 96)
        trajectories._move(session)
        assert session.state(TrajectoriesState).position == position


def test_a_slider_that_was_moved_may_be_moved_anywhere_at_once(slider: Callable[[Session, int], bool]) -> None:
    session = playing(position=100, plays=True, sent=[92, 96, 100])
    for asked in (95, 92):
        assert slider(session, asked)
        assert session.state(TrajectoriesState).position == asked


def test_play_begins_anew_at_the_end_and_one_update_goes_on_by_one(page: App) -> None:
    test = page()
    assert test.button(key="trajectories_step").disabled
    test.button(key="trajectories_play").click().run()  # the run that begins to play draws the first positions
    assert "Update 4 of 256" in words(test)
    test.run()
    assert "Update 8 of 256" in words(test)
    test.button(key="trajectories_step").click().run()
    assert "Update 9 of 256" in words(test)
    test.run()
    assert "Update 9 of 256" in words(test)


def test_two_by_two_says_which_factor_makes_more_of_it_and_which_makes_less() -> None:
    cells = depth._crossed("quadratic", 8, 128, 1)
    said = depth._verdict(cells)
    assert "so **the learning rate makes** the pictures of small steps and of big strides, and a larger batch" in said
    assert said.endswith("so **the learning rate makes** what does not settle, and a larger batch makes less of it.")
    whole = depth._verdict(depth._crossed("quadratic", 8, 1_024, 1))
    assert "e-0" not in whole
    assert "both together" not in whole

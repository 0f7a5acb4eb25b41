"""The options of the charts: which there are, and that the chosen ones are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.run.config import RunConfig
from core.run.smoothing import SHARE
from core.store import recorded
from tests.ui.charted import chart
from ui.live.options import SHARES, depths

App = Callable[..., AppTest]


def of(rows: list[dict[str, Any]], series: str, column: str) -> list[Any]:
    return [row[column] for row in rows if row["series"] == series]


@pytest.mark.parametrize("dataset", ["moons", "spirals"])
def test_the_decision_boundary_comes_first_where_examples_are_points(dataset: str) -> None:
    shown = depths(RunConfig(dataset=dataset))
    assert shown == ("plane", "batch", "gradient", "rss", "rhythm", "confusion")


@pytest.mark.parametrize(
    "config",
    [
        RunConfig(),
        RunConfig(dataset="noisy-digits"),
        RunConfig(dataset="mixture"),
        RunConfig(dataset="linear", model="linear"),
    ],
)
def test_other_data_has_no_decision_boundary(config: RunConfig) -> None:
    assert depths(config) == ("batch", "gradient", "rss", "rhythm", "confusion")


def test_the_choices_include_the_default_smoothing_and_none() -> None:
    assert SHARE in SHARES
    assert SHARES[0] == 0.0
    assert list(SHARES) == sorted(SHARES)


# These look at the recorded run, which the page shows before any other.


@pytest.mark.parametrize(
    ("unit", "title"), [("epochs", "epochs"), ("examples", "examples seen"), ("seconds", "seconds of training")]
)
def test_the_axis_has_the_chosen_unit(unit: str, title: str, app: App) -> None:
    recording = recorded.load()
    assert recording is not None
    last = recording.chunks_after(recorded.RUN_ID)[-1].updates
    end = {"epochs": 5.0, "examples": 50_000.0, "seconds": pytest.approx(float(last.seconds[-1]))}[unit]
    test = app()
    _, rows = chart(test, "Training loss")
    assert of(rows, "title", "label") == ["updates"]
    assert max(of(rows, "loss", "x")) == 500
    test.get_by_key("depth").set_value("gradient").run()
    test.get_by_key("x_axis").set_value(unit).run()
    for name, series in (
        ("Training loss", "loss"),
        ("Norm of the gradient", "gradient_norm"),
        ("Length of the update", "update_ratio"),
    ):
        _, rows = chart(test, name)
        assert of(rows, "title", "label") == [title]
        assert max(of(rows, series, "x")) == end
    assert not test.exception


@pytest.mark.parametrize("chosen", [["log_x"], ["log_y"], ["log_x", "log_y"]])
def test_an_axis_is_logarithmic_when_chosen(chosen: list[str], app: App) -> None:
    test = app()
    before, _ = chart(test, "Training loss")
    test.get_by_key("axes").set_value(chosen).run()
    after, _ = chart(test, "Training loss")
    for axis in ("x", "y"):
        was, now = (spec["layer"][0]["encoding"][axis]["scale"].get("type", "linear") for spec in (before, after))
        assert (was, now) == ("linear", "log" if f"log_{axis}" in chosen else "linear")


def test_without_smoothing_the_strong_line_shows_every_update(app: App) -> None:
    test = app()
    _, rows = chart(test, "Training loss")
    assert of(rows, "smoothed_loss", "value")[1:] != of(rows, "loss", "value")[1:]
    smoothing = test.get_by_key("smoothing")
    assert smoothing.value == 0.05
    smoothing.set_value(0.0).run()
    _, rows = chart(test, "Training loss")
    exact = dict(zip(of(rows, "loss", "x"), of(rows, "loss", "exact"), strict=True))
    smoothed = dict(zip(of(rows, "smoothed_loss", "x"), of(rows, "smoothed_loss", "value"), strict=True))
    shared = exact.keys() & smoothed.keys()
    assert len(shared) > 50
    assert all(exact[place] == smoothed[place] for place in shared)


@pytest.mark.parametrize(
    ("choice", "words", "alt"),
    [
        ("gradient", "The norm (length) of the gradient of each update.", "Norm of the gradient"),
        ("gradient", "The length of the update in the middle of each epoch,", "Length of the update"),
        ("rss", "The resident memory of the training process on this machine.", "Resident memory"),
        ("rhythm", "One epoch, with one stroke per weight update.", "One epoch with one stroke"),
    ],
)
def test_the_chosen_chart_is_drawn_with_its_text(choice: str, words: str, alt: str, app: App) -> None:
    test = app()
    test.get_by_key("depth").set_value(choice).run()
    assert [item.value for item in test.caption if item.value.startswith(words)]
    chart(test, alt)
    below = ("Norm", "Resident", "One epoch", "Validation examples", "The plane")
    assert len([each for each in test.get("vega_lite_chart") if each.proto.alt.startswith(below)]) == 1
    assert not test.exception

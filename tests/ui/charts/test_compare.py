"""The charts of a comparison: median and range of the seeds, and positions on each axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.comparison.course import Axis, Course
from tests.ui.charts.scenes import PHONE, scene
from ui.charts.compare import BAND, compare_logarithmic, comparison_table

Say = Callable[..., str]


def course() -> Course:
    """Return a course with three seeds: four updates of 100 and 50 examples, two per epoch, half a second each."""
    return Course(
        planned=4,
        per_epoch=2,
        examples_per_epoch=150,
        effective_batch_size=100,
        seconds_per_update=0.5,
        updates=np.array([1.0, 2.0, 4.0]),
        rate=np.array([0.4, 0.3, 0.1]),
        series={"loss": np.array([[3.0, 2.0, 7.0], [1.0, np.nan, 2.0], [0.0, 0.5, 1.0]])},
    )


def band(name: str, axis: Axis, say: Say) -> list[tuple[Any, ...]]:
    table = comparison_table(name, [course()], ["A"], say, axis=axis)
    rows = [row for row in table.to_pylist() if row["series"] == BAND]
    assert {row["row"] for row in rows} == {"A"}
    return [(row["x"], row["value"], row["low"], row["high"]) for row in rows]


def test_a_point_is_the_median_of_the_seeds_and_the_band_goes_from_the_lowest_to_the_highest(say: Say) -> None:
    first, second, third = band("loss", "updates", say)
    assert first == (1.0, 3.0, 2.0, 7.0)
    assert second == (2.0, 1.5, 1.0, 2.0)  # the third seed has no value here
    assert third == (4.0, 0.75, 0.5, 1.0)  # a logarithmic axis has no place for 0


def test_a_rate_is_drawn_where_its_update_begins(say: Say) -> None:
    assert band("rate", "updates", say) == [(0.0, 0.4, 0.4, 0.4), (1.0, 0.3, 0.3, 0.3), (3.0, 0.1, 0.1, 0.1)]
    assert [x for x, *_ in band("rate", "epochs", say)] == [0.0, 0.5, 1.5]


def test_points_are_converted_to_the_chosen_axis(say: Say) -> None:
    assert [x for x, *_ in band("loss", "epochs", say)] == [0.5, 1.0, 2.0]
    assert [x for x, *_ in band("loss", "examples", say)] == [100.0, 150.0, 300.0]
    assert [x for x, *_ in band("loss", "seconds", say)] == [0.5, 1.0, 2.0]


def test_a_name_that_is_longer_than_the_chart_ends_early_in_its_legend(say: Say) -> None:
    names = ["A", "Learning rate 0.5, constant, on a larger network and with another start"]
    chart = compare_logarithmic(say, ("Title", "settings", *names))
    seen = scene(chart, comparison_table("loss", [course(), course()], names, say, axis="updates"), width=PHONE)
    short, long = (box for box in seen.texts if box.role == "legend-label")
    assert (short.text, short.ends_early) == ("A", False)
    assert (long.text, long.ends_early) == (names[1], True)
    width, _ = seen.plot
    assert long.right <= width

"""The charts of a comparison: median and band of the seeds, and where on an axis a figure stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.comparison.course import Axis, Course
from ui.charts.compare import ARMS, BAND, comparison_table

Say = Callable[..., str]


def course() -> Course:
    """Return four updates of 100 and 50 examples, two an epoch, half a second each, with three seeds."""
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
    assert {(row["row"], row["label"]) for row in rows} == {(ARMS[0], "A")}
    return [(row["x"], row["value"], row["low"], row["high"]) for row in rows]


def test_a_point_is_the_median_of_the_seeds_and_the_band_goes_from_the_lowest_to_the_highest(say: Say) -> None:
    first, second, third = band("loss", "updates", say)
    assert first == (1.0, 3.0, 2.0, 7.0)
    assert second == (2.0, 1.5, 1.0, 2.0)  # of the two that there are
    assert third == (4.0, 0.75, 0.5, 1.0)  # a logarithmic axis has no place for 0


def test_a_rate_stands_where_the_update_that_had_it_begins(say: Say) -> None:
    assert band("rate", "updates", say) == [(0.0, 0.4, 0.4, 0.4), (1.0, 0.3, 0.3, 0.3), (3.0, 0.1, 0.1, 0.1)]
    assert [x for x, *_ in band("rate", "epochs", say)] == [0.0, 0.5, 1.5]


def test_what_was_made_is_counted_in_what_the_axis_asks_for(say: Say) -> None:
    assert [x for x, *_ in band("loss", "epochs", say)] == [0.5, 1.0, 2.0]
    assert [x for x, *_ in band("loss", "examples", say)] == [100.0, 150.0, 300.0]
    assert [x for x, *_ in band("loss", "seconds", say)] == [0.5, 1.0, 2.0]

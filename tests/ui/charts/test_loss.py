"""The table of the loss: the recorded values at the resolution of the chart, and the previous run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.run.config import RunConfig
from core.run.events import Epoch
from core.store.reader import RunReader
from ui.charts.loss import loss_table

CONFIG = RunConfig()  # 10,000 examples in batches of 100: 100 updates an epoch
DIGITS = RunConfig(dataset="digits", batch_size=100)  # 1,437 examples: 15 updates an epoch
Say = Callable[..., str]
ReaderOf = Callable[..., RunReader]


def of(table: pa.Table, series: str, *columns: str) -> list[Any]:
    """Return the rows of a series, or one of its columns."""
    rows = [row for row in table.to_pylist() if row["series"] == series]
    return [row[columns[0]] for row in rows] if len(columns) == 1 else rows


def end_of(table: pa.Table) -> float:
    return max(of(table, "extent", "x"))


def test_the_table_follows_the_run_and_holds_what_was_recorded(reader_of: ReaderOf, say: Say) -> None:
    epoch = Epoch(1, 3, 3, True, 1.0, 0.25, 0.9, 0.03)
    table = loss_table(CONFIG, reader_of([2.0, 1.0, 0.5], epochs=[epoch]), 500, say)
    assert of(table, "extent", "x") == [0.0, 10.0]
    assert of(table, "loss", "x") == [1.0, 2.0, 3.0]
    assert of(table, "loss", "value") == of(table, "loss", "exact") == [2.0, 1.0, 0.5]
    assert [(row["x"], row["value"]) for row in of(table, "validation_loss")] == [(3.0, 0.25)]
    # Debiased averages: (0.9 * 2 + 1) / 1.9 and (0.81 * 2 + 0.9 * 1 + 0.5) / 2.71.
    assert of(table, "smoothed_loss", "value") == pytest.approx([2.0, 2.8 / 1.9, 3.02 / 2.71])


def test_the_chosen_smoothing_is_used_and_none_draws_every_update(reader_of: ReaderOf, say: Say) -> None:
    reader = reader_of([2.0, 1.0, 0.5])
    half = loss_table(CONFIG, reader, 500, say, beta=0.5)
    assert of(half, "smoothed_loss", "value") == pytest.approx(
        [2.0, (0.5 * 2 + 1) / 1.5, (0.25 * 2 + 0.5 + 0.5) / 1.75]
    )
    none = loss_table(CONFIG, reader, 500, say, beta=0.0)
    assert of(none, "smoothed_loss", "value") == [2.0, 1.0, 0.5]


def test_the_axes_are_open_before_the_first_loss_and_start_at_zero_after_it(reader_of: ReaderOf, say: Say) -> None:
    for nothing in (None, reader_of([])):
        guessing = pytest.approx(2.302585)  # ln(10)
        assert of(loss_table(CONFIG, nothing, 500, say), "extent", "value") == [0.0, guessing]
        assert of(loss_table(CONFIG, nothing, 500, say, log=True), "extent", "value") == [guessing, guessing]
        assert of(loss_table(CONFIG, nothing, 500, say, empty="nothing"), "note", "label") == ["nothing"]
    assert of(loss_table(CONFIG, reader_of([2.0]), 500, say, empty="nothing"), "note") == []
    assert of(loss_table(CONFIG.replace(dataset="linear", model="linear"), None, 500, say), "extent", "value") == [0, 1]
    assert of(loss_table(CONFIG, reader_of([2.0]), 500, say), "extent", "value") == [0.0, 0.0]


def test_a_loss_that_is_not_finite_is_a_gap(reader_of: ReaderOf, say: Say) -> None:
    table = loss_table(CONFIG, reader_of([2.0, float("inf"), float("nan"), 1.0]), 4, say)
    np.testing.assert_array_equal(of(table, "loss", "value"), [2.0, np.nan, np.nan, 1.0])
    table = loss_table(CONFIG, reader_of([float("nan")] * 3), 4, say)
    assert np.isnan(of(table, "loss", "value")).all()
    assert end_of(table) == 4


def test_a_long_run_is_drawn_with_at_most_400_points_per_series(reader_of: ReaderOf, say: Say) -> None:
    reader = reader_of(list(np.linspace(2, 0, 5_000)))
    table = loss_table(CONFIG, reader, 5_000, say, ghost=reader, ghost_name="itself")
    for series in ("loss", "smoothed_loss", "ghost"):
        assert 100 < len(of(table, series)) <= 400
        assert of(table, series, "x")[-1] == 5_000


# The x axis.


@pytest.mark.parametrize("x", ["updates", "epochs", "examples", "seconds"])
def test_the_title_of_the_axis_follows_its_unit(x: Any, say: Say) -> None:
    table = loss_table(CONFIG, None, 500, say, x=x)
    assert of(table, "title", "label") == [f"<axis.{x}>"]


@pytest.mark.parametrize(
    ("x", "places"),
    [
        ("updates", [1.0, 15.0, 30.0]),
        ("epochs", [1 / 15, 1.0, 2.0]),
        ("examples", [100.0, 1_437.0, 2_874.0]),
        ("seconds", [0.01, 0.15, 0.30]),
    ],
)
def test_the_updates_stand_at_their_places_in_the_unit_of_the_axis(
    x: Any, places: list[float], reader_of: ReaderOf, say: Say
) -> None:
    seen = [1_437 * epoch + min(100 * batch, 1_437) for epoch in (0, 1) for batch in range(1, 16)]
    table = loss_table(DIGITS, reader_of([1.0] * 30, config=DIGITS, examples_seen=seen), 75, say, x=x)
    drawn = of(table, "loss", "x")
    assert [drawn[0], drawn[14], drawn[29]] == pytest.approx(places)


@pytest.mark.parametrize(
    ("changes", "planned", "x", "end"),
    [
        ({}, 500, "updates", 500),
        ({}, 500, "epochs", 5),
        ({}, 500, "examples", 50_000),
        ({"budget": "updates", "budget_value": 250}, 250, "epochs", 2.5),
        ({"budget": "updates", "budget_value": 250}, 250, "examples", 25_000),
        ({"batch_size": 300}, 170, "epochs", 5),
        ({"batch_size": 300}, 170, "examples", 50_000),
        ({"batch_size": 300, "drop_last": True}, 165, "examples", 49_500),
        ({"accumulate": 8, "drop_last": True}, 60, "examples", 48_000),
        ({"budget": "seconds", "budget_value": 12}, None, "seconds", 12),
        ({"budget": "seconds", "budget_value": 12}, 900, "updates", 900),
        ({}, 500, "seconds", 1),  # how long it will take is not known
    ],
)
def test_the_axis_ends_where_the_plan_does(
    changes: dict[str, Any], planned: int | None, x: Any, end: float, say: Say
) -> None:
    assert end_of(loss_table(CONFIG.replace(**changes), None, planned, say, x=x)) == pytest.approx(end)


@pytest.mark.parametrize(
    ("updates", "planned", "end"),
    [(1, 500, 10), (10, 500, 10), (11, 500, 20), (112, 50_000, 200), (200, 50_000, 200), (460, 490, 490), (30, 20, 30)],
)
def test_the_axis_follows_a_run_in_steps_and_ends_at_the_plan(
    updates: int, planned: int, end: int, reader_of: ReaderOf, say: Say
) -> None:
    reader = reader_of([1.0] * updates)
    assert end_of(loss_table(CONFIG, reader, planned, say)) == end
    assert end_of(loss_table(CONFIG, reader, planned, say, x="epochs")) == pytest.approx(end / 100)
    assert end_of(loss_table(CONFIG, reader, planned, say, whole=True)) == max(planned, updates)


def test_a_run_without_a_plan_is_followed_too(reader_of: ReaderOf, say: Say) -> None:
    assert end_of(loss_table(CONFIG, reader_of([1.0] * 30), None, say)) == 50


@pytest.mark.parametrize("updates", [16, 112, 500])
def test_the_axis_of_an_ended_run_ends_with_its_last_update(updates: int, reader_of: ReaderOf, say: Say) -> None:
    reader = reader_of([1.0] * updates, ended=True)
    assert end_of(loss_table(CONFIG, reader, 50_000, say)) == updates
    assert end_of(loss_table(CONFIG, reader, 50_000, say, x="seconds")) == pytest.approx(updates / 100)
    assert end_of(loss_table(CONFIG, reader, 50_000, say, whole=True)) == 50_000


def test_an_axis_in_seconds_follows_the_run_up_to_its_budget(reader_of: ReaderOf, say: Say) -> None:
    reader = reader_of([1.0] * 300)
    assert end_of(loss_table(CONFIG, reader, 500, say, x="seconds")) == 5
    for budget, end in ((2.0, 3.0), (4.0, 4.0), (60.0, 5.0)):
        config = CONFIG.replace(budget="seconds", budget_value=budget)
        assert end_of(loss_table(config, reader, 500, say, x="seconds")) == pytest.approx(end)
        assert end_of(loss_table(config, reader, 500, say, x="seconds", whole=True)) == max(3.0, budget)


def test_a_logarithmic_x_axis_begins_with_the_first_update(reader_of: ReaderOf, say: Say) -> None:
    assert of(loss_table(CONFIG, reader_of([1.0] * 30), 500, say, log_x=True), "extent", "x") == [1.0, 50.0]
    assert of(loss_table(CONFIG, reader_of([1.0]), 1, say, log_x=True), "extent", "x") == [0.1, 1.0]
    assert of(loss_table(CONFIG, None, 500, say, log_x=True), "extent", "x") == [0.5, 500.0]


def test_settings_that_cannot_be_trained_have_an_axis_too(say: Say) -> None:
    for x in ("updates", "epochs", "examples", "seconds"):
        assert end_of(loss_table(None, None, None, say, x=x)) == 1  # type: ignore[arg-type]


def test_the_axis_of_a_very_long_run_ends_where_its_beginning_can_be_seen(reader_of: ReaderOf, say: Say) -> None:
    assert end_of(loss_table(CONFIG, reader_of([2.0, 1.0]), 500_000, say, whole=True)) == 100_000
    assert end_of(loss_table(CONFIG, reader_of([1.0] * 100_001), 500_000, say, whole=True)) == 200_000
    assert end_of(loss_table(CONFIG, reader_of([1.0] * 100_001), 150_000, say, whole=True)) == 150_000


# Single updates far above the rest.


def test_a_spike_is_cut_at_a_fifth_above_the_smoothed_loss_and_the_chart_says_so(reader_of: ReaderOf, say: Say) -> None:
    losses = [1.0] * 50 + [123.5] + [1.0] * 49
    table = loss_table(CONFIG, reader_of(losses), 100, say)
    highest = (np.array(losses)[:51] * 0.9 ** np.arange(50, -1, -1)).sum() / (0.9 ** np.arange(51)).sum()  # the average
    drawn = of(table, "loss", "value")
    assert max(drawn) == drawn[50] == pytest.approx(1.2 * highest)
    assert drawn[:50] + drawn[51:] == [1.0] * 99
    assert of(table, "loss", "exact")[50] == pytest.approx(123.5)  # what the tooltip says
    assert of(table, "cut", "label") == ["<chart.loss.cut highest={}>"]
    assert of(table, "cut", "exact") == [pytest.approx(123.5)]  # the browser writes it in place of the braces


def test_a_loss_that_wavers_is_not_cut(reader_of: ReaderOf, say: Say) -> None:
    losses = [1.0] * 50 + [1.49] + [1.0] * 49  # the smoothed loss is above 1 beside it
    table = loss_table(CONFIG, reader_of(losses), 100, say)
    assert max(of(table, "loss", "value")) == pytest.approx(1.49)
    assert of(table, "cut") == []


def test_a_high_validation_loss_leaves_room_for_the_updates(reader_of: ReaderOf, say: Say) -> None:
    epoch = Epoch(1, 100, 100, True, 1.0, 10.0, 0.9, 1.0)
    losses = [1.0] * 50 + [14.0] + [1.0] * 49
    table = loss_table(CONFIG, reader_of(losses, epochs=[epoch]), 100, say)
    assert max(of(table, "loss", "value")) == 14.0
    assert of(table, "cut") == []


def test_a_logarithmic_axis_cuts_nothing_and_has_gaps_where_the_loss_is_not_positive(
    reader_of: ReaderOf, say: Say
) -> None:
    epoch = Epoch(1, 4, 4, True, 1.0, 0.0, 0.9, 1.0)
    reader = reader_of([1.0, 0.0, -2.0, 900.0], epochs=[epoch])
    table = loss_table(CONFIG, reader, 4, say, log=True, beta=0.0)
    for series in ("loss", "smoothed_loss"):
        np.testing.assert_array_equal(of(table, series, "value"), [1.0, np.nan, np.nan, 900.0])
        assert of(table, series, "exact") == [1.0, 0.0, -2.0, 900.0]
    assert np.isnan(of(table, "validation_loss", "value")).all()
    assert of(table, "cut") == []
    assert of(table, "extent", "value") == [900.0, 900.0]  # no zero, which has no logarithm


def test_the_pointer_tells_the_loss_of_the_very_update(reader_of: ReaderOf, say: Say) -> None:
    losses = 1.0 + np.random.default_rng(0).standard_normal(5_000) / 8
    reader = reader_of(losses.tolist(), config=CONFIG)
    for log_x in (False, True):
        table = loss_table(CONFIG, reader, 5_000, say, x="epochs", log_x=log_x)
        told = [label.split("|") for label in of(table, "pointer", "label")]
        numbers = [round(100 * float(at)) for at, *_ in told]
        assert (numbers[0], numbers[-1]) == (1, 5_000)
        assert [float(loss) for _, _, loss, *_ in told] == pytest.approx(losses[np.array(numbers) - 1], rel=1e-6)
        early = sum(number < 500 for number in numbers)
        assert early > 30 if log_x else early == 6
        lost = loss_table(CONFIG, reader_of([1.0, np.inf, np.nan]), 5, say, log_x=log_x)
        assert [label.split("|")[2] for label in of(lost, "pointer", "label")] == ["1", "", ""]


# The run before.


@pytest.mark.parametrize(
    ("updates", "end", "drawn"),
    [(25, 50, 25), (75, 75, 75), (100, 100, 100), (195, 100, 100)],
)
def test_the_previous_run_is_drawn_at_most_twice_as_far_as_this_one(
    updates: int, end: float, drawn: int, reader_of: ReaderOf, say: Say
) -> None:
    ghost = reader_of([3.0] * updates)
    table = loss_table(CONFIG, reader_of([2.0]), 50, say, whole=True, ghost=ghost, ghost_name="before")
    assert of(table, "ghost", "x") == list(range(1, drawn + 1))
    assert of(table, "ghost", "value") == of(table, "ghost", "exact") == pytest.approx([3.0] * drawn)
    assert end_of(table) == end
    arrow = " \u2192" if updates > drawn else ""  # it went on
    assert of(table, "ghost_name", "label") == [f"\u2508 before{arrow}"]


def test_the_previous_run_has_the_same_smoothing_and_unit(reader_of: ReaderOf, say: Say) -> None:
    before = CONFIG.replace(batch_size=1_000)  # 10 updates an epoch
    ghost = reader_of([4.0, 2.0] + [1.0] * 8, config=before)
    table = loss_table(CONFIG, None, 500, say, x="epochs", ghost_beta=0.0, ghost=ghost, ghost_name="before")
    assert of(table, "ghost", "x") == pytest.approx(np.arange(1, 11) / 10)
    assert of(table, "ghost", "value") == [4.0, 2.0] + [1.0] * 8


def test_a_previous_run_without_updates_is_not_drawn(reader_of: ReaderOf, say: Say) -> None:
    table = loss_table(CONFIG, None, 500, say, ghost=reader_of([]), ghost_name="before")
    assert set(table["series"].to_pylist()) == {"title", "caption", "note", "extent"}
    assert end_of(table) == 500


def test_the_previous_run_cuts_no_update_of_this_one(reader_of: ReaderOf, say: Say) -> None:
    table = loss_table(CONFIG, reader_of([1.0] * 9), 9, say, ghost=reader_of([90.0] * 9), ghost_name="before")
    assert of(table, "loss", "value") == [1.0] * 9
    assert max(of(table, "ghost", "value")) == pytest.approx(90.0)


def test_an_exploded_loss_does_not_flatten_the_rest(reader_of: ReaderOf, say: Say) -> None:
    losses = [2.0] * 5 + [1e30, 1e34]
    for table in (
        loss_table(CONFIG, reader_of(losses), 7, say, beta=0.0),
        loss_table(CONFIG, reader_of([1.0] * 9), 9, say, ghost_beta=0.0, ghost=reader_of(losses), ghost_name="before"),
    ):
        assert np.nanmax(table["value"].to_numpy()) <= 1.2 * 20 * 2.0
    assert np.isfinite(of(table, "ghost", "value")).tolist() == [True] * 5 + [False] * 2


def test_the_previous_run_has_gaps_on_a_logarithmic_axis_too(reader_of: ReaderOf, say: Say) -> None:
    ghost = reader_of([4.0, 0.0, 1.0])
    table = loss_table(CONFIG, None, 3, say, log=True, ghost_beta=0.0, ghost=ghost, ghost_name="before")
    np.testing.assert_array_equal(of(table, "ghost", "value"), [4.0, np.nan, 1.0])

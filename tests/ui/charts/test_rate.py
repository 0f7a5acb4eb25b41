"""The table of the learning rate: the plan, the actual rates, and the intended plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.run.choices.schedules import SCHEDULES
from core.run.config import RunConfig
from core.store.reader import RunReader
from ui.charts.rate import planned_rates, rate, rate_table, small_rate
from ui.charts.style import Spec

Say = Callable[..., str]
Specs = Callable[[Callable[..., Spec]], Spec]
ReaderOf = Callable[..., RunReader]


def of(table: pa.Table, series: str) -> list[tuple[Any, Any, Any]]:
    return [(row["x"], row["value"], row["label"]) for row in table.to_pylist() if row["series"] == series]


def line(table: pa.Table, series: str) -> tuple[list[float], list[float]]:
    rows = of(table, series)
    return [x for x, _, _ in rows], [value for _, value, _ in rows]


def drawn(table: pa.Table) -> set[str]:
    """Return the series of a table, without what the pointer tells and the line of settings."""
    return set(table["series"].to_pylist()) - {"pointer", "caption"}


# The plan.


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_plan_starts_with_the_first_update_and_ends_with_the_last(schedule: str) -> None:
    places, rates = planned_rates(RunConfig(schedule=schedule), 10_000)
    assert len(places) == len(rates) == 400
    assert (places[0], places[-1]) == (1, 10_000)
    assert rates.max() <= 0.05 + 1e-12


def test_a_short_plan_has_every_update() -> None:
    places, _ = planned_rates(RunConfig(), 7)
    assert places.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_cosine_is_planned_as_half_a_cosine() -> None:
    _, rates = planned_rates(RunConfig(lr=1.0), 100)
    np.testing.assert_allclose(rates, (1 + np.cos(np.pi * np.arange(100) / 100)) / 2)


def test_a_schedule_planned_for_another_batch_size_ends_early() -> None:
    wrong = RunConfig(
        schedule="linear", lr=1.0, budget_value=1, schedule_batch_size=2_500
    )  # 100 updates, planned for 4
    places, rates = planned_rates(wrong, 100)
    assert places.tolist() == list(range(1, 101))
    assert rates.tolist() == [1.0, 0.75, 0.5, 0.25] + [0.0] * 96
    _, right = planned_rates(wrong.replace(schedule_batch_size=None), 100)
    np.testing.assert_allclose(right, 1 - np.arange(100) / 100)


def test_the_table_holds_the_plan_and_opens_the_axes_to_the_end_and_the_peak(say: Say) -> None:
    table = rate_table(RunConfig(schedule="linear", lr=0.4), 4, None, say)
    assert of(table, "extent") == [(0.0, 0.0, ""), (4.0, 0.4, "")]
    places, rates = line(table, "planned")
    assert places == [1, 2, 3, 4]
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert drawn(table) == {"extent", "planned"}


@pytest.mark.parametrize(("schedule", "horizon"), [("plateau", 500), ("cosine", None)])
def test_no_rate_is_planned_without_a_horizon_or_under_plateau(schedule: str, horizon: int | None, say: Say) -> None:
    table = rate_table(RunConfig(schedule=schedule), horizon, None, say)
    assert drawn(table) == {"extent"}
    assert of(table, "extent")[1][0] == (horizon or 1)


# The plan that was meant.


def test_a_plan_for_another_batch_size_is_drawn_with_the_intended_one(say: Say) -> None:
    config = RunConfig(schedule="linear", lr=1.0, budget_value=1, schedule_batch_size=2_500)
    table = rate_table(config, 100, None, say)
    assert line(table, "planned")[1] == [1.0, 0.75, 0.5, 0.25] + [0.0] * 96
    places, rates = line(table, "intended")
    assert places == list(range(1, 101))
    np.testing.assert_allclose(rates, 1 - np.arange(100) / 100)
    (name,) = of(table, "intended_name")
    assert name[2] == "\u2508 <chart.rate.intended size=100>"  # in the row of the title, where no line is


@pytest.mark.parametrize(
    "changes", [{}, {"schedule_batch_size": 100}, {"schedule": "plateau", "schedule_batch_size": 9}]
)
def test_the_intended_plan_is_drawn_only_where_it_differs(changes: dict[str, Any], say: Say) -> None:
    table = rate_table(RunConfig(**changes), 500, None, say)
    assert not {"intended", "intended_name"} & set(table["series"].to_pylist())


# What came of it.


def test_the_rates_of_a_run_are_drawn_with_a_point_at_the_current_update(reader_of: ReaderOf, say: Say) -> None:
    table = rate_table(RunConfig(), 500, reader_of([1.0] * 3, rates=[0.5, 0.25, 0.125]), say)
    assert line(table, "actual") == ([1, 2, 3], [0.5, 0.25, 0.125])
    assert of(table, "here") == [(3.0, 0.125, "")]


def test_the_point_of_a_long_run_is_at_the_last_update(reader_of: ReaderOf, say: Say) -> None:
    rates = np.linspace(0.5, 0.25, 5_000)
    table = rate_table(RunConfig(), 5_000, reader_of([1.0] * 5_000, rates=rates), say)
    places, _ = line(table, "actual")
    assert 100 < len(places) <= 400
    assert places[-1] == 5_000
    assert of(table, "here") == [(5_000.0, 0.25, "")]


def test_the_point_is_named_above_the_plot_where_no_line_is(reader_of: ReaderOf, say: Say, spec_of: Specs) -> None:
    table = rate_table(RunConfig(), 100, reader_of([1.0] * 70), say)
    assert [text for _, _, text in of(table, "here_name")] == ["\u25cf <chart.rate.here>"]
    (name,) = [
        layer for layer in spec_of(rate)["layer"] if {"filter": "datum.series == 'here_name'"} in layer["transform"]
    ]
    assert name["encoding"]["y"]["value"] < 0


def test_the_pointer_reads_the_planned_and_the_actual_rate(reader_of: ReaderOf, say: Say) -> None:
    table = rate_table(RunConfig(schedule="constant"), 4, reader_of([1.0] * 2, rates=[0.5, 0.25]), say)
    assert [text for _, _, text in of(table, "pointer")] == ["1|0.05|0.5", "2|0.05|0.25", "3|0.05|", "4|0.05|"]
    before = rate_table(RunConfig(schedule="plateau"), None, reader_of([1.0], rates=[0.5]), say)
    assert [text for _, _, text in of(before, "pointer")] == ["1||0.5"]


def test_before_the_first_update_there_is_no_point(reader_of: ReaderOf, say: Say) -> None:
    table = rate_table(RunConfig(), 500, reader_of([]), say)
    assert drawn(table) == {"extent", "planned"}


def test_a_run_beyond_its_horizon_is_drawn_to_its_end(reader_of: ReaderOf, say: Say) -> None:
    config = RunConfig(budget="seconds", budget_value=1)
    assert of(rate_table(config, 20, reader_of([1.0] * 30, config=config), say), "extent")[1][0] == 30


# How it is drawn.


def test_the_preview_is_the_same_chart_smaller_and_without_a_key(spec_of: Specs) -> None:
    large, small = spec_of(rate), spec_of(small_rate)
    assert large["height"] > small["height"]
    assert large["title"]["text"] == "<chart.rate>"
    assert "title" not in small
    for spec, has_key in ((large, True), (small, False)):
        for channel in ("color", "strokeDash"):
            told = [layer["encoding"][channel] for layer in spec["layer"] if channel in layer["encoding"]]
            assert [each["legend"] is not None for each in told] == [has_key] * 2


def test_planned_and_actual_rates_differ_without_colour(spec_of: Specs) -> None:
    dashes = [layer["encoding"]["strokeDash"] for layer in spec_of(rate)["layer"] if "strokeDash" in layer["encoding"]]
    assert len(dashes) == 2
    for dash in dashes:
        assert dash["scale"] == {"domain": ["planned", "actual"], "range": [[5, 4], [1, 0]]}

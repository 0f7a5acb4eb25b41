"""The table of peak memory against batch size: layers, the limit, and measured runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from core.forecast.records import Curve, Point
from core.run.events import CATEGORIES, Peak
from core.words.catalogue import Catalogue
from ui.charts.memory.curve import curve, log_curve
from ui.charts.memory.curve_table import curve_table
from ui.charts.style import CATEGORY_COLOURS, Spec

MIB = 2**20
LAYERS = [*CATEGORIES, "workspace"]
Chart = Callable[[Callable[..., str]], Spec]
PeakOf = Callable[..., Peak]


@pytest.fixture(scope="module")
def line(peak_of: PeakOf) -> Curve:
    """Return 2 MiB of parameters and 1 of activations for each example, with half a MiB of workspace."""

    def point(batch_size: int) -> Point:
        peak = peak_of(parameters=2, activations=batch_size).with_workspace(MIB // 2)
        return Point(batch_size, peak, verified=True)

    return Curve((point(1), point(10), point(4)), (), 6, {})


def of(table: pa.Table, series: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["series"] == series]


def column(table: pa.Table, series: str, name: str) -> list[Any]:
    return [row[name] for row in of(table, series)]


def table_of(
    words: Catalogue,
    curve: Curve | None,
    *,
    limit: int | None = None,
    measured: Sequence[tuple[int, int]] = (),
    batch_size: int | None = None,
) -> pa.Table:
    return curve_table(curve, limit, measured, words, batch_size=batch_size)


# Layers.


def test_the_layers_stack_to_the_total_with_workspace_on_top(line: Curve, words: Catalogue) -> None:
    table = table_of(words, line)
    for name in LAYERS:
        assert column(table, name, "x") == [1, 4, 10]
    stacked = [(column(table, name, "start")[1], column(table, name, "end")[1]) for name in LAYERS]
    assert stacked == [(0, 2), (2, 2), (2, 2), (2, 6), (6, 6), (6, 6), (6, 6.5)]
    assert column(table, "total", "end") == [3.5, 6.5, 12.5]


def test_categories_have_their_own_values_at_each_point_even_if_they_jump(peak_of: PeakOf, words: Catalogue) -> None:
    jump = Curve((Point(1, peak_of(gradients=1), True), Point(2, peak_of(temporary=3), True)), (), 2, {})
    table = table_of(words, jump)
    assert column(table, "gradients", "end") == [1, 0]
    assert column(table, "temporary", "end") == [1, 3]


def test_a_layer_is_named_at_its_right_end_if_a_level_name_fits(line: Curve, words: Catalogue) -> None:
    table = table_of(words, line)  # the axis ends at 13.75, and a name may go from 7.4 to 10
    for name in LAYERS:
        named = f"<series.{name}>" if name in ("parameters", "activations") else ""
        assert column(table, name, "label") == ["", "", named]
    assert column(table, "parameters", "middle")[-1] == 1
    assert column(table, "activations", "middle")[-1] == 5.7  # between 2, below it, and 9.4, where it is at 7.4


def test_a_thick_but_steep_layer_has_no_room_for_a_name(peak_of: PeakOf, words: Catalogue) -> None:
    steep = Curve(tuple(Point(size, peak_of(batch=9 * size, temporary=size), True) for size in (1, 10)), (), 10, {})
    assert column(table_of(words, steep), "temporary", "label") == ["", ""]  # 10 of 110, but from 67.5 to 75 at 7.5
    assert column(table_of(words, steep), "batch", "label") == ["", "<series.batch>"]


def test_a_tooltip_reaches_halfway_to_the_points_on_both_sides(line: Curve, words: Catalogue) -> None:
    columns = of(table_of(words, line), "column")
    assert [(row["left"], row["x"], row["right"]) for row in columns] == [(1, 1, 2.5), (2.5, 4, 7), (7, 10, 10)]
    assert [columns[1][name] for name in ("total", *LAYERS)] == [6.5, 2, 0, 0, 4, 0, 0, 0.5]


def test_sizes_below_a_hundredth_of_the_smallest_total_are_not_on_a_logarithmic_axis(
    peak_of: PeakOf, words: Catalogue
) -> None:
    first, second = peak_of(parameters=1.99, batch=0.01), peak_of(parameters=1.99, batch=0.03)
    table = table_of(words, Curve((Point(1, first, True), Point(3, second, True)), (), 3, {}))
    assert math.isnan(column(table, "batch", "value")[0])
    assert column(table, "batch", "value")[1] == pytest.approx(0.03, rel=1e-4)
    assert column(table, "parameters", "value") == pytest.approx([1.99, 1.99], rel=1e-6)
    assert column(table, "extent", "end")[0] == pytest.approx(0.03, rel=1e-4)


# The limit.


def test_the_largest_batch_that_fits_is_marked_on_the_line_between_its_points(line: Curve, words: Catalogue) -> None:
    (row,) = of(table_of(words, line, limit=9 * MIB), "fits")
    assert (row["x"], row["end"], row["total"]) == (6, 8.5, 8.5)  # 2 + 6 + 0.5
    assert row["label"] == "<chart.curve.fits size=6>"


def test_a_large_batch_size_has_grouped_digits(peak_of: PeakOf, words: Catalogue) -> None:
    points = Point(1, peak_of(batch=1), True), Point(2_000, peak_of(batch=9), True)
    table = table_of(words, Curve(points, (), 1_377, {}), limit=8 * MIB, batch_size=1_000)
    assert column(table, "fits", "label") == ["<chart.curve.fits size=1,377>"]
    assert [(row["x"], row["label"]) for row in of(table, "here")] == [(1_000, "<chart.curve.here size=1,000>")]


def test_a_largest_batch_beyond_the_curve_is_named_at_its_end_and_does_not_widen_the_axis(
    line: Curve, words: Catalogue
) -> None:
    (row,) = of(table_of(words, replace(line, largest_batch_size=10_000), limit=9 * MIB), "fits")
    assert (row["x"], row["label"]) == (10, "<chart.curve.fits.beyond size=10,000>")
    assert math.isnan(row["end"])  # no point


def test_nothing_is_marked_without_a_limit_or_if_nothing_fits(line: Curve, words: Catalogue) -> None:
    nothing = Curve(line.points, (), 0, {})
    assert of(table_of(words, nothing, limit=MIB), "fits") == []
    assert of(table_of(words, line), "fits") == []


def test_a_distant_limit_does_not_stretch_the_axis(line: Curve, words: Catalogue) -> None:
    table = table_of(words, line, limit=126 * MIB)  # more than ten times 12.5
    assert of(table, "limit") == []
    assert column(table, "limit_name", "label") == ["<chart.limit.far limit=126 MiB>"]
    assert max(column(table, "extent", "end")) == pytest.approx(12.5 * 1.1)
    assert column(table_of(words, line, limit=125 * MIB), "limit", "end") == [125]


# Runs.


def test_a_measured_run_has_its_error_against_the_line(line: Curve, words: Catalogue) -> None:
    rows = of(table_of(words, line, measured=[(4, 13 * MIB // 2), (7, 19 * MIB // 2 + 19 * MIB // 40)]), "measured")
    assert [(row["x"], row["value"]) for row in rows] == [(4, 6.5), (7, 9.5)]  # a point, and halfway between two
    assert [row["end"] for row in rows] == pytest.approx([6.5, 9.975])
    assert [row["error"] for row in rows] == pytest.approx([0, 5], abs=1e-4)


def test_runs_beyond_the_ends_of_the_line_are_left_out(line: Curve, words: Catalogue) -> None:
    table = table_of(words, line, measured=[(1, MIB), (10, MIB), (11, MIB)])
    assert column(table, "measured", "x") == [1, 10]
    assert of(table_of(words, None, measured=[(1, MIB)]), "measured") == []


# No data yet.


@pytest.mark.parametrize(("batch_size", "last"), [(None, 100), (10, 100), (800, 1_600)])
def test_without_a_curve_the_axes_are_held_open_around_the_present_batch_size(
    batch_size: int | None, last: float, words: Catalogue
) -> None:
    table = table_of(words, None, batch_size=batch_size)
    assert column(table, "extent", "x") == [1, last]
    assert set(table["series"].to_pylist()) == {"extent", "caption"} | ({"here"} if batch_size else set())


def test_the_limit_is_drawn_without_a_curve(words: Catalogue) -> None:
    table = table_of(words, None, limit=4 * MIB)
    assert column(table, "limit", "end") == [4]
    assert max(column(table, "extent", "end")) == pytest.approx(4.4)


# Marks.


@pytest.mark.parametrize(("chart", "mark", "scale"), [(curve, "area", None), (log_curve, "line", "log")])
def test_categories_are_layers_on_linear_axes_and_lines_on_logarithmic_ones(
    chart: Chart, mark: str, scale: str | None, words: Catalogue
) -> None:
    layers = chart(words.say)["layer"]
    drawn = [layer for layer in layers if layer["mark"]["type"] == mark and "color" in layer["encoding"]]
    assert drawn
    for layer in drawn:
        colours = layer["encoding"]["color"]["scale"]
        assert dict(zip(colours["domain"], colours["range"], strict=True)).items() >= CATEGORY_COLOURS.items()
        assert layer["encoding"]["x"]["scale"].get("type") == scale
    assert ("y2" in drawn[0]["encoding"]) == (mark == "area")


def test_lines_differ_in_their_dashes_too(words: Catalogue) -> None:
    dashed = [
        layer["encoding"]["strokeDash"] for layer in log_curve(words.say)["layer"] if "strokeDash" in layer["encoding"]
    ]
    assert all(each == dashed[0] for each in dashed)
    dashes = dict(zip(dashed[0]["scale"]["domain"], map(tuple, dashed[0]["scale"]["range"]), strict=True))
    assert set(dashes) == {"total", *LAYERS}
    assert dashes["total"] == dashes["activations"] == (1, 0)  # the total is thicker
    assert len(set(dashes.values())) == 7

"""The table of a path over its loss, and the one scale of both axes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.trajectories import paths
from core.trajectories.contours import contours
from core.trajectories.problems import PROBLEMS, LossSurface
from ui.charts.cloud import cloud
from ui.charts.style import Spec
from ui.charts.trajectory import small_trajectory, trajectory, trajectory_table

Say = Callable[..., str]
Specs = Callable[[Callable[..., Spec]], Spec]
Chart = Callable[[Say], Spec]


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> LossSurface:
    return PROBLEMS[request.param]()


def of(table: pa.Table, series: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["series"] == series]


def test_the_path_is_shown_up_to_an_update_with_its_loss_above_the_optimum(problem: LossSurface, say: Say) -> None:
    path = paths.trajectory(problem, batch_size=4, rate=0.1, updates=20, seed=1)
    rows = of(trajectory_table(problem, path, say, side="small", shown=7), "path")
    assert [(row["x"], row["y"]) for row in rows] == [tuple(point) for point in path[:8].tolist()]
    assert [row["order"] for row in rows] == list(range(8))
    assert {row["row"] for row in rows} == {"small"}
    above = problem.loss(path[7]) - problem.loss(problem.optimum)
    assert rows[-1]["value"] == pytest.approx(above)


def test_start_optimum_and_current_weights_are_marked(problem: LossSurface, say: Say) -> None:
    path = paths.trajectory(problem, batch_size=4, rate=0.1, updates=20, seed=1)
    table = trajectory_table(problem, path, say, side="large", shown=7)
    (start,), (best,), (now,) = (of(table, series) for series in ("start", "best", "now"))
    assert (start["x"], start["y"], start["label"]) == (*problem.start.tolist(), "<chart.trajectory.start>")
    assert (best["x"], best["y"], best["label"]) == (*problem.optimum.tolist(), "<chart.trajectory.best>")
    assert (now["x"], now["y"], now["order"], now["row"]) == (*path[7].tolist(), 7, "large")


def test_before_the_first_update_the_path_is_its_start(problem: LossSurface, say: Say) -> None:
    table = trajectory_table(problem, problem.start[None], say, side="small", shown=0)
    assert len(of(table, "path")) == len(of(table, "now")) == 1


def test_a_diverged_path_is_drawn_as_far_as_it_is_finite(problem: LossSurface, say: Say) -> None:
    path = np.vstack([[problem.start, [1e5, -1e5]], np.full((3, 2), np.nan)])
    table = trajectory_table(problem, path, say, side="small", shown=4)
    assert [row["order"] for row in of(table, "path")] == [0, 1]
    assert of(table, "now") == []
    assert len(of(trajectory_table(problem, path, say, side="small", shown=1), "now")) == 1


def test_the_axes_are_those_of_the_window(problem: LossSurface, say: Say) -> None:
    window = problem.window
    for path in (problem.start[None], np.array([[1e5, 1e5]])):
        extent = of(trajectory_table(problem, path, say, side="small", shown=0), "extent")
        assert [row["x"] for row in extent] == [window.left, window.right]
        assert [row["y"] for row in extent] == [window.bottom, window.top]


def test_contour_lines_are_drawn_from_the_outside_in_and_the_inner_ones_are_filled(
    problem: LossSurface, say: Say
) -> None:
    rows = of(trajectory_table(problem, problem.start[None], say, side="small", shown=0), "line")
    lines = contours(problem)
    count, points, _ = lines.shape
    assert [row["row"] for row in rows[::points]] == [str(number) for number in range(count, 0, -1)]
    np.testing.assert_array_equal([(row["x"], row["y"]) for row in rows[-points:]], lines[0])
    assert [row["order"] for row in rows[-points:]] == list(range(points))
    shades = [row["value"] for row in rows[::points]]
    assert shades == [0.0] * (count - 9) + [0.045] * 9


@pytest.mark.parametrize("chart", [trajectory, small_trajectory, cloud])
def test_only_the_extent_decides_the_axes(chart: Chart, spec_of: Specs) -> None:
    first, *others = spec_of(chart)["layer"]
    assert first["encoding"]["x"]["field"] == "x"
    assert {"filter": "datum.series == 'extent'"} in first["transform"]
    for layer in others:
        for axis in ("x", "y"):
            assert "field" not in layer["encoding"].get(axis, {})


@pytest.mark.parametrize("chart", [trajectory, small_trajectory, cloud])
@pytest.mark.parametrize(("width", "height"), [(600, 370), (300, 370), (640, 230)])
def test_both_axes_have_the_same_scale(chart: Chart, width: int, height: int, spec_of: Specs) -> None:
    encoding = spec_of(chart)["layer"][0]["encoding"]
    pads = [
        eval(encoding[axis]["scale"]["padding"]["expr"], {"max": max, "width": width, "height": height})
        for axis in ("x", "y")
    ]
    assert min(pads) == 0
    across, up = (width - 2 * pads[0]) / 1.6, height - 2 * pads[1]  # pixels of an extent 1.6 times as wide as high
    assert across == pytest.approx(up)


def test_the_two_batch_sizes_differ_in_colour_and_shape(spec_of: Specs) -> None:
    shapes = [
        layer["encoding"]["shape"]["scale"] for layer in spec_of(trajectory)["layer"] if "shape" in layer["encoding"]
    ]
    assert len(shapes) == 2
    for scale in shapes:
        assert dict(zip(scale["domain"], scale["range"], strict=True)) == {"small": "circle", "large": "square"}


def test_marks_outside_the_picture_are_clipped(spec_of: Specs) -> None:
    drawn = spec_of(trajectory)["layer"][1:-1]  # the last is the line of settings below the axis
    assert all(layer["mark"]["clip"] for layer in drawn), json.dumps(drawn)

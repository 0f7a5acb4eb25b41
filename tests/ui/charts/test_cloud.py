"""The tables of the gradients of random batches and of the law of their length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.trajectories.noise import Law, Measured
from core.words.catalogue import Catalogue
from ui.charts.cloud import cloud_table, law_table

FULL = np.array([1.0, 2.0])


@pytest.fixture
def theory() -> Law:
    """Return a law of 101 examples whose gradients scatter by 1 across and 2 up; a batch of 26 keeps 3/104 of it."""
    return Law(101, 5.0, np.diag([1.0, 4.0]))


def of(table: pa.Table, series: str, **also: Any) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["series"] == series and also.items() <= row.items()]


def clouds(theory: Law, words: Catalogue, **given: tuple[int, Any]) -> pa.Table:
    return cloud_table(
        {kind: (size, np.asarray(draws, float)) for kind, (size, draws) in given.items()}, theory, FULL, words
    )


def test_every_draw_is_a_point_of_its_kind_and_size(theory: Law, words: Catalogue) -> None:
    table = clouds(theory, words, single=(1, [[0, 0], [3, 1]]), small=(8, [[1, 1]]))
    assert [(row["x"], row["y"], row["size"]) for row in of(table, "draw", row="single")] == [(0, 0, 1), (3, 1, 1)]
    assert [(row["x"], row["y"], row["size"]) for row in of(table, "draw", row="small")] == [(1, 1, 8)]
    (full,) = of(table, "full")
    assert (full["x"], full["y"], full["size"]) == (1, 2, 101)


def test_a_ring_is_two_standard_deviations_of_the_law_from_the_full_gradient(theory: Law, words: Catalogue) -> None:
    table = clouds(theory, words, single=(1, [[0, 0]]), large=(26, [[1, 2]]))
    ring = np.array([(row["x"], row["y"]) for row in of(table, "ring", row="single")]) - FULL
    assert (np.abs(ring).max(0) == pytest.approx([2.0, 4.0])) and len(ring) == 72  # noqa: PT018
    np.testing.assert_allclose((ring / [1.0, 2.0]) ** 2 @ [1, 1], 4.0)
    smaller = np.array([(row["x"], row["y"]) for row in of(table, "ring", row="large")]) - FULL
    np.testing.assert_allclose(smaller, np.sqrt(75 / 100 / 26) * ring, atol=1e-12)


def test_rings_are_named_at_the_top_and_that_of_the_large_batch_at_the_bottom(theory: Law, words: Catalogue) -> None:
    table = clouds(theory, words, single=(1, [[0, 0]]), large=(26, [[1, 2]]))
    (top,), (bottom,) = of(table, "name", row="single"), of(table, "name", row="large")
    assert (top["label"], top["y"]) == ("<chart.cloud.single size=1>", pytest.approx(2 + 4))
    assert bottom["label"] == "<chart.cloud.large size=26>"
    assert bottom["y"] == pytest.approx(2 - 4 * np.sqrt(75 / 100 / 26))


def test_the_axes_reach_the_farthest_draw_and_have_one_scale(theory: Law, words: Catalogue) -> None:
    for draws, half in (([[1, 5]], 3 * 1.15), ([[9, 2]], 8 / 1.6 * 1.15)):
        (low, high) = of(clouds(theory, words, small=(8, draws)), "extent")
        assert (low["y"], high["y"]) == (pytest.approx(2 - half), pytest.approx(2 + half))
        assert (low["x"], high["x"]) == (pytest.approx(1 - 1.6 * half), pytest.approx(1 + 1.6 * half))


def test_the_law_is_a_line_from_the_full_gradient_to_a_single_example(theory: Law, words: Catalogue) -> None:
    line = of(law_table(theory, [], words), "law")
    assert [(row["x"], row["value"]) for row in line] == [(0, 5), (1, 10)]


def test_a_measurement_is_at_its_share_of_the_variance_with_bars_of_two_standard_errors(
    theory: Law, words: Catalogue
) -> None:
    (row,) = of(law_table(theory, [Measured(26, 5.2, 0.1)], words), "mean")
    assert row["x"] == pytest.approx(75 / 100 / 26)
    assert (row["value"], row["low"], row["high"]) == (5.2, pytest.approx(5.0), pytest.approx(5.4))
    assert (row["error"], row["size"]) == (0.1, 26)
    assert row["predicted"] == pytest.approx(5 + 5 * 75 / 100 / 26)


def test_points_close_together_share_the_label_of_the_first(theory: Law, words: Catalogue) -> None:
    found = [Measured(size, 5.0, 0.1) for size in (1, 10, 26, 50, 101)]
    labels = [row["label"] for row in of(law_table(theory, found, words), "mean")]
    assert labels == ["1", "10", "<chart.law.sizes sizes=26, 50, and 101>", "", ""]


def test_the_axis_has_room_for_the_longest_bar(theory: Law, words: Catalogue) -> None:
    extent = of(law_table(theory, [Measured(1, 11.0, 2.0)], words), "extent")
    assert [row["value"] for row in extent] == [0, pytest.approx(15 * 1.05)]
    assert [row["x"] for row in extent] == [0, 1]

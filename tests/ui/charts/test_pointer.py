"""What the pointer reads from a line chart, and the ends of its x axis."""

from __future__ import annotations

import numpy as np
import pytest

from ui.charts.pointer import POINTER, add_pointer, latest, nearest
from ui.charts.reach import step
from ui.charts.style import HOVERED, Rows

GAP = float("nan")


def bands(places: list[float], *values: list[float]) -> list[tuple[float, float, str]]:
    rows = Rows("series", "x", "exact", "label")
    rows.add(series="others")
    add_pointer(rows, np.array(places), *(np.array(column) for column in values))
    table = rows.table().to_pylist()
    return [(row["x"], row["exact"], row["label"]) for row in table if row["series"] == POINTER]


def test_bands_meet_half_way_and_hold_the_values_of_all_series() -> None:
    assert bands([10.0, 20.0, 40.0], [1.0, 0.5, 0.25], [3.0, GAP, 2.0]) == [
        (5.0, 15.0, "10|1|3"),
        (15.0, 30.0, "20|0.5|"),
        (30.0, 50.0, "40|0.25|2"),
    ]


def test_a_single_point_has_a_band_and_no_point_has_none() -> None:
    assert bands([8.0], [1.0]) == [(4.0, 12.0, "8|1")]
    assert bands([], []) == []


def test_a_long_line_has_an_even_choice_of_bands_without_a_gap() -> None:
    places = list(np.arange(1.0, 1_001.0))
    found = bands(places, places)
    assert len(found) == HOVERED
    assert found[0][2] == "1|1"
    assert found[-1][2] == "1000|1000"
    assert [left for left, _, _ in found[1:]] == [right for _, right, _ in found[:-1]]


def test_the_nearest_point_of_another_line_is_read_and_none_beyond_its_ends() -> None:
    places, values = np.array([10.0, 20.0, 40.0]), np.array([1.0, 2.0, 4.0])
    at = np.array([9.0, 10.0, 14.0, 16.0, 29.0, 31.0, 40.0, 41.0])
    np.testing.assert_array_equal(nearest(places, values, at), [GAP, 1, 1, 2, 2, 4, 4, GAP])
    assert np.isnan(nearest(places[:0], values[:0], at)).all()
    np.testing.assert_array_equal(nearest(places[:1], values[:1], np.array([10.0, 11.0])), [1, GAP])


def test_the_latest_value_holds_until_the_next_one() -> None:
    places, values = np.array([10.0, 20.0]), np.array([1.0, 2.0])
    np.testing.assert_array_equal(latest(places, values, np.array([9.0, 10.0, 19.0, 20.0, 99.0])), [GAP, 1, 1, 2, 2])
    assert np.isnan(latest(places[:0], values[:0], np.array([1.0]))).all()


@pytest.mark.parametrize(
    ("value", "end"),
    [(1, 1), (2, 2), (3, 5), (5.1, 10), (10, 10), (112, 200), (0.03, 0.05), (0.5, 0.5), (1_000_001, 2_000_000)],
)
def test_a_step_is_the_next_of_one_two_and_five_times_a_power_of_ten(value: float, end: float) -> None:
    assert step(value) == pytest.approx(end)

"""The table of attempts: which batch sizes each way to find the largest one tries, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from core.run.searching import Attempt, Search
from ui.charts.memory.attempts import attempts, attempts_table

Say = Callable[..., str]


def search(sizes: Sequence[int], found: int, *, largest: int = 75, name: str = "doubling") -> Search:
    return Search(name, tuple(Attempt(size, size <= largest) for size in sizes), found)


DOUBLING = search([2, 4, 8, 16, 32, 64, 128], 64)
EXACT = search([75, 76], 75, name="closed_form")


def table_of(say: Say, *searches: Search, shown: int = 99, largest: int = 75, most: int = 10_000) -> pa.Table:
    return attempts_table(searches, shown, say, largest=largest, most=most)


def of(table: pa.Table, *series: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["series"] in series]


def marks(table: pa.Table) -> list[tuple[str, str, float, float]]:
    return [(row["row"], row["series"], row["x"], row["value"]) for row in of(table, "fits", "too large")]


def outcomes(table: pa.Table) -> dict[str, str]:
    return {row["row"]: row["label"] for row in of(table, "counted")}


def test_each_way_has_a_row_with_its_attempts_in_order_and_whether_they_fitted(say: Say) -> None:
    table = table_of(say, DOUBLING, EXACT)
    assert marks(table) == [
        *[("<search.doubling>", "fits", 2.0**number, number) for number in range(1, 7)],
        ("<search.doubling>", "too large", 128, 7),
        ("<search.closed_form>", "fits", 75, 1),
        ("<search.closed_form>", "too large", 76, 2),
    ]
    assert [row["label"] for row in of(table, "name")] == ["<search.doubling>", "<search.closed_form>"]
    assert [row["value"] for row in of(table, "number")] == [1, 2, 3, 4, 5, 6, 7, 1, 2]
    assert {row["label"] for row in of(table, "too large")} == {"<series.too large>"}


@pytest.mark.parametrize(
    ("shown", "drawn", "counted"),
    [
        (0, 0, []),
        (-1, 0, []),
        (1, 2, []),
        (2, 4, ["<search.closed_form>"]),
        (6, 8, ["<search.closed_form>"]),
        (7, 9, ["<search.doubling>", "<search.closed_form>"]),
    ],
)
def test_only_the_first_attempts_are_shown_and_the_outcome_once_all_are(
    shown: int, drawn: int, counted: list[str], say: Say
) -> None:
    table = table_of(say, DOUBLING, EXACT, shown=shown)
    assert len(marks(table)) == drawn
    assert list(outcomes(table)) == counted
    assert len(of(table, "name")) == 2


def test_attempts_stay_where_they_are_when_later_ones_come(say: Say) -> None:
    bisection = search([2, 4, 8, 16, 32, 64, 128, 96, 80, 72, 76, 74, 75], 75)

    def places(shown: int) -> list[tuple[float, float]]:
        return [(row["x"], row["lane"]) for row in of(table_of(say, bisection, shown=shown), "fits", "too large")]

    assert len(places(13)) == 13
    for shown in range(13):
        assert places(shown) == places(13)[:shown]


@pytest.mark.parametrize(
    ("made", "largest", "said"),
    [
        (EXACT, 75, "<chart.attempts.exact tried=<chart.attempts.tried count=2>>"),
        (search([75], 75), 75, "<chart.attempts.exact tried=<chart.attempts.tried.one count=1>>"),
        (DOUBLING, 75, "<chart.attempts.below tried=<chart.attempts.tried count=7> found=64 apart=11>"),
        (
            search([1_500, 3_000], 1_500),
            2_749,
            "<chart.attempts.below tried=<chart.attempts.tried count=2> found=1,500 apart=1,249>",
        ),
        (search([80, 76], 76), 75, "<chart.attempts.above tried=<chart.attempts.tried count=2> found=76 apart=1>"),
        (search([80, 76], 0), 75, "<chart.attempts.none tried=<chart.attempts.tried count=2>>"),
        (search([2, 1], 0), 0, "<chart.attempts.exact tried=<chart.attempts.tried count=2>>"),
        (search([], 0), 0, "<chart.attempts.exact tried=<chart.attempts.tried count=0>>"),
    ],
)
def test_the_outcome_says_how_far_off_it_is(made: Search, largest: int, said: str, say: Say) -> None:
    assert list(outcomes(table_of(say, made, largest=largest)).values()) == [said]


def test_the_true_largest_batch_size_is_a_rule_with_its_name(say: Say) -> None:
    (rule,) = of(table_of(say, largest=1_377), "largest")
    assert (rule["x"], rule["label"]) == (1_377, "<chart.attempts.largest size=1,377>")
    assert of(table_of(say, largest=0), "largest") == []


@pytest.mark.parametrize(("most", "end"), [(10_000, 10_000), (100, 128), (1, 128)])
def test_the_axis_goes_from_one_to_the_largest_there_is(most: int, end: int, say: Say) -> None:
    assert [row["x"] for row in of(table_of(say, DOUBLING, most=most), "extent")] == [1, end]


def test_the_axis_is_held_open_without_searches_even_if_there_is_one_batch_size(say: Say) -> None:
    assert [row["x"] for row in of(table_of(say, most=1), "extent")] == [1, 2]


def test_marks_that_would_hide_each_other_stand_one_below_the_other(say: Say) -> None:
    rows = of(table_of(say, search([100, 110, 1_000, 121], 100), most=10_000), "fits", "too large")
    assert [row["lane"] for row in rows] == [0.5, 1.5, 0.5, 2.5]


def test_where_no_lane_is_free_a_mark_stands_where_it_has_most_room(say: Say) -> None:
    numbers = of(table_of(say, search([100, 90, 110, 95, 105, 120], 90), most=10_000), "number")
    assert [row["lane"] for row in numbers] == [0.5, 1.5, 2.5, 3.5, 4.5, 1.5]


def test_a_number_knows_how_far_the_next_mark_on_its_right_is(say: Say) -> None:
    numbers = of(table_of(say, search([100, 90, 110, 95, 105, 120], 90), most=10_000), "number")
    assert numbers[1]["lane"] == numbers[5]["lane"]
    assert numbers[1]["room"] == pytest.approx(0.03123, abs=1e-5)  # log(120 / 90) / log(10,000)
    assert [numbers[place]["room"] for place in (0, 2, 3, 4, 5)] == [1, 1, 1, 1, 1]


def test_what_fits_and_what_does_not_are_told_apart_by_shape(say: Say) -> None:
    (shape,) = [layer["encoding"]["shape"] for layer in attempts(say)["layer"] if "shape" in layer["encoding"]]
    assert shape["scale"]["domain"] == ["fits", "too large"]
    assert shape["scale"]["range"][0] == "circle" != shape["scale"]["range"][1]

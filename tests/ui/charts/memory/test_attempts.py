"""The table of attempts: the batch sizes that each search for the largest one tries, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from core.run.searching import Attempt, Search
from core.words.catalogue import Catalogue
from ui.charts.memory.attempts import attempts, attempts_table


def search(sizes: Sequence[int], found: int, *, largest: int = 75, name: str = "doubling") -> Search:
    return Search(name, tuple(Attempt(size, size <= largest) for size in sizes), found)


DOUBLING = search([2, 4, 8, 16, 32, 64, 128], 64)
EXACT = search([75, 76], 75, name="closed_form")


def table_of(words: Catalogue, *searches: Search, shown: int = 99, largest: int = 75, most: int = 10_000) -> pa.Table:
    return attempts_table(searches, shown, words, largest=largest, most=most)


def of(table: pa.Table, *series: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["series"] in series]


def marks(table: pa.Table) -> list[tuple[str, str, float, float]]:
    return [(row["row"], row["series"], row["x"], row["value"]) for row in of(table, "fits", "too_large")]


def outcomes(table: pa.Table) -> dict[str, str]:
    return {row["row"]: row["label"] for row in of(table, "counted")}


def test_each_search_has_a_row_with_its_attempts_in_order_and_their_results(words: Catalogue) -> None:
    table = table_of(words, DOUBLING, EXACT)
    assert marks(table) == [
        *[("<search.doubling>", "fits", 2.0**number, number) for number in range(1, 7)],
        ("<search.doubling>", "too_large", 128, 7),
        ("<search.closed_form>", "fits", 75, 1),
        ("<search.closed_form>", "too_large", 76, 2),
    ]
    assert [row["label"] for row in of(table, "name")] == ["<search.doubling>", "<search.closed_form>"]
    assert [row["value"] for row in of(table, "number")] == [1, 2, 3, 4, 5, 6, 7, 1, 2]
    assert {row["label"] for row in of(table, "too_large")} == {"<series.too_large>"}


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
def test_the_first_attempts_are_shown_and_the_outcome_after_the_last(
    shown: int, drawn: int, counted: list[str], words: Catalogue
) -> None:
    table = table_of(words, DOUBLING, EXACT, shown=shown)
    assert len(marks(table)) == drawn
    assert list(outcomes(table)) == counted
    assert len(of(table, "name")) == 2


def test_attempts_keep_their_place_when_later_ones_are_added(words: Catalogue) -> None:
    bisection = search([2, 4, 8, 16, 32, 64, 128, 96, 80, 72, 76, 74, 75], 75)

    def places(shown: int) -> list[tuple[float, float]]:
        return [(row["x"], row["lane"]) for row in of(table_of(words, bisection, shown=shown), "fits", "too_large")]

    assert len(places(13)) == 13
    for shown in range(13):
        assert places(shown) == places(13)[:shown]


@pytest.mark.parametrize(
    ("made", "largest", "said"),
    [
        (EXACT, 75, "<chart.attempts.exact.other count=2>"),
        (search([75], 75), 75, "<chart.attempts.exact.one count=1>"),
        (DOUBLING, 75, "<chart.attempts.below.other count=7 found=64 off=11>"),
        (
            search([1_500, 3_000], 1_500),
            2_749,
            "<chart.attempts.below.other count=2 found=1,500 off=1,249>",
        ),
        (search([80, 76], 76), 75, "<chart.attempts.above.other count=2 found=76 off=1>"),
        (search([80, 76], 0), 75, "<chart.attempts.none.other count=2>"),
        (search([2, 1], 0), 0, "<chart.attempts.exact.other count=2>"),
        (search([], 0), 0, "<chart.attempts.exact.other count=0>"),
    ],
)
def test_the_outcome_says_how_far_off_it_is(made: Search, largest: int, said: str, words: Catalogue) -> None:
    assert list(outcomes(table_of(words, made, largest=largest)).values()) == [said]


def test_the_true_largest_batch_size_is_a_rule_with_its_name(words: Catalogue) -> None:
    table = table_of(words, DOUBLING, EXACT, largest=1_377)
    (rule,) = of(table, "largest")
    assert (rule["x"], rule["label"]) == (1_377, "<chart.attempts.largest size=1,377>")
    assert [(row["row"], row["x"]) for row in of(table, "goal")] == [(row["row"], 1_377) for row in of(table, "name")]
    assert of(table_of(words, DOUBLING, largest=0), "largest", "goal") == []


def test_the_rule_of_the_largest_leaves_out_the_lane_of_names_and_outcomes(words: Catalogue) -> None:
    layers = attempts(words.say)["layer"]
    (rule,) = [layer["encoding"] for layer in layers if layer["mark"]["type"] == "rule"]
    (top, bottom) = next(
        layer["encoding"]["yOffset"]["scale"]["domain"] for layer in layers if "yOffset" in layer["encoding"]
    )[::-1]
    first_lane = (0 - top) / (bottom - top)
    assert (rule["y"]["bandPosition"], rule["y2"]["bandPosition"]) == (pytest.approx(first_lane), 1)


def test_a_number_that_the_rule_of_the_largest_would_strike_through_has_no_room(words: Catalogue) -> None:
    numbers = of(table_of(words, search([100, 10], 101), largest=101, most=10_000), "number")
    assert numbers[0]["room"] == pytest.approx(0.00108, abs=1e-5)  # log(101 / 100) / log(10,000)
    assert numbers[1]["room"] == 0.25  # to the first mark


@pytest.mark.parametrize(("most", "end"), [(10_000, 10_000), (100, 128), (1, 128)])
def test_the_axis_goes_from_1_to_the_largest_possible_size(most: int, end: int, words: Catalogue) -> None:
    assert [row["x"] for row in of(table_of(words, DOUBLING, most=most), "extent")] == [1, end]


def test_the_axis_is_held_open_without_searches_even_if_there_is_one_batch_size(words: Catalogue) -> None:
    assert [row["x"] for row in of(table_of(words, most=1), "extent")] == [1, 2]


def test_marks_that_would_overlap_stand_one_below_the_other(words: Catalogue) -> None:
    rows = of(table_of(words, search([100, 110, 1_000, 121], 100), most=10_000), "fits", "too_large")
    assert [row["lane"] for row in rows] == [0.5, 1.5, 0.5, 2.5]


def test_without_a_free_lane_a_mark_takes_the_one_with_most_room(words: Catalogue) -> None:
    numbers = of(table_of(words, search([100, 90, 110, 95, 105, 120], 90), most=10_000), "number")
    assert [row["lane"] for row in numbers] == [0.5, 1.5, 2.5, 3.5, 4.5, 1.5]


def test_a_number_has_the_distance_to_the_next_mark_on_its_right(words: Catalogue) -> None:
    numbers = of(table_of(words, search([100, 90, 110, 95, 105, 120], 90), most=10_000), "number")
    assert numbers[1]["lane"] == numbers[5]["lane"]
    assert numbers[1]["room"] == pytest.approx(0.03123, abs=1e-5)  # log(120 / 90) / log(10,000)
    assert [numbers[place]["room"] for place in (0, 2, 3, 4, 5)] == [1, 1, 1, 1, 1]


def test_sizes_that_fit_and_sizes_that_do_not_differ_in_shape(words: Catalogue) -> None:
    (shape,) = [layer["encoding"]["shape"] for layer in attempts(words.say)["layer"] if "shape" in layer["encoding"]]
    assert shape["scale"]["domain"] == ["fits", "too_large"]
    assert shape["scale"]["range"][0] == "circle" != shape["scale"]["range"][1]

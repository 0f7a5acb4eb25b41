"""The tables of the charts below the others: gradients, the size and rhythm of updates, confusion and the plane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.run.config import RunConfig
from core.run.events import Epoch
from core.store.reader import RunReader
from ui.charts.depth import (
    confusion_table,
    gradient_table,
    plane,
    plane_table,
    rhythm_table,
    update_ratio_table,
)
from ui.charts.style import Spec

DIGITS = RunConfig(dataset="digits", batch_size=100)  # 1,437 examples: 15 updates an epoch, the last on 37
Say = Callable[..., str]
Specs = Callable[[Callable[..., Spec]], Spec]
ReaderOf = Callable[..., RunReader]


def of(table: pa.Table, **wanted: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if all(row[name] == value for name, value in wanted.items())]


def strokes(table: pa.Table) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["series"] != "extent"]


# The gradient's norm.


def test_the_norm_of_every_gradient_is_drawn_in_the_unit_of_the_axis(reader_of: ReaderOf, say: Say) -> None:
    reader = reader_of([1.0] * 3, gradient_norms=[4.0, float("inf"), 0.5])
    for x, places in (("updates", [1, 2, 3]), ("examples", [100, 200, 300]), ("seconds", [0.01, 0.02, 0.03])):
        table = gradient_table(reader, say, x=x)  # type: ignore[arg-type]
        rows = of(table, series="gradient_norm")
        assert [row["x"] for row in rows] == pytest.approx(places)
        np.testing.assert_array_equal([row["value"] for row in rows], [4.0, np.nan, 0.5])
        assert [row["label"] for row in of(table, series="title")] == [f"<axis.{x}>"]


def test_an_unusual_gradient_is_not_lost_in_a_long_run(reader_of: ReaderOf, say: Say) -> None:
    norms = np.ones(5_000)
    norms[3_210] = 70.0
    rows = of(gradient_table(reader_of([1.0] * 5_000, gradient_norms=norms), say), series="gradient_norm")
    assert 100 < len(rows) <= 400
    assert [row["x"] for row in rows if row["value"] == 70.0] == [3_211]


def test_the_axes_of_the_norm_are_open_before_the_first_update_and_start_at_zero_after_it(
    reader_of: ReaderOf, say: Say
) -> None:
    for reader, ends in ((None, (1, 1)), (reader_of([]), (1, 1)), (reader_of([1.0] * 7), (7, 0))):
        rows = of(gradient_table(reader, say), series="extent")
        assert [(row["x"], row["value"]) for row in rows] == [(0, 0), ends]


# The size of updates.


def test_the_axis_of_the_size_follows_the_run_before_the_first_size_is_known(reader_of: ReaderOf, say: Say) -> None:
    rows = of(update_ratio_table(reader_of([1.0] * 40), say, x="epochs"), series="extent")
    assert [row["x"] for row in rows] == [0, 0.4]


def test_the_size_of_an_update_is_drawn_at_the_end_of_its_epoch_unless_it_is_zero_or_unknown(
    reader_of: ReaderOf, say: Say
) -> None:
    ratios = {2: 0.004, 4: 0.0, 6: None, 7: 0.001}
    epochs = [Epoch(n, at, 2, True, 1.0, None, None, at / 100, ratio) for n, (at, ratio) in enumerate(ratios.items())]
    table = update_ratio_table(reader_of([1.0] * 7, epochs=epochs), say)
    rows = of(table, series="update_ratio")
    assert [row["x"] for row in rows] == [2, 4, 7]
    np.testing.assert_array_equal([row["value"] for row in rows], [0.004, np.nan, 0.001])


def test_the_axis_of_the_size_is_open_at_a_typical_one(reader_of: ReaderOf, say: Say) -> None:
    for reader in (None, reader_of([]), reader_of([1.0])):
        assert {row["value"] for row in of(update_ratio_table(reader, say), series="extent")} == {0.001}


# The rhythm of updates.


def test_a_stroke_stands_where_each_update_of_an_epoch_ends_and_the_last_one_at_its_end(say: Say) -> None:
    rows = strokes(rhythm_table(DIGITS, None, None, say))
    assert [row["x"] for row in rows] == [100 * number for number in range(1, 15)] + [1_437]
    assert [row["value"] for row in rows] == list(range(1, 16))
    assert {row["row"] for row in rows} == {"<chart.rhythm.this size=100 every=1>"}
    assert {row["series"] for row in rows} == {"to_come"}


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({"accumulate": 4}, [400, 800, 1_200, 1_437]),
        ({"accumulate": 4, "drop_last": True}, [400, 800, 1_200]),
        ({"batch_size": 500, "drop_last": True}, [500, 1_000]),
        ({"batch_size": 1_437}, [1_437]),
    ],
)
def test_windows_and_dropped_examples_are_as_in_training(changes: dict[str, Any], ends: list[int], say: Say) -> None:
    assert [row["x"] for row in strokes(rhythm_table(DIGITS.replace(**changes), None, None, say))] == ends


@pytest.mark.parametrize(("updates", "done"), [(0, 0), (1, 1), (14, 14), (15, 15), (16, 1), (37, 7), (45, 15)])
def test_updates_made_in_the_current_epoch_differ_from_those_to_come(
    updates: int, done: int, reader_of: ReaderOf, say: Say
) -> None:
    rows = strokes(rhythm_table(DIGITS, reader_of([1.0] * updates, config=DIGITS), None, say))
    assert [row["series"] for row in rows] == ["done"] * done + ["to_come"] * (15 - done)


def test_the_previous_run_has_a_row_below(say: Say) -> None:
    table = rhythm_table(DIGITS, None, DIGITS.replace(batch_size=500), say)
    before = of(table, series="before")
    assert [row["x"] for row in before] == [500, 1_000, 1_437]
    assert {row["row"] for row in before} == {"<chart.rhythm.before size=500 every=1>"}
    assert table["row"].to_pylist()[-3:] == ["<chart.rhythm.before size=500 every=1>"] * 3


def test_a_previous_run_with_the_same_batch_size_has_its_own_row_too(say: Say) -> None:
    table = rhythm_table(DIGITS, None, DIGITS.replace(lr=0.01), say)
    assert {row["row"] for row in of(table, series="before")}.isdisjoint(
        row["row"] for row in of(table, series="to_come")
    )


def test_a_long_epoch_is_drawn_thinned_and_says_so(reader_of: ReaderOf, say: Say) -> None:
    config = RunConfig(batch_size=8)  # 1,250 updates an epoch: every fourth makes 312
    table = rhythm_table(config, reader_of([1.0] * 1_300, config=config), None, say)
    rows = strokes(table)
    assert [row["value"] for row in rows] == list(range(4, 1_251, 4))
    assert [row["x"] for row in rows] == [8 * number for number in range(4, 1_251, 4)]
    assert {row["row"] for row in rows} == {"<chart.rhythm.this.thinned size=8 every=4>"}
    assert Counter(row["series"] for row in rows) == {"done": 12, "to_come": 300}  # 50 of the second epoch


def test_four_hundred_updates_are_drawn_one_by_one(say: Say) -> None:
    assert len(strokes(rhythm_table(RunConfig(batch_size=25), None, None, say))) == 400
    assert len(strokes(rhythm_table(RunConfig(batch_size=24), None, None, say))) == 208  # every second of 417


# Confusion.


def test_every_count_stands_at_its_true_class_and_answer() -> None:
    rows = confusion_table(((5, 1, 0), (2, 6, 2), (0, 0, 4))).to_pylist()
    assert {(row["y"], row["x"]): row["value"] for row in rows} == {
        (0, 0): 5,
        (0, 1): 1,
        (0, 2): 0,
        (1, 0): 2,
        (1, 1): 6,
        (1, 2): 2,
        (2, 0): 0,
        (2, 1): 0,
        (2, 2): 4,
    }


def test_the_shares_of_a_true_class_sum_to_one() -> None:
    rows = confusion_table(((5, 1, 0), (2, 6, 2), (0, 0, 4))).to_pylist()
    for truth in range(3):
        assert sum(row["share"] for row in rows if row["y"] == truth) == pytest.approx(1)
    assert {(row["y"], row["x"]): row["share"] for row in rows}[1, 1] == pytest.approx(0.6)


def test_a_class_without_examples_has_no_shares() -> None:
    assert [row["share"] for row in confusion_table(((0, 0), (1, 3))).to_pylist()] == [0, 0, 0.25, 0.75]


# The plane.


def test_the_points_of_the_plane_have_their_class_and_those_of_the_batch_a_mark() -> None:
    points = np.array([[1.0, 2.0], [-1.0, 0.5], [0.0, -2.0]], np.float32)
    table = plane_table(points, np.array([0, 1, 1]), [0.0, 0.0, 1.0], "data:image/png;base64,AAAA")
    assert table.to_pylist() == [
        {"series": "picture", "url": "data:image/png;base64,AAAA", "x": 0, "y": 0, "in_batch": 0},
        {"series": "class_0", "url": "", "x": 1, "y": 2, "in_batch": 0},
        {"series": "class_1", "url": "", "x": -1, "y": 0.5, "in_batch": 0},
        {"series": "class_1", "url": "", "x": 0, "y": -2, "in_batch": 1},
    ]


def test_the_plane_is_a_square_about_the_origin_whose_classes_differ_in_shape(spec_of: Specs) -> None:
    layers = spec_of(plane)["layer"]
    for axis in ("x", "y"):
        assert {tuple(layer["encoding"][axis]["scale"]["domain"]) for layer in layers} == {(-2.5, 2.5)}
    (shape,) = [layer["encoding"]["shape"] for layer in layers if "shape" in layer["encoding"]]
    assert shape["scale"] == {"domain": ["class_0", "class_1"], "range": ["circle", "triangle-up"]}

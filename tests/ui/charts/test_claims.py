"""Tables of the evidence for a claim: ratios with their seeds, and measured points with their law."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from core.science.trials import Exact, Line
from core.words.catalogue import Catalogue
from tests.core.claims.arms import judged, pair
from ui.charts.claims import compared, effects_table, evidence_table

Say = Callable[..., str]
Rows = list[dict[str, Any]]


def of(rows: Rows, series: str) -> Rows:
    return [row for row in rows if row["series"] == series]


def test_each_comparison_has_a_row_with_its_seeds_mean_and_interval(words: Catalogue) -> None:
    outcomes = judged(pair([0.5, 2.0] * 5), Exact("exact", (), True, 0.1), pair([3.0] * 10, arm="scaled_rate"))
    rows = effects_table(compared(outcomes), words).to_pylist()
    means = of(rows, "effect")
    assert [row["x"] for row in means] == pytest.approx([1.0, 3.0])
    assert [(row["low"], row["high"]) for row in means][1] == pytest.approx((3.0, 3.0))
    assert means[0]["low"] < 1 < means[0]["high"]
    assert [row["y"] for row in means] == [0.8, 1.8]  # an exact result has no row
    assert [row["x"] for row in of(rows, "seed")] == pytest.approx([0.5, 2.0] * 5 + [3.0] * 10)
    assert [row["label"] for row in of(rows, "name")] == [
        f"<chart.effects.row arm=<claims.arm.C9.{arm}> against=<claims.against.batch_size one=256 other=16> and "
        "<claims.against.lr one=16.0 other=1.0>>"
        for arm in ("equal_epochs", "scaled_rate")
    ]


def test_the_band_and_the_line_at_one_are_drawn_in_every_row_and_not_between_them(words: Catalogue) -> None:
    rows = effects_table(judged(*[pair([2.0] * 10)] * 3), words).to_pylist()
    for series in ("band", "band_middle"):
        assert [row["y"] for row in of(rows, series)] == [0.8, 1.8, 2.8]


def test_a_diverged_run_removes_the_mean_and_leaves_the_other_seeds(words: Catalogue) -> None:
    rows = effects_table(judged(pair([0.5] * 9 + [math.inf])), words).to_pylist()
    assert [row["x"] for row in of(rows, "seed")] == [0.5] * 9
    assert of(rows, "effect") == []
    rows = effects_table(judged(pair([math.inf] * 10)), words).to_pylist()
    assert {"effect", "seed"}.isdisjoint(row["series"] for row in rows)


def test_the_axis_is_symmetric_and_the_band_spans_25_percent(words: Catalogue) -> None:
    for ratios, reach in (([1.01] * 10, 2.5), ([40.0] * 10, 46.0), ([1 / 40] * 10, 46.0)):
        rows = effects_table(judged(pair(ratios)), words).to_pylist()
        assert [row["x"] for row in of(rows, "extent")] == pytest.approx([1 / reach, reach])
        (band,) = of(rows, "band")
        assert (band["x"], band["high"]) == pytest.approx((0.8, 1.25))
        assert [row["x"] for row in of(rows, "band_middle")] == [1.0]


def test_measured_points_have_bars_of_one_standard_error_and_a_law(say: Say) -> None:
    lines = [
        Line("law", (0.0, 1.0), (1.0, 2.0)),
        Line("measured", (0.5,), (1.6,), (0.2,)),
        Line("limit", (9.0,), (4.0,)),
    ]
    rows = evidence_table("C8", lines, say).to_pylist()
    assert [(row["x"], row["y"]) for row in of(rows, "law")] == [(0.0, 1.0), (1.0, 2.0)]
    assert [(row["label"], row["x"], row["y"]) for row in of(rows, "measured")] == [
        ("<claims.evidence.C8.measured>", 0.5, 1.6),
        ("<claims.evidence.C8.limit>", 9.0, 4.0),
    ]
    (error,) = of(rows, "measured_error")
    assert (error["x"], error["low"], error["high"]) == pytest.approx((0.5, 1.4, 1.8))
    titles = [row["label"] for series in ("title", "y_title") for row in of(rows, series)]
    assert titles == ["<claims.evidence.C8.x>", "<claims.evidence.C8.y>"]

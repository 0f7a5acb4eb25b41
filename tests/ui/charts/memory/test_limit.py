"""The memory limit across a chart: where it is drawn, and where it is only named."""

from __future__ import annotations

from typing import Any

import pytest

from core.words.catalogue import Catalogue
from ui.charts.memory.limit import add_limit
from ui.charts.style import Rows

MIB = 2**20


def drawn(limit_bytes: int | None, highest: float, words: Catalogue) -> tuple[float, list[dict[str, Any]]]:
    """Return the end of the axis and the rows, with 1.5 times the necessary room."""
    rows = Rows("series", "label", "end", "value")
    rows.add(series="extent")  # a table needs a row, and every chart has this one
    end = add_limit(rows, limit_bytes, highest, words, room=1.5)
    return end, rows.table().to_pylist()[1:]


@pytest.mark.parametrize(("highest", "end"), [(2.0, 12.0), (8.0, 12.0), (20.0, 30.0), (0.8, 12.0)])
def test_the_limit_is_a_named_rule_with_room_above_the_highest_mark(
    highest: float, end: float, words: Catalogue
) -> None:
    assert drawn(8 * MIB, highest, words) == (
        end,
        [
            {"series": "limit_name", "label": "<chart.limit limit=8 MiB>", "end": 8, "value": 8},
            {"series": "limit", "label": "", "end": 8, "value": 8},
        ],
    )


def test_a_limit_beyond_ten_times_the_highest_point_is_named_at_the_top_and_not_drawn(words: Catalogue) -> None:
    assert drawn(81_920 * MIB, 2.0, words) == (
        3.0,
        [{"series": "limit_name", "label": "<chart.limit.far limit=80 GiB>", "end": 3, "value": 81_920}],
    )


def test_any_limit_is_drawn_if_there_is_nothing_else(words: Catalogue) -> None:
    end, rows = drawn(81_920 * MIB, 0.0, words)
    assert end == 81_920 * 1.5
    assert [row["series"] for row in rows] == ["limit_name", "limit"]


def test_without_a_limit_the_axis_ends_above_the_highest_point_or_is_open(words: Catalogue) -> None:
    assert drawn(None, 2.0, words) == (3.0, [])
    assert drawn(None, 0.0, words) == (1.0, [])

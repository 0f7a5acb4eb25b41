"""The small pictures on the cards, read back as SVG."""

from __future__ import annotations

import re
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from ui.kit import sparks

SVG = "{http://www.w3.org/2000/svg}"
BLUE, RED = "#4c6ef5", "#e03131"


def drawn(picture: str) -> list[ET.Element]:
    """Return what is in a picture, which must be an address that HTML and XML can both read."""
    match = re.fullmatch(r'<img alt="" src="data:image/svg\+xml,([^"<>]*)">', picture)
    assert match
    root = ET.fromstring(unquote(match[1]))
    assert (root.tag, root.get("viewBox")) == (f"{SVG}svg", "0 0 120 24")
    return list(root)


def points(picture: str) -> list[tuple[float, float]]:
    (line,) = drawn(picture)
    assert line.tag == f"{SVG}polyline"
    return [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]  # type: ignore[misc]


def bars(picture: str) -> list[tuple[str | None, float]]:
    return [(each.get("fill"), float(each.get("width", ""))) for each in drawn(picture) if each.tag == f"{SVG}rect"]


# Lines.


def test_a_line_goes_from_left_to_right_with_the_lowest_value_at_the_bottom() -> None:
    assert points(sparks.line([1.0, 3.0, 2.0, 1.0, 3.0])) == [(0, 22), (30, 2), (60, 12), (90, 22), (120, 2)]


def test_a_line_is_as_high_as_the_picture_whatever_its_unit() -> None:
    millions, thousandths = [1e6, 3e6, 2e6, 1e6, 2e6], np.array([-1e-3, 1e-3, 0.0, -1e-3, 0.0])
    assert points(sparks.line(millions)) == points(sparks.line(thousandths))


def test_a_level_line_is_in_the_middle() -> None:
    assert points(sparks.line([7.0] * 5)) == [(0, 12), (30, 12), (60, 12), (90, 12), (120, 12)]


@pytest.mark.parametrize("values", [[], [3.0], [4.0, 3.0, 2.0, 1.0]])
def test_fewer_than_five_values_are_no_trend_and_draw_nothing(values: list[float]) -> None:
    assert sparks.line(values) == sparks.NOTHING
    assert drawn(sparks.NOTHING) == []


# Bars.


@pytest.mark.parametrize(("share", "width"), [(0.0, 0), (0.25, 30), (1.0, 120), (1.3, 120), (-0.1, 0)])
def test_progress_fills_the_bar_as_far_as_its_share(share: float, width: float) -> None:
    track, filled = bars(sparks.progress(share))
    assert track[1] == 120
    assert filled == (BLUE, width)


def test_a_size_is_drawn_against_its_limit() -> None:
    picture = sparks.against_limit(1.0, 4.0)
    (_, whole), filled = bars(picture)
    (rule,) = [each for each in drawn(picture) if each.tag == f"{SVG}path"]
    assert whole == 120
    assert filled == (BLUE, pytest.approx(120 / 4 / 1.05, abs=0.05))
    assert rule.get("d") == "M114.3 0V24"  # 120 / 1.05
    assert (rule.get("stroke"), rule.get("stroke-dasharray")) == (RED, "4 3")


def test_a_size_over_its_limit_extends_beyond_the_rule() -> None:
    picture = sparks.against_limit(8.0, 4.0)
    (rule,) = [each for each in drawn(picture) if each.tag == f"{SVG}path"]
    assert bars(picture)[1][1] == pytest.approx(114.3)
    assert rule.get("d") == "M57.1 0V24"


def test_without_a_limit_there_is_no_rule() -> None:
    assert bars(sparks.against_limit(3.0, None)) == [(BLUE, 120)]
    assert len(drawn(sparks.against_limit(3.0, None))) == 1


# Ticks.


@pytest.mark.parametrize(("count", "strokes"), [(1, 1), (4, 4), (60, 60), (61, 60), (10_000, 60)])
def test_an_epoch_has_a_stroke_for_each_update_up_to_a_maximum(count: int, strokes: int) -> None:
    (path,) = drawn(sparks.ticks(count))
    places = [float(place) for place in re.findall(r"M([\d.]+) 2V22", path.get("d", ""))]
    assert len(places) == strokes
    assert np.diff(places).tolist() == pytest.approx([120 / strokes] * (strokes - 1), abs=0.11)
    assert places[0] == pytest.approx(120 - places[-1], abs=0.11)

"""The text in line charts: large and strong enough, never under a line, and numbers in one form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ui.charts.cloud import cloud, law
from ui.charts.compare import compare_linear, compare_logarithmic, compare_memory
from ui.charts.depth import gradient, update_ratio
from ui.charts.loss import log_loss, log_loss_over_log_x, loss, loss_over_log_x
from ui.charts.memory import units
from ui.charts.memory.peak import rss
from ui.charts.rate import rate, small_rate
from ui.charts.style import Spec
from ui.charts.trajectory import small_trajectory, trajectory
from ui.charts.weight_paths import weight_paths

Say = Callable[..., str]
Specs = Callable[[Callable[..., Spec]], Spec]
Chart = Callable[[Say], Spec]

ONE_LINE = (gradient, update_ratio, rss, trajectory, small_trajectory)
ONLY_A_PLAN = (small_rate,)
WITH_A_LEGEND = (
    loss,
    log_loss,
    loss_over_log_x,
    log_loss_over_log_x,
    rate,
    compare_linear,
    compare_logarithmic,
    compare_memory,
    weight_paths,
)
NAMED_DIRECTLY = (cloud, law)
CHARTS = (*ONE_LINE, *ONLY_A_PLAN, *WITH_A_LEGEND, *NAMED_DIRECTLY)
PAIR = re.compile(r"luminance\(background\) > 0\.5 \? '(#\w{6})' : '(#\w{6})'")
every_chart = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.__name__)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour by WCAG 2."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, page: str) -> float:
    low, high = sorted([luminance(colour), luminance(page)])
    return (high + 0.05) / (low + 0.05)


def pages() -> list[tuple[str, ...]]:
    """Return the backgrounds that charts stand on in the light and in the dark theme."""
    theme = tomllib.loads((Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text())["theme"]
    return [tuple(theme[light][f"{name}ackgroundColor"] for name in ("b", "secondaryB")) for light in ("light", "dark")]


def texts(spec: Spec) -> list[dict[str, Any]]:
    return [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]


def is_rim(layer: dict[str, Any]) -> bool:
    return bool(layer["mark"].get("stroke") == {"expr": "background"})


@every_chart
def test_all_text_has_twelve_pixels_and_a_contrast_of_four_and_a_half_in_both_lights(
    chart: Chart, spec_of: Specs
) -> None:
    spec = spec_of(chart)
    config = spec["config"]
    styles = [config["axis"], config["legend"], config["title"], config["text"]]
    channels = [channel for layer in spec["layer"] for channel in layer["encoding"].values() if type(channel) is dict]
    styles += [channel[part] for channel in channels for part in ("axis", "legend") if channel.get(part)]
    styles += [layer["mark"] for layer in texts(spec) if not is_rim(layer)]
    sizes = [size for style in styles for key, size in style.items() if key.endswith(("fontSize", "FontSize"))]
    assert len(sizes) >= 5
    assert min(sizes) >= 12
    colours = [colour["expr"] for style in styles for key, colour in style.items() if key.lower().endswith("color")]
    assert len(colours) >= 6
    for colour in colours:
        pair = PAIR.fullmatch(colour)
        assert pair, colour
        for shade, backgrounds in zip(pair.groups(), pages(), strict=True):
            assert min(contrast(shade, page) for page in backgrounds) >= 4.5


@every_chart
def test_a_label_within_the_plot_has_a_rim_and_lies_above_every_line(chart: Chart, say: Say, spec_of: Specs) -> None:
    layers = spec_of(chart)["layer"]
    kinds = [layer["mark"]["type"] for layer in layers]
    last_line = max([number for number, kind in enumerate(kinds) if kind in ("line", "area", "trail", "bar")])
    for number, layer in enumerate(layers):
        if kinds[number] != "text" or is_rim(layer):
            continue
        y = layer["encoding"]["y"]
        is_above = y.get("value") == 0 and layer["mark"].get("dy", 0) < 0
        is_above = is_above or (isinstance(y.get("value"), int) and y["value"] < 0)
        is_below = y.get("value") == "height" and layer["mark"].get("dy", 0) > 0
        is_alone = {"filter": "datum.series == 'note'"} in layer["transform"]  # there are no lines then
        if is_above or is_below:  # a chosen range clips every mark that does not say otherwise
            assert layer["mark"].get("clip") is False or chart in (compare_memory, small_rate), layer
        elif not is_alone:
            assert is_rim(layers[number - 1]), layer
            assert layers[number - 1]["encoding"] == layer["encoding"]
            assert number - 1 > last_line


@pytest.mark.parametrize("chart", WITH_A_LEGEND, ids=lambda chart: chart.__name__)
def test_more_than_one_line_has_a_legend(chart: Chart, spec_of: Specs) -> None:
    colours = [
        layer["encoding"]["color"] for layer in spec_of(chart)["layer"] if "field" in layer["encoding"].get("color", {})
    ]
    assert colours
    for colour in colours:
        assert colour["legend"]["orient"] == "top"  # above the plot, not over its lines
        assert len(colour["scale"]["domain"]) == len(colour["scale"]["range"]) >= 2


@pytest.mark.parametrize(
    "chart", [each for each in CHARTS if each is not compare_memory], ids=lambda each: each.__name__
)
def test_a_range_can_be_chosen_and_outlives_new_data(chart: Chart, spec_of: Specs) -> None:
    spec = spec_of(chart)
    chosen = [param for param in spec.get("params", []) if param.get("bind") == "scales"]
    if chart is small_rate:  # a wheel over the form scrolls it
        assert chosen == []
        return
    ((name, axes),) = [(param["name"], param["select"]["encodings"]) for param in chosen]
    frame = spec["layer"][0]
    for axis in axes:
        assert frame["encoding"][axis]["field"] == axis  # it names the signal
        assert frame["encoding"][axis]["scale"]["domainRaw"] == {"expr": f"{name}_{axis}"}
    lines = [layer for layer in spec["layer"] if layer["mark"]["type"] in ("line", "area", "rect")]
    assert all(layer["mark"]["clip"] for layer in lines)


@every_chart
def test_the_axes_write_numbers_in_one_way(chart: Chart, spec_of: Specs) -> None:
    channels = [layer["encoding"].get(axis, {}) for layer in spec_of(chart)["layer"] for axis in ("x", "y")]
    axes = [channel["axis"] for channel in channels if channel.get("type") == "quantitative" and "axis" in channel]
    assert axes
    for axis in axes:
        assert "format" not in axis
        if axis["labelExpr"] != units.text("datum.value"):  # a size has the unit that fits it
            assert "'\u207b'" in axis["labelExpr"]  # a power of ten where plain digits would be too many

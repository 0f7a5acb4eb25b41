"""Hold what the charts share: colours, formats, and the parts of a chart.

A chart keeps its canvas in the browser only while its specification stays byte-identical. Everything that changes,
including thresholds, extents and titles, is therefore in the table, and the columns of a table never change. `say`
turns a key into the words of the reader's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

Channel = TypeVar("Channel", alt.X, alt.Y)
Say = Callable[[str], str]
Spec = dict[str, Any]

BLUE, TEAL, RED = "#4c6ef5", "#0c9aa8", "#e03131"
LIMIT_COLOUR = RED  # the memory limit, on every chart and card
GREY = "#71777e"  # 4.5 on white and 4.2 on the dark background


def _in_light(light: str, dark: str) -> str:
    return f"luminance(background) > 0.5 ? '{light}' : '{dark}'"


# The colours of text, also in a picture that leaves the page. Each has a contrast of 4.5 and more in its light.
QUIET = alt.ExprRef(_in_light("#5f656c", "#a3a9b0"))
PAGE_INK = alt.ExprRef(_in_light("#1f2329", "#e8eaed"))
ALARM = alt.ExprRef(_in_light("#c92a2a", "#ff8787"))
FAINT_BLUE = "rgba(116, 143, 252, 0.5)"
CATEGORY_COLOURS = {  # keeps the order of CATEGORIES; activations are the same purple everywhere
    "parameters": "#4c6ef5",
    "gradients": "#d9730d",
    "optimizer state": "#2f9e44",
    "activations": "#ae3ec9",
    "batch": "#0c9aa8",
    "temporary": "#c99700",
}
INK = "datum.series == 'activations' ? 'white' : 'black'"  # text on these colours; its contrast is 4.8 and more
COUNT, LOSS, RATE = ",.0f", ".4f", ".3~e"
NUMBER = ",.3~r"  # three significant digits, never as a power of ten
ANY = ",.6~r"  # counts and seconds on one axis

SHORT = 2.5  # a logarithmic axis from 1 to this or less holds at most one of 1, 2 and 5
NARROW = 30  # a logarithmic axis from 1 to this or less has labels at 2 and 5 too
PADDING = {"left": 0, "top": 2, "right": 10, "bottom": 2}  # pixels; the last label of an axis needs the right one
FONT = 12  # pixels of all text in a chart
FAR = 10.0  # multiple of the highest value; a limit beyond it would squeeze the rest of the chart
HOVERED = 60  # places of a line chart at which the pointer reads it; more would slow down each refresh
EXTENT = "extent"  # an invisible series that holds the axes open
CAPTION = "caption"  # the row whose text says what the chart shows
TITLE = "title"  # the row whose text names the x axis
PLACE = "\u00a0"  # a blank title
CLOSE = 6  # pixels between an axis, its labels and its title; Streamlit has 16
# Streamlit's own greys have a contrast of 3.7 on white and differ between axes, legends and the two lights.
_WORDS = {"labelFontSize": FONT, "titleFontSize": FONT, "labelColor": QUIET.to_dict(), "titleColor": QUIET.to_dict()}
LOOK: dict[str, Any] = {
    "axis": _WORDS | {"labelPadding": CLOSE, "titlePadding": CLOSE},
    "axisX": {"titleAnchor": "end"},  # as `title_from_data` has it
    "legend": _WORDS | {"labelColor": PAGE_INK.to_dict(), "titleColor": PAGE_INK.to_dict()},
    "title": {"color": PAGE_INK.to_dict(), "subtitleColor": QUIET.to_dict(), "subtitleFontSize": FONT},
    "text": {"fontSize": FONT, "color": QUIET.to_dict()},
}
LARGE, LITTLE = 1e7, 1e-4  # plain digits are written between these
RIM = 5  # pixels of the rim around a label, half of them outside of its letters
ZOOM, FRAME = "zoom", "frame"  # the selection of a range, and the layer that has it
LINE_HEIGHT = 16  # pixels of a line of text
OUTSIDE = 36  # pixels beside the plot, below the labels of the y axis and the name of a limit
TITLE_FROM_AXIS = 34  # pixels between the x axis and the lower edge of its title
DATA = alt.NamedData("d")
TEXTS = ("series", "row", "label", "url")
SINGLE = (str, int, float, np.generic)


def only(series: str) -> str:
    """Return the Vega expression that picks the rows of a series."""
    return f"datum.series == '{series}'"


def written(number: str, form: str = "") -> str:
    """Return the Vega expression that writes a number, in one way wherever a chart writes numbers.

    It has four digits, or the digits of the format `form`; from LARGE and below LITTLE it has a power of ten.
    """
    size, parts = f"abs({number})", f"split(format({number}, '.2~e'), 'e')"
    digits = "".join(chr(code) for code in (0x2070, 0xB9, 0xB2, 0xB3, *range(0x2074, 0x207A)))
    tens = f"replace({parts}[0] + '\u00d710', regexp('^1\u00d7'), '')"
    first, second = f"'{digits}'[{parts}[1][1]]", f"({parts}[1][2] ? '{digits}'[{parts}[1][2]] : '')"
    power = f"{tens} + ({parts}[1][0] == '-' ? '\u207b' : '') + {first} + {second}"
    plain = f"format({number}, '{form}')" if form else f"format({number}, {size} < 1000 ? ',.4~r' : ',.0f')"
    return f"{number} && ({size} >= {LARGE:g} || {size} < {LITTLE:g}) ? {power} : {plain}"


def linear(channel: Channel, *, ticks: int, nice: bool = True, zero: bool = True) -> Channel:
    """Give a channel a linear axis, from 0 unless `zero` is false."""
    return channel.scale(zero=zero, nice=nice).axis(labelExpr=written("datum.value"), tickCount=ticks)


def logarithmic(channel: Channel, *, grid: bool = True) -> Channel:
    """Give a channel a logarithmic axis with labels at 1, 10, 100, ...; also at 2 and 5 if it spans few of those.

    If it spans hardly one of them, its ticks are those of a linear axis.
    """
    ticks = [digit * 10.0**power for power in range(-30, 31) for digit in (1, 2, 5)]
    scale = "x" if isinstance(channel, alt.X) else "y"
    exponent = "log(datum.value) / LN10"
    is_power = f"abs({exponent} - round({exponent})) < 1e-6"
    low, high = f"domain('{scale}')[0]", f"domain('{scale}')[1]"
    is_narrow = f"{high} < {NARROW} * {low}"
    is_single = f"floor(log({high}) / LN10) - ceil(log({low}) / LN10) < 1"
    label = f"{is_power} || {is_narrow} || {is_single} ? ({written('datum.value')}) : ''"
    apart = f"pow(10, floor(log({high} - {low}) / LN10))"
    between = f"sequence(ceil({low} / {apart}) * {apart}, {high}, {apart})"
    values = alt.ExprRef(f"{high} < {SHORT} * {low} && {high} > {low} ? {between} : {ticks}")
    axis = alt.Axis(values=values, labelExpr=label, labelOverlap="greedy", grid=grid)
    return channel.scale(type="log", nice=False, padding=8).axis(axis)


def held_open(x: alt.X, y: alt.Y | None = None) -> alt.Chart:
    """Return invisible points that keep the axes open while there is nothing to draw."""
    axes = [x] if y is None else [x, y]
    held: alt.Chart = alt.Chart(DATA).mark_point(opacity=0, tooltip=None).encode(*axes)
    return held.transform_filter(only(EXTENT))


def placed(*channels: str) -> dict[str, Any]:
    """Return encodings by the columns of the same names that, unlike others, do not widen the axes."""
    return {name: alt.value(alt.expr(f"scale('{name[0]}', datum.{name})")) for name in channels}


def title_from_data() -> alt.Chart:
    """Return the title of the x axis as a text from the table, because a title in the specification cannot change.

    The axis has the title PLACE, which keeps the place free.
    """
    words: alt.Chart = alt.Chart(DATA).mark_text(
        align="right", baseline="bottom", dy=TITLE_FROM_AXIS, tooltip=None, clip=False
    )
    right, bottom = alt.value("width"), alt.value("height")
    return words.encode(x=right, y=bottom, text="label:N").transform_filter(only(TITLE))


def caption_from_data(*, line: int = 0) -> alt.Chart:
    """Return the caption from the table: it goes along in a picture that leaves.

    It stands left of the title of the x axis or, in line 1, below it.
    """
    words: alt.Chart = alt.Chart(DATA).mark_text(
        align="left",
        baseline="bottom",
        dx=-OUTSIDE * line,
        dy=TITLE_FROM_AXIS + LINE_HEIGHT * line,
        limit=alt.expr(f"width + {2 * OUTSIDE}" if line else "width - 90"),
        tooltip=None,
        clip=False,
    )
    place = alt.value(0), alt.value("height")
    return words.encode(x=place[0], y=place[1], text="label:N").transform_filter(only(CAPTION))


def label(base: alt.Chart, series: str, *, text: Any = "label:N", **mark: Any) -> list[alt.Chart]:
    """Return the layers of a label within the plot: its text, and below that a rim that keeps lines away from it."""
    words: alt.Chart = base.encode(text=text).transform_filter(only(series))
    page, around = alt.ExprRef("background"), {"strokeWidth": RIM, "strokeJoin": "round"}
    rim = words.mark_text(color=page, stroke=page, tooltip=None, **mark | around)
    return [rim, words.mark_text(tooltip=None, **mark)]


def labels(say: Say, names: Sequence[str]) -> str:
    """Return the Vega expression that shows the words of a code."""
    return in_words({name: say(f"series.{name}") for name in names})


def in_words(names: Mapping[str, str]) -> str:
    """Return the Vega expression that shows the name of a code."""
    pairs = ", ".join(f"'{code}': {name!r}" for code, name in names.items())
    return f"({{{pairs}}})[datum.value]"


def row_of_names(say: Say, names: Sequence[str]) -> alt.Legend:
    """Return a legend above the plot, in one row."""
    return alt.Legend(
        title=None,
        orient="top",
        direction="horizontal",
        labelExpr=labels(say, names),
        offset=2,
        symbolStrokeWidth=3,
        symbolOpacity=1,
        columnPadding=8,
        padding=0,
    )


def evenly(count: int) -> NDArray[np.int64]:
    """Return an even choice of at most HOVERED of so many points, the first and the last among them."""
    return np.linspace(0, count - 1, HOVERED).round().astype(np.int64) if count > HOVERED else np.arange(count)


def readable(table: pa.Table, names: Mapping[str, str], *series: str) -> pa.Table:
    """Return what "Show data" lists: the rows of some series, with some columns under names that people read."""
    rows = table.filter(pc.is_in(table["series"], pa.array(series)))
    return rows.select(list(names)).rename_columns(list(names.values()))


class Rows:
    """Gather the rows of a chart's table. A value that is not given is NaN, or an empty text.

    The rows go straight to Arrow, which the browser receives: building frames took most of the time of a refresh.
    """

    def __init__(self, *columns: str) -> None:
        self._columns = columns
        self._blocks: list[tuple[int, Mapping[str, Any]]] = []  # of each block: its rows, and the given values

    def add(self, **values: str | float | Sequence[str] | ArrayLike) -> None:
        """Add one row for each entry of the longest value; a single value goes into all rows."""
        sizes = [len(value) for value in values.values() if not isinstance(value, SINGLE)]  # type: ignore[arg-type]
        self._blocks.append((max(sizes, default=1), values))

    def table(self) -> pa.Table:
        """Return all rows; the types of the columns do not depend on their values."""
        return pa.table({name: self._text(name) if name in TEXTS else self._number(name) for name in self._columns})

    def _text(self, name: str) -> pa.StringArray:
        texts: list[str] = []
        for count, values in self._blocks:
            text = values.get(name, "")
            texts += [text] * count if isinstance(text, str) else text
        return pa.array(texts, pa.string())

    def _number(self, name: str) -> pa.DoubleArray:
        numbers = np.full(sum(count for count, _ in self._blocks), np.nan)
        first = 0
        for count, values in self._blocks:
            if name in values:
                numbers[first : first + count] = values[name]
            first += count
        return pa.array(numbers)


def spec(
    chart: alt.LayerChart | alt.FacetChart,
    *,
    height: int,
    title: str | None = None,
    subtitle: str = "",
    columns: Mapping[str, str] | None = None,
) -> Spec:
    """Return a chart as Streamlit takes it, without its data.

    `columns` gives columns of the table the names under which "Show data" lists them; see `ui.charts.columns`.
    """
    chart = chart.properties(height=height)
    if title:
        below = subtitle or alt.Undefined
        # Without a limit, Vega cuts both at the width of the plot, though they begin left of it.
        limit = alt.expr(f"width + {OUTSIDE}")
        chart = chart.properties(
            title=alt.TitleParams(title, anchor="start", fontSize=14, offset=8, subtitle=below, limit=limit)
        )
    made: Spec = chart.to_dict(validate=False)  # validating takes a fifth of the time; the tests do it
    for name in ("$schema", "data"):
        made.pop(name, None)
    made |= {"config": LOOK, "padding": PADDING}
    _state_axes_once(made["layer"])
    for layer in made["layer"]:
        layer.pop("data", None)
        layer["mark"]["aria"] = False  # the chart has an alt text, and the cards show the numbers
        if layer.get("name") == FRAME:
            for axis in made["params"][0]["select"]["encodings"]:
                # Streamlit empties the selection whenever the data changes. Its signal keeps the chosen range.
                layer["encoding"][axis]["scale"]["domainRaw"] = {"expr": f"{ZOOM}_{axis}"}
    return made | {"usermeta": {"columns": dict(columns or {})}}


def _state_axes_once(layers: Sequence[Any]) -> None:
    """Remove from each layer the axes that an earlier layer has.

    Layers share their axes, and the server sends the whole specification at every refresh.
    """
    stated: dict[str, Any] = {}
    for layer in layers:
        for name in ("x", "y"):
            channel = layer["encoding"].get(name, {})
            if "axis" not in channel:
                continue
            if name not in stated:
                stated[name] = channel["axis"]
            elif channel["axis"] == stated[name]:
                del channel["axis"]

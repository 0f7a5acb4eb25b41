"""Make the table of the charts of peak memory against batch size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.forecast.records import Curve
from core.run.events import CATEGORIES
from core.words.catalogue import Catalogue
from core.words.units import MIB
from ui.charts.memory.curve import COLUMN, FITS, HERE, LAYERS, MEASURED, TOTAL
from ui.charts.memory.limit import add_limit, beside_limit
from ui.charts.style import CAPTION, EXTENT, Rows, readable

LABELLED_SHARE = 0.08  # share of the axis below which a layer has no room for its name
NAME_WIDTH = 0.26  # share of the axis on a phone
LEAST_SHARE = 0.01  # share of the smallest total; smaller values would stretch a logarithmic axis over empty decades
ROOM = 1.1  # multiple of the highest point; the label of the largest batch size that fits stands above it
SHORT = 100  # batch sizes on an axis without a curve


def curve_table(
    curve: Curve | None,
    limit_bytes: int | None,
    measured: Sequence[tuple[int, int]],
    words: Catalogue,
    *,
    batch_size: int | None,
    caption: str = "",
) -> pa.Table:
    """Return the rows of `curve` and `log_curve`. Sizes are in MiB.

    series, label  the kind of mark and its text
    x              the batch size
    start, end     a layer's edges; middle is the height of its name
    value          a layer's size if a logarithmic axis has room for it, or the predicted peak of a measured run
    error          the measured peak minus the predicted one, in percent
    left, right    the range of x in which a tooltip shows the total and the size of each category; the right one of
                   HERE is the largest batch size that fits

    `measured` holds batch sizes and peaks in bytes of real runs. Runs outside the curve are left out.
    """
    rows = Rows("series", "label", "x", "left", "right", "start", "end", "middle", "value", "error", TOTAL, *LAYERS)
    points = sorted(curve.points, key=lambda point: point.batch_size) if curve else []
    places = np.array([point.batch_size for point in points], float)
    sizes = (
        np.array(
            [
                [*(point.peak.by_category.get(name, 0) for name in CATEGORIES), point.peak.workspace_bytes]
                for point in points
            ],
            float,
        ).reshape(len(points), len(LAYERS))
        / MIB
    )
    total = sizes.sum(1)
    end = add_limit(rows, limit_bytes, total.max(initial=0.0), words, room=ROOM)
    rows.add(series=CAPTION, label=caption)
    largest = np.nan  # where its mark stands
    if curve and points:
        limit = limit_bytes / MIB if limit_bytes else None
        _add_layers(rows, places, sizes, end, words, limit=limit, here=batch_size)
        if limit_bytes and curve.largest_batch_size:
            largest = _add_largest(rows, places, total, curve.largest_batch_size, words)
        _add_measured(rows, places, total, measured)
    if batch_size:
        here = words.say("chart.curve.here", size=words.number(batch_size))
        rows.add(series=HERE, x=batch_size, right=largest, label=here)
    lowest = sizes[_is_seen(sizes)].min(initial=end)
    first, last = (places[0], places[-1]) if points else (1.0, float(max(SHORT, 2 * (batch_size or 0))))
    rows.add(series=EXTENT, x=[first, last], end=[lowest, end])
    return rows.table()


def readable_curve(table: pa.Table, words: Catalogue) -> pa.Table:
    """Return what is shown as the data of `curve` and `log_curve`."""
    sizes = {name: words.say("axis.in_mib", name=words.say(f"series.{name}")) for name in (TOTAL, *LAYERS)}
    return readable(table, {"x": words.say("axis.batch_size")} | sizes, COLUMN)


def _add_layers(
    rows: Rows,
    places: NDArray[np.float64],
    sizes: NDArray[np.float64],
    end: float,
    words: Catalogue,
    *,
    limit: float | None,
    here: int | None,
) -> None:
    """Add the stacked layers, their total, and the columns that show tooltips around each point."""
    ends = np.cumsum(sizes, axis=1)
    total = ends[:, -1]
    values = np.where(_is_seen(sizes), sizes, np.nan)
    left = max(places[-1] * (1 - NAME_WIDTH), places[0])
    along = np.array([left, *places[places > left]])
    is_crossed = here is not None and left < here < places[-1]  # by the rule of the batch size
    for name, size, top, value in zip(LAYERS, sizes.T, ends.T, values.T, strict=True):
        # A name is level and a layer seldom is, so it needs a level band within the right end of the layer.
        low, high = np.interp(along, places, top - size).max(), np.interp(along, places, top).min()
        low, high = beside_limit(low, high, limit)
        name_fits = high - low > LABELLED_SHARE * end and not is_crossed
        rows.add(
            series=name,
            x=places,
            start=top - size,
            end=top,
            value=value,
            middle=(low + high) / 2,
            label=[""] * (len(places) - 1) + [words.say(f"series.{name}") if name_fits else ""],
        )
    rows.add(series=TOTAL, x=places, end=total, value=total)
    middles = (places[1:] + places[:-1]) / 2
    rows.add(
        series=COLUMN,
        x=places,
        left=[*places[:1], *middles],
        right=[*middles, *places[-1:]],
        total=total,
        **dict(zip(LAYERS, sizes.T, strict=True)),
    )


def _add_largest(
    rows: Rows, places: NDArray[np.float64], total: NDArray[np.float64], largest: int, words: Catalogue
) -> float:
    """Add the mark of the largest batch size that fits; return where it stands, at most at the end of the curve."""
    size, last = words.number(largest), float(places[-1])
    if largest > last:
        rows.add(series=FITS, x=last, label=words.say("chart.curve.fits.beyond", size=size))
        return last
    highest = np.interp(largest, places, total)
    rows.add(series=FITS, x=largest, end=highest, total=highest, label=words.say("chart.curve.fits", size=size))
    return float(largest)


def _add_measured(
    rows: Rows, places: NDArray[np.float64], total: NDArray[np.float64], measured: Sequence[tuple[int, int]]
) -> None:
    for size, needed in measured:
        if places[0] <= size <= places[-1]:
            mib, predicted = needed / MIB, np.interp(size, places, total)
            error = 100 * (mib - predicted) / predicted
            rows.add(series=MEASURED, x=size, end=mib, value=predicted, error=error)


def _is_seen(sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a mask (points, layers) of the sizes that a logarithmic axis has room for."""
    seen: NDArray[np.bool_] = sizes >= LEAST_SHARE * sizes.sum(1).min(initial=np.inf)
    return seen

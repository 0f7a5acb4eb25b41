"""Draw the memory limit across a chart of memory: a dashed red rule, named at the right of the plot."""

from __future__ import annotations

import altair as alt

from core.words.catalogue import Catalogue
from core.words.units import MIB
from ui.charts.style import DATA, FAR, FONT, LIMIT_COLOUR, Rows, only

LIMIT, LIMIT_NAME = "limit", "limit_name"


def limit_layers(y: alt.Y) -> list[alt.Chart]:
    """Return the rule and its name, for the rows that `add_limit` adds."""
    base = alt.Chart(DATA).encode(y=y)
    rule = base.mark_rule(color=LIMIT_COLOUR, strokeDash=[6, 4], strokeWidth=2, tooltip=None)
    # The name stands outside the plot, where it covers nothing.
    words = base.mark_text(
        color=LIMIT_COLOUR,
        align="left",
        baseline="middle",
        dx=5,
        fontSize=FONT,
        lineBreak="\n",
        tooltip=None,
        clip=False,
    )
    return [
        rule.transform_filter(only(LIMIT)),
        words.encode(x=alt.value("width"), text="label:N").transform_filter(only(LIMIT_NAME)),
    ]


def add_limit(
    rows: Rows, limit_bytes: int | None, highest: float, words: Catalogue, *, room: float, far: float = FAR
) -> float:
    """Add the limit and return the end of the y axis in MiB: `room` times the highest thing drawn.

    `highest` is in MiB. A limit above `far` times `highest` is named at the top but not drawn.
    """
    limit = limit_bytes / MIB if limit_bytes else None
    is_far = bool(limit and highest and limit > far * highest)
    end = room * (highest if is_far or not limit else max(highest, limit)) or 1.0
    if limit:
        rows.add(
            series=LIMIT_NAME,
            end=end if is_far else limit,
            value=limit,
            label=words.say("chart.limit.far" if is_far else "chart.limit", limit=words.mib(limit_bytes or 0)),
        )
        if not is_far:
            rows.add(series=LIMIT, end=limit, value=limit)
    return end


def beside_limit(low: float, high: float, limit: float | None) -> tuple[float, float]:
    """Return the larger part of a span that the limit cuts, so that a label in its middle is not struck through."""
    if limit is None or not low < limit < high:
        return low, high
    return (low, limit) if limit - low > high - limit else (limit, high)

"""Draw the memory limit across a chart whose y axis is memory: a dashed red rule with its name beside the plot."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt

from core.words.units import MIB
from ui.charts.style import DATA, FAR, RED, Rows, only, size

LIMIT, LIMIT_NAME = "limit", "limit name"


def limit_layers(y: alt.Y) -> list[alt.Chart]:
    """Return the rule and its name, at the y of the rows that `add_limit` makes."""
    base = alt.Chart(DATA).encode(y=y)
    rule = base.mark_rule(color=RED, strokeDash=[6, 4], strokeWidth=2, tooltip=None)
    # Outside the plot, where nothing else can be.
    words = base.mark_text(color=RED, align="left", baseline="middle", dx=5, fontSize=11, lineBreak="\n", tooltip=None)
    return [
        rule.transform_filter(only(LIMIT)),
        words.encode(x=alt.value("width"), text="label:N").transform_filter(only(LIMIT_NAME)),
    ]


def add_limit(
    rows: Rows, limit_bytes: int | None, highest: float, say: Callable[..., str], *, room: float, far: float = FAR
) -> float:
    """Add the limit above or below `highest` (MiB) and return where the y axis ends: `room` times what is drawn.

    A limit more than `far` times as high is named at the top but not drawn.
    """
    limit = limit_bytes / MIB if limit_bytes else None
    is_far = bool(limit and highest and limit > far * highest)
    end = room * (highest if is_far or not limit else max(highest, limit)) or 1.0
    if limit:
        rows.add(
            series=LIMIT_NAME,
            end=end if is_far else limit,
            value=limit,
            label=say("chart.limit.far" if is_far else "chart.limit", limit=size(limit)),
        )
        if not is_far:
            rows.add(series=LIMIT, end=limit, value=limit)
    return end

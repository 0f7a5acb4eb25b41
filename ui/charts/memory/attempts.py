"""Draw the searches for the largest batch size: the sizes that each strategy tries, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from core.run.searching import Search
from core.words.catalogue import Catalogue
from ui.charts.style import (
    BLUE,
    CAPTION,
    COUNT,
    DATA,
    EXTENT,
    FONT,
    GREY,
    LINE_HEIGHT,
    RED,
    Rows,
    Say,
    Spec,
    caption_from_data,
    held_open,
    labels,
    logarithmic,
    only,
    readable,
    spec,
)

FITS, TOO_LARGE = "fits", "too_large"
NUMBER, NAME, COUNTED = "number", "name", "counted"
LARGEST, GOAL = "largest", "goal"
LANES = 5  # lanes in each row, so that marks close together do not overlap
# An X, because Vega's own cross is a plus.
CROSS = "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z"
NAMES = -0.7  # the lane of a row's name and outcome
APART = 0.05  # share of the axis, between two marks in one lane
NUMBER_WIDTH = 22  # pixels of a mark with a number of two digits


def attempts(say: Say) -> Spec:
    """Draw a row for each strategy: a numbered circle for a batch size that fits, a cross for one that does not."""
    kinds = [FITS, TOO_LARGE]
    x = logarithmic(alt.X("x:Q", title=say("axis.batch_size")))
    y = alt.Y("row:N", title=None, sort=None).axis(labels=False, ticks=False, domain=False)
    y = y.scale(paddingInner=0.1, paddingOuter=0.05)
    lane = alt.YOffset("lane:Q").scale(domain=[LANES, -1.4])
    key = alt.Legend(
        title=None, orient="bottom", direction="horizontal", labelExpr=labels(say, kinds), offset=6 + LINE_HEIGHT
    )
    colour = alt.Color("series:N", legend=key).scale(domain=kinds, range=[BLUE, RED])
    shape = alt.Shape("series:N", legend=key).scale(domain=kinds, range=["circle", CROSS])
    tooltip = [
        alt.Tooltip("row:N", title=say("axis.search")),
        alt.Tooltip("value:Q", title=say("axis.attempt"), format=COUNT),
        alt.Tooltip("x:Q", title=say("axis.batch_size"), format=COUNT),
        alt.Tooltip("label:N", title=say("axis.outcome")),
    ]
    base = alt.Chart(DATA).encode(y=y, yOffset=lane)
    marks = base.mark_point(filled=True, size=64, opacity=1).encode(x, colour, shape, tooltip=tooltip)
    numbers = base.mark_text(
        align="left",
        dx=6,
        fontSize=FONT,
        color=GREY,
        tooltip=None,
        opacity=alt.expr(f"datum.room * width > {NUMBER_WIDTH} ? 1 : 0"),
    )
    names = base.mark_text(align="left", fontSize=FONT, fontWeight="bold", color=GREY, tooltip=None)
    counts = base.mark_text(align="right", fontSize=FONT, color=GREY, tooltip=None)
    late = "scale('x', datum.x) > width / 2"
    goal = alt.Chart(DATA).encode(x)
    # The rule leaves out the lane of the names, which it would strike through.
    below, end = y.bandPosition(1 - LANES / (LANES + 1.4)), alt.Y2("row:N", bandPosition=1)
    rule = goal.mark_rule(color=GREY, strokeDash=[2, 3], tooltip=None).encode(y=below, y2=end)
    goal_name = goal.mark_text(
        fontSize=FONT, color=GREY, baseline="bottom", dy=-4, tooltip=None, align=alt.expr(f"{late} ? 'right' : 'left'")
    )
    return spec(
        alt.layer(
            held_open(x),
            rule.transform_filter(only(GOAL)),
            goal_name.encode(y=alt.value(0), text="label:N").transform_filter(only(LARGEST)),
            marks.transform_filter(alt.FieldOneOfPredicate(field="series", oneOf=kinds)),
            numbers.encode(x, text=alt.Text("value:Q", format=COUNT)).transform_filter(only(NUMBER)),
            names.encode(x=alt.value(0), text="label:N").transform_filter(only(NAME)),
            counts.encode(x=alt.value("width"), text="label:N").transform_filter(only(COUNTED)),
            caption_from_data(line=1),
        ),
        height=450,
        title=say("chart.attempts"),
    )


def attempts_table(
    searches: Sequence[Search], shown: int, words: Catalogue, *, largest: int, most: int, caption: str = ""
) -> pa.Table:
    """Return the rows of `attempts`: series, row, label, x (batch size), lane, room, value (number of the attempt).

    The table holds the first `shown` attempts of each strategy, and its outcome once all are shown. `largest` is the
    largest batch size that fits, or 0. The axis ends at `most`, the largest possible batch size.
    """
    rows = Rows("series", "row", "label", "x", "lane", "room", "value")
    rows.add(series=CAPTION, label=caption)
    end = float(max([most, 2, *(attempt.batch_size for search in searches for attempt in search.attempts)]))
    rows.add(series=EXTENT, x=[1.0, end])
    if largest:
        rows.add(series=LARGEST, x=largest, label=words.say("chart.attempts.largest", size=words.number(largest)))
    goal = float(np.log(largest) / np.log(end)) if largest else None
    for search in searches:
        name = words.say(f"search.{search.name}")
        rows.add(series=NAME, row=name, label=name, lane=NAMES)
        if largest:
            rows.add(series=GOAL, row=name, x=largest)
        tried = search.attempts[: max(shown, 0)]
        shares = np.log([attempt.batch_size for attempt in tried]) / np.log(end)
        lanes = _lanes(shares.tolist())
        rooms = _rooms(shares.tolist(), lanes, goal=goal)
        for number, (attempt, lane, room) in enumerate(zip(tried, lanes, rooms, strict=True), start=1):
            kind = FITS if attempt.fits else TOO_LARGE
            at: dict[str, Any] = {"row": name, "x": attempt.batch_size, "lane": lane + 0.5, "value": number}
            rows.add(series=kind, label=words.say(f"series.{kind}"), **at)
            rows.add(series=NUMBER, room=room, **at)
        if shown >= len(search.attempts):
            rows.add(series=COUNTED, row=name, label=_outcome(search, largest, words), lane=NAMES)
    return rows.table()


def readable_attempts(table: pa.Table, say: Say) -> pa.Table:
    """Return what is shown as the data of `attempts`."""
    names = {
        "row": say("axis.search"),
        "value": say("axis.attempt"),
        "x": say("axis.batch_size"),
        "label": say("axis.outcome"),
    }
    return readable(table, names, FITS, TOO_LARGE)


def _lanes(shares: Sequence[float]) -> list[int]:
    """Return the lane of each mark: the first one with no earlier mark nearby, else the one with most room.

    A mark keeps its lane when later ones are added.
    """
    taken: list[list[float]] = [[] for _ in range(LANES)]
    lanes: list[int] = []
    for share in shares:
        rooms = [min((abs(other - share) for other in others), default=1.0) for others in taken]
        lane = next((lane for lane, room in enumerate(rooms) if room >= APART), rooms.index(max(rooms)))
        taken[lane].append(share)
        lanes.append(lane)
    return lanes


def _rooms(shares: Sequence[float], lanes: Sequence[int], *, goal: float | None) -> list[float]:
    """Return the distance from each mark to what is next on its right, where its number stands.

    That is another mark in the same lane, or the rule of the `goal`.
    """
    marks = list(zip(shares, lanes, strict=True))
    others = [
        [there for at, (there, row) in enumerate(marks) if row == lane and at != here and there >= share]
        for here, (share, lane) in enumerate(marks)
    ]
    rules = [[goal] if goal is not None and goal > share else [] for share in shares]
    return [
        min((there - share for there in [*right, *rule]), default=1.0)
        for share, right, rule in zip(shares, others, rules, strict=True)
    ]


def _outcome(search: Search, largest: int, words: Catalogue) -> str:
    tries = len(search.attempts)
    if search.found == largest:
        return words.count("chart.attempts.exact", tries)
    if not search.found:
        return words.count("chart.attempts.none", tries)
    key = "chart.attempts.below" if search.found < largest else "chart.attempts.above"
    off = words.number(abs(search.found - largest))
    return words.count(key, tries, found=words.number(search.found), off=off)

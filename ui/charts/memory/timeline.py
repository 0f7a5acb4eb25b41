"""Draw what happens to memory within an update: the bytes alive after every allocation and release."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.run.events import CATEGORIES, FailedAllocation
from core.run.timeline import Timeline, plain_operation
from core.words.units import MIB
from ui.charts.memory.limit import add_limit, limit_layers
from ui.charts.style import (
    ANY,
    CATEGORY_COLOURS,
    COUNT,
    DATA,
    EXTENT,
    GREY,
    RED,
    SIZE,
    Rows,
    Say,
    Spec,
    held_open,
    labels,
    only,
    size,
    spec,
)

STEPS = 400  # of an event that are drawn
GAP = 0.03  # between two events, of all changes
NARROWEST = 0.2  # of all changes: a shorter event is drawn wider than it is, or its name would have no room
TICKS = 12  # about as many numbers on the axis
BAR = 0.04  # of all changes: the width of the allocation that did not fit
BOUNDARY = 0.01  # of the axis: the bounds of shorter stretches would be a bar
CUT = 2.0  # times the limit: what is asked for beyond would leave nothing to see of the rest
ROOM, MORE_ROOM = 1.2, 1.3  # times the highest point: what is said of the peaks, and of what did not fit, is above
FAR = 3.0  # times the peak: under a limit farther off the steps of an update could not be told apart
BAND = 32  # pixels from the top, where it is said
SHORTEST = 48  # pixels that what is said has, however narrow the event
STEP, EVENT, PHASE, BOUND, PEAK, PEAK_NAME = "step", "event", "phase", "bound", "peak", "peak name"
TICK, FAILED, ASIDE, FAILED_NAME = "tick", "failed", "set aside", "failed name"


def timeline(say: Say) -> Spec:
    """Draw the categories as stacked steps, one event after the other, each with its phases and its peak."""
    x = alt.X("x:Q", title=say("axis.changes")).scale(nice=False, zero=False)
    x = x.axis(labels=False, ticks=False, grid=False, titlePadding=20)  # the numbers begin anew with each event
    y = alt.Y("end:Q", title=say("axis.memory")).scale(zero=True, nice=False).axis(tickCount=5, format=ANY)
    names = list(CATEGORY_COLOURS)
    key = alt.Legend(
        title=None,
        orient="bottom",
        columns=alt.expr("width < 560 ? 3 : 6"),
        offset=6,
        labelExpr=labels(say, names),
        symbolType="square",
        symbolStrokeWidth=0,
    )
    colour = alt.Color("series:N", legend=key).scale(domain=names, range=list(CATEGORY_COLOURS.values()))
    tooltip = [
        alt.Tooltip("number:Q", title=say("axis.change"), format=COUNT),
        alt.Tooltip("row:N", title=say("axis.phase")),
        alt.Tooltip("label:N", title=say("axis.operation")),
        alt.Tooltip("value:Q", title=say("axis.change_bytes"), format="+,.0f"),
        alt.Tooltip("live:Q", title=say("axis.live"), format=SIZE),
    ]
    asked = [
        alt.Tooltip("row:N", title=say("axis.phase")),
        alt.Tooltip("label:N", title=say("axis.operation")),
        alt.Tooltip("value:Q", title=say("axis.asked"), format=SIZE),
        alt.Tooltip("over:Q", title=say("axis.over"), format=SIZE),
    ]
    top, bottom, base = alt.value(0), alt.value("height"), alt.Chart(DATA).encode(x)
    areas = base.mark_area(interpolate="step-after", tooltip=None).encode(y, colour, y2="start:Q", detail="panel:N")
    columns = base.mark_rect(opacity=0).encode(x2="end_x:Q", y=top, y2=bottom, tooltip=tooltip)
    bounds = base.mark_rule(color=GREY, opacity=0.5, tooltip=None).encode(y=alt.value(BAND + 16), y2=bottom)
    leader = base.mark_rule(color=GREY, strokeDash=[2, 3], tooltip=None).encode(y=y, y2=alt.value(BAND))
    peak = base.mark_point(shape="diamond", filled=True, size=60, color=GREY, opacity=1, stroke="white", tooltip=None)
    box = base.mark_rect(fill=RED, fillOpacity=0.2, stroke=RED, strokeWidth=2, strokeDash=[4, 3])
    aside = base.mark_rect(fill=GREY, fillOpacity=0.5, stroke=GREY, tooltip=None)
    words = base.encode(text="label:N", y=top)
    wide = "(scale('x', datum.end_x) - scale('x', datum.x))"
    no_room = "scale('x', datum.x) + 6.2 * length(datum.label) > width + 10"  # from here to the right
    name = words.mark_text(
        color=GREY,
        baseline="bottom",
        fontSize=12,
        fontWeight="bold",
        tooltip=None,
        dy=alt.expr(f"{no_room} ? -29 : -17"),
        align=alt.expr(f"{no_room} ? 'right' : 'left'"),
        dx=alt.expr(f"{no_room} ? {wide} : 2"),
        limit=alt.expr(f"{no_room} ? width : max({wide} + 4, {SHORTEST})"),
    )
    phase = words.mark_text(
        color=GREY,
        baseline="bottom",
        align="left",
        dx=2,
        dy=-3,
        fontSize=11,
        tooltip=None,
        opacity=alt.expr(f"{wide} > 5.5 * length(datum.label) + 4 ? 1 : 0"),
    )
    said = words.mark_text(
        color=GREY,
        baseline="top",
        align="left",
        dx=2,
        dy=3,
        fontSize=11,
        lineBreak="\n",
        limit=alt.expr(f"max({wide} - 2, {SHORTEST})"),
        tooltip=None,
    )
    warned = words.mark_text(
        color=RED,
        baseline="top",
        align="right",
        dy=18,
        fontSize=11,
        lineBreak="\n",
        limit=alt.expr("width"),
        tooltip=None,
    )
    tick = base.mark_text(color=GREY, baseline="top", dy=6, fontSize=11, tooltip=None)
    return spec(
        alt.layer(
            held_open(x, y),
            areas.transform_filter(alt.FieldOneOfPredicate(field="series", oneOf=names)),
            bounds.transform_filter(only(BOUND)),
            columns.transform_filter(only(STEP)),
            leader.transform_filter(only(PEAK)),
            peak.encode(y=y).transform_filter(only(PEAK)),
            said.transform_filter(only(PEAK_NAME)),
            aside.encode(y=y, x2="end_x:Q", y2="start:Q").transform_filter(only(ASIDE)),
            box.encode(y=y, x2="end_x:Q", y2="start:Q", tooltip=asked).transform_filter(only(FAILED)),
            warned.transform_filter(only(FAILED_NAME)),
            name.transform_filter(only(EVENT)),
            phase.transform_filter(only(PHASE)),
            tick.encode(y=bottom, text=alt.Text("number:Q", format=COUNT)).transform_filter(only(TICK)),
            *limit_layers(y),
        ),
        height=400,
    )


def timeline_table(
    timelines: Mapping[str, Timeline],
    say: Callable[..., str],
    *,
    limit_bytes: int | None = None,
    failed: FailedAllocation | None = None,
) -> pa.Table:
    """Return the columns of `timeline`: series, row (phase), label, panel, number (of the change, from 1) and others.

    Those are x to end_x on the axis on which all events are, start to end and live in MiB, value: the bytes of a
    change, or the MiB that were asked for, and over: the MiB over the limit. `timelines` are by codes of events.
    `failed` is the allocation that did not fit, at the end of the last one.
    """
    rows = Rows("series", "row", "label", "panel", "number", "x", "end_x", "start", "end", "value", "live", "over")
    steps = {name: len(timeline.changes) + 1 for name, timeline in timelines.items()}
    changes = sum(steps.values())
    widths = {name: max(float(count), NARROWEST * changes) for name, count in steps.items()}
    gap, bar = max(2.0, np.ceil(GAP * changes)), max(1.0, np.ceil(BAR * changes))
    whole = max(sum(widths.values()) + gap * (len(timelines) - 1) + (bar if failed else 0.0), 1.0)
    highest, offset = 0.0, -gap
    for panel, (name, timeline) in enumerate(timelines.items()):
        place = _Place(panel, offset + gap, widths[name] / steps[name])
        offset = end = place.x(steps[name])
        has_failed = failed is not None and panel == len(timelines) - 1
        _add_steps(rows, timeline, place, say)
        _add_phases(rows, timeline, place, BOUNDARY * whole, say)
        _add_ticks(rows, timeline, place, whole)
        if failed and has_failed:
            offset += bar
            highest = max(highest, _add_failed(rows, timeline, failed, end, offset, limit_bytes, say))
        else:
            _add_peak(rows, timeline, place, say, briefly=failed is not None)
        rows.add(series=EVENT, label=say(f"event.{name}"), panel=panel, x=place.offset, end_x=offset)
        highest = max(highest, max(timeline.live_bytes()) / MIB)
    top = add_limit(rows, limit_bytes, highest, say, room=MORE_ROOM if failed else ROOM, far=FAR)
    rows.add(series=EXTENT, x=[0.0, whole], end=[0.0, top])
    return rows.table()


@dataclass(frozen=True)
class _Place:
    """Where an event is on the axis: from `offset` on, `scale` wide each step."""

    panel: int
    offset: float
    scale: float

    def x(self, step: float) -> float:
        return self.offset + self.scale * step


def _add_steps(rows: Rows, timeline: Timeline, place: _Place, say: Callable[..., str]) -> None:
    """Add what is alive after each change, by category, and what is told of the change."""
    sizes, stretches = _sizes(timeline) / MIB, _stretches(timeline)
    live, phases = sizes.sum(1), [""] + [phase for phase, first, past in stretches for _ in range(first, past)]
    kept = _kept(live, [step for _, first, past in stretches for step in (first, past - 1)])
    places = place.offset + place.scale * np.append(kept, len(live))
    drawn = sizes[np.append(kept, kept[-1])]
    for category, size_of, top in zip(CATEGORIES, drawn.T, np.cumsum(drawn, axis=1).T, strict=True):
        rows.add(series=category, panel=place.panel, x=places, start=top - size_of, end=top)
    rows.add(
        series=STEP,
        panel=place.panel,
        x=places[:-1],
        end_x=places[1:],
        number=kept,
        live=live[kept],
        row=[say(f"phase.{phases[step]}") if step else "" for step in kept],
        label=[_change(timeline, step, say) for step in kept],
        value=[timeline.changes[step - 1].bytes if step else 0 for step in kept],
    )


def _add_phases(rows: Rows, timeline: Timeline, place: _Place, shortest: float, say: Callable[..., str]) -> None:
    """Add the name of each stretch of a phase, if there are several, and a bound where one begins."""
    stretches = _stretches(timeline)
    for phase, first, past in stretches if len(stretches) > 1 else ():
        x, end_x = place.x(first), place.x(past)
        rows.add(series=PHASE, label=say(f"phase.{phase}"), panel=place.panel, x=x, end_x=end_x)
        if first > 1 and end_x - x > shortest:
            rows.add(series=BOUND, panel=place.panel, x=x)


def _add_ticks(rows: Rows, timeline: Timeline, place: _Place, whole: float) -> None:
    every = _every(whole / place.scale)
    numbers = np.arange(0.0, max(len(timeline.changes) - every / 3, 1.0), every)  # the next event begins with 0
    rows.add(series=TICK, panel=place.panel, x=place.offset + place.scale * numbers, number=numbers)


def _add_peak(rows: Rows, timeline: Timeline, place: _Place, say: Callable[..., str], *, briefly: bool) -> None:
    """Mark the peak, in the middle of its step, and say how high it is and, unless `briefly`, what made it."""
    at = timeline.highest()
    highest = timeline.live_bytes()[at] / MIB
    rows.add(series=PEAK, panel=place.panel, x=place.x(at + 0.5), end=highest)
    label = say("chart.timeline.peak", size=size(highest))
    if not briefly:
        label += "\n" + _change(timeline, at, say)
    end_x = place.x(len(timeline.changes) + 1)
    rows.add(series=PEAK_NAME, panel=place.panel, x=place.offset, end_x=end_x, label=label)


def _add_failed(
    rows: Rows,
    timeline: Timeline,
    allocation: FailedAllocation,
    x: float,
    end_x: float,
    limit_bytes: int | None,
    say: Callable[..., str],
) -> float:
    """Add what was asked for, over what was alive and what was set aside; return how high it is drawn."""
    live, aside = timeline.live_bytes()[-1] / MIB, allocation.workspace_bytes / MIB
    asked, over = allocation.requested_bytes / MIB, allocation.over_bytes / MIB
    bottom = live + aside
    highest = float(min(bottom + asked, CUT * max(bottom, (limit_bytes or 0) / MIB)))
    what = _what(allocation.module, allocation.operation, allocation.shape)
    if aside:
        rows.add(series=ASIDE, x=x, end_x=end_x, start=live, end=bottom, value=aside)
    rows.add(
        series=FAILED,
        x=x,
        end_x=end_x,
        start=bottom,
        end=highest,
        value=asked,
        over=over,
        row=say(f"phase.{allocation.phase}"),
        label=what,
    )
    label = say("chart.timeline.failed", size=size(asked), over=size(over)) + "\n" + what
    rows.add(series=FAILED_NAME, x=end_x, label=label)
    return highest


def _sizes(timeline: Timeline) -> NDArray[np.float64]:
    """Return the bytes alive before the first change and after each, by category: (changes + 1, categories)."""
    sizes = np.zeros((len(timeline.changes) + 1, len(CATEGORIES)))
    sizes[0] = [timeline.before.get(category, 0) for category in CATEGORIES]
    for number, change in enumerate(timeline.changes, start=1):
        sizes[number, CATEGORIES.index(change.block.category)] = change.bytes
    return np.cumsum(sizes, axis=0)


def _stretches(timeline: Timeline) -> list[tuple[str, int, int]]:
    """Return each stretch of one phase with its first step and the first one after it.

    A phase begins with its first allocation: what is released before belongs to the one before it.
    """
    stretches: list[tuple[str, int, int]] = []
    for step, change in enumerate(timeline.changes, start=1):
        if stretches and (change.bytes < 0 or change.phase == stretches[-1][0]):
            stretches[-1] = (*stretches[-1][:2], step + 1)
        else:
            stretches.append((change.phase, step, step + 1))
    return stretches


def _kept(live: NDArray[np.float64], wanted: Sequence[int]) -> NDArray[np.int64]:
    """Return at most STEPS steps: the first, the last, the highest and those wanted, and between them the highest of
    each of so many parts."""
    if len(live) <= STEPS:
        return np.arange(len(live))
    ends = [0, len(live) - 1, int(live.argmax())]
    bounds = np.unique(np.array(wanted, np.int64))
    if len(bounds) > STEPS // 2:
        bounds = _highest(live, bounds, STEPS // 2)
    chosen = np.union1d(ends, bounds)
    return np.union1d(chosen, _highest(live, np.arange(len(live)), STEPS - len(chosen)))


def _highest(live: NDArray[np.float64], steps: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the step with the most bytes alive of each of so many parts."""
    return np.array([part[live[part].argmax()] for part in np.array_split(steps, count)])


def _every(whole: float) -> float:
    """Return a round number of which TICKS or a few more or less make the whole."""
    power = 10.0 ** np.floor(np.log10(max(whole / TICKS, 1.0)))
    return float(power * next(digit for digit in (1, 2, 5, 10) if digit * power >= whole / TICKS))


def _change(timeline: Timeline, step: int, say: Callable[..., str]) -> str:
    """Return what was allocated or released at a step; of a block from before, only its category is known."""
    if not step:
        return say("chart.timeline.before")
    block = timeline.changes[step - 1].block
    if not block.operation:
        return say(f"series.{block.category}")
    return _what(block.module, block.operation, block.shape)


def _what(module: str, operation: str, shape: Iterable[int]) -> str:
    """Return "conv1: convolution (100, 16, 16, 16)"."""
    sizes = ", ".join(map(str, shape))
    return f"{module}: " * bool(module) + plain_operation(operation) + f" ({sizes})" * bool(sizes)

"""Build the rows of the timeline chart: steps, phases, peaks, and the allocation that did not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.run.events import CATEGORIES, FailedAllocation
from core.run.timeline import Timeline, plain_operation
from core.words.catalogue import Catalogue
from core.words.units import MIB
from ui.charts.memory.limit import add_limit
from ui.charts.memory.timeline import (
    ASIDE,
    BOUND,
    EVENT,
    FAILED,
    FAILED_NAME,
    PEAK,
    PEAK_NAME,
    PHASE,
    STEP,
    TICK,
)
from ui.charts.style import CAPTION, EXTENT, Rows, Say, readable

STEPS = 400  # most steps drawn for one event
GAP = 0.03  # gap between two events, as a share of all changes
NARROWEST = 0.2  # share of all changes: a shorter event is drawn wider than it is, so that its name has room
TICKS = 12  # approximate count of the numbers on the axis
BAR = 0.04  # share of all changes: the width of the allocation that did not fit
BOUNDARY = 0.01  # share of the axis: the bounds of shorter stretches would merge into a bar
CUT = 2.0  # multiple of the limit; a larger request is cut here, or the rest would be too small to see
ROOM, MORE_ROOM = 1.2, 1.3  # multiples of the highest point; the labels stand above it
FAR = 3.0  # multiple of the peak; a limit farther away would flatten the steps of the update


def timeline_table(
    timelines: Mapping[str, Timeline],
    words: Catalogue,
    *,
    limit_bytes: int | None = None,
    failed: FailedAllocation | None = None,
    caption: str = "",
) -> pa.Table:
    """Return the rows of `timeline`.

    series, row       the kind of mark, and the phase
    label             the text of a mark or its tooltip
    panel, number     the event, and the number of a change within it from 1
    x, end_x          the place on the axis that all events share
    start, end, live  MiB
    value             the bytes of a change, or the MiB requested by the failed allocation
    over              MiB over the limit

    `timelines` is keyed by event code. `failed` is the allocation that did not fit, at the end of the last event.
    """
    rows = Rows("series", "row", "label", "panel", "number", "x", "end_x", "start", "end", "value", "live", "over")
    rows.add(series=CAPTION, label=caption)
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
        _add_steps(rows, timeline, place, words)
        _add_phases(rows, timeline, place, BOUNDARY * whole, words)
        _add_ticks(rows, timeline, place, whole)
        if failed and has_failed:
            offset += bar
            highest = max(highest, _add_failed(rows, timeline, failed, end, offset, limit_bytes, words))
        else:
            _add_peak(rows, timeline, place, words, briefly=failed is not None)
        rows.add(series=EVENT, label=words.say(f"event.{name}"), panel=panel, x=place.offset, end_x=offset)
        highest = max(highest, max(timeline.live_bytes()) / MIB)
    top = add_limit(rows, limit_bytes, highest, words, room=MORE_ROOM if failed else ROOM, far=FAR)
    rows.add(series=EXTENT, x=[0.0, whole], end=[0.0, top])
    return rows.table()


def readable_timeline(table: pa.Table, say: Say) -> pa.Table:
    """Return what is shown as the data of `timeline`: each allocation and release."""
    names = {
        "number": say("axis.change"),
        "row": say("axis.phase"),
        "label": say("axis.operation"),
        "value": say("axis.change_bytes"),
        "live": say("axis.live.mib"),
    }
    return readable(table, names, STEP)


@dataclass(frozen=True)
class _Place:
    """The place of an event on the axis: it starts at `offset`, and each step is `scale` wide."""

    panel: int
    offset: float
    scale: float

    def x(self, step: float) -> float:
        return self.offset + self.scale * step


def _add_steps(rows: Rows, timeline: Timeline, place: _Place, words: Catalogue) -> None:
    """Add the memory alive after each change, by category, and the tooltip of the change."""
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
        row=[words.say(f"phase.{phases[step]}") if step else "" for step in kept],
        label=[_change(timeline, step, words) for step in kept],
        value=[timeline.changes[step - 1].bytes if step else 0 for step in kept],
    )


def _add_phases(rows: Rows, timeline: Timeline, place: _Place, shortest: float, words: Catalogue) -> None:
    """Add the name and the left bound of each stretch of a phase, unless there is only one stretch."""
    stretches = _stretches(timeline)
    for phase, first, past in stretches if len(stretches) > 1 else ():
        x, end_x = place.x(first), place.x(past)
        rows.add(series=PHASE, label=words.say(f"phase.{phase}"), panel=place.panel, x=x, end_x=end_x)
        if first > 1 and end_x - x > shortest:
            rows.add(series=BOUND, panel=place.panel, x=x)


def _add_ticks(rows: Rows, timeline: Timeline, place: _Place, whole: float) -> None:
    every = _every(whole / place.scale)
    numbers = np.arange(0.0, max(len(timeline.changes) - every / 3, 1.0), every)  # the next event starts at 0
    rows.add(series=TICK, panel=place.panel, x=place.offset + place.scale * numbers, number=numbers)


def _add_peak(rows: Rows, timeline: Timeline, place: _Place, words: Catalogue, *, briefly: bool) -> None:
    """Mark the peak in the middle of its step and name its height and, unless `briefly`, its change."""
    at = timeline.highest()
    highest = timeline.live_bytes()[at]
    rows.add(series=PEAK, panel=place.panel, x=place.x(at + 0.5), end=highest / MIB)
    label = words.say("chart.timeline.peak", size=words.mib(highest))
    if not briefly:
        label = f"{label}\n{_change(timeline, at, words)}"
    end_x = place.x(len(timeline.changes) + 1)
    rows.add(series=PEAK_NAME, panel=place.panel, x=place.offset, end_x=end_x, label=label)


def _add_failed(
    rows: Rows,
    timeline: Timeline,
    allocation: FailedAllocation,
    x: float,
    end_x: float,
    limit_bytes: int | None,
    words: Catalogue,
) -> float:
    """Stack the failed request on the memory alive and the workspace set aside; return the height drawn, in MiB."""
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
        row=words.say(f"phase.{allocation.phase}"),
        label=what,
    )
    requested, excess = words.mib(allocation.requested_bytes), words.mib(allocation.over_bytes)
    label = words.say("chart.timeline.failed", size=requested, over=excess)
    rows.add(series=FAILED_NAME, x=end_x, label=f"{label}\n{what}")
    return highest


def _sizes(timeline: Timeline) -> NDArray[np.float64]:
    """Return the bytes alive before the first change and after each, by category: (changes + 1, categories)."""
    sizes = np.zeros((len(timeline.changes) + 1, len(CATEGORIES)))
    sizes[0] = [timeline.before.get(category, 0) for category in CATEGORIES]
    for number, change in enumerate(timeline.changes, start=1):
        sizes[number, CATEGORIES.index(change.block.category)] = change.bytes
    return np.cumsum(sizes, axis=0)


def _stretches(timeline: Timeline) -> list[tuple[str, int, int]]:
    """Return each stretch of one phase with its first step and the step after its last.

    A phase begins with its first allocation. Releases before that belong to the previous phase.
    """
    stretches: list[tuple[str, int, int]] = []
    for step, change in enumerate(timeline.changes, start=1):
        if stretches and (change.bytes < 0 or change.phase == stretches[-1][0]):
            stretches[-1] = (*stretches[-1][:2], step + 1)
        else:
            stretches.append((change.phase, step, step + 1))
    return stretches


def _kept(live: NDArray[np.float64], wanted: Sequence[int]) -> NDArray[np.int64]:
    """Return at most STEPS steps: the first, last and highest, those wanted, and the highest of each part between."""
    if len(live) <= STEPS:
        return np.arange(len(live))
    ends = [0, len(live) - 1, int(live.argmax())]
    bounds = np.unique(np.array(wanted, np.int64))
    if len(bounds) > STEPS // 2:
        bounds = _highest(live, bounds, STEPS // 2)
    chosen = np.union1d(ends, bounds)
    return np.union1d(chosen, _highest(live, np.arange(len(live)), STEPS - len(chosen)))


def _highest(live: NDArray[np.float64], steps: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Split the steps into `count` parts and return the step of each with the most bytes alive."""
    return np.array([part[live[part].argmax()] for part in np.array_split(steps, count)])


def _every(whole: float) -> float:
    """Return a round distance between ticks: about TICKS of them span the whole."""
    power = 10.0 ** np.floor(np.log10(max(whole / TICKS, 1.0)))
    return float(power * next(digit for digit in (1, 2, 5, 10) if digit * power >= whole / TICKS))


def _change(timeline: Timeline, step: int, words: Catalogue) -> str:
    """Return the block allocated or released at a step, or its category if it is older than the timeline."""
    if not step:
        return words.say("chart.timeline.before")
    block = timeline.changes[step - 1].block
    if not block.operation:
        return words.say(f"series.{block.category}")
    return _what(block.module, block.operation, block.shape)


def _what(module: str, operation: str, shape: Iterable[int]) -> str:
    """Return "conv1: convolution (100, 16, 16, 16)": names and a shape as PyTorch writes them in every language."""
    sizes = ", ".join(map(str, shape))
    return f"{module}: " * bool(module) + plain_operation(operation) + f" ({sizes})" * bool(sizes)

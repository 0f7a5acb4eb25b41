"""Predict the peak at every batch size from two rehearsals, because bytes are linear in the batch size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.forecast.records import EVENTS, Event, Piece
from core.forecast.rehearsal import Make, Sizes, rehearse
from core.run.events import CATEGORIES, Peak
from core.run.timeline import Change, Timeline, peak_of

PROBES = (3, 5)
ACTIVATIONS = CATEGORIES.index("activations")
Bytes = NDArray[np.int64]  # (moments, categories)
Extra = Mapping[tuple[Event, str], int]


class Lines:
    """Bytes by category at every moment of a first update, a second one and an evaluation.

    At each moment they are a fixed part plus a slope times the examples in a micro-batch. Both come from rehearsals of
    the two batch sizes in `probes`, on fake tensors if `fake`, else on real ones. `straight` is False if the two do not
    perform the same operations.
    """

    def __init__(self, make: Make, micro_batches: int, *, fake: bool = True, probes: tuple[int, int] = PROBES) -> None:
        self.make, self.micro_batches, self.fake, self.probes = make, micro_batches, fake, probes
        self.parameters = 0
        low, high = (self._seen((probe,) * micro_batches, probe) for probe in probes)
        self.timelines = low
        self.probed = dict(zip(probes, (low, high), strict=True))
        self._low = [_bytes(timeline) for timeline in low]
        self.straight = all(_same_course(here, there) for here, there in zip(low, high, strict=True))
        self.rises = self._rises(high) if self.straight else []
        self.fixed = [at_low - probes[0] * rise for at_low, rise in zip(self._low, self.rises, strict=False)]

    def check(self, size: int, seen: Iterable[Timeline]) -> None:
        """Set `straight` to False unless the lines predict, to the byte, the peak of these updates of a batch size."""
        if self.straight:
            window = (size,) * self.micro_batches
            self.straight = self.peak([window] * 2, size).bytes == peak_of(seen).tensor_bytes

    def peak(self, windows: Sequence[Sizes], chunk: int, *, extra: Extra | None = None) -> Peak:
        """Return the peak, without workspace, of one or two updates on these windows and an evaluation of a chunk.

        `extra` holds additional bytes of activations by event and phase.
        """
        if not self.straight or any(len(window) != self.micro_batches for window in windows):
            # With B = N, a window has one micro-batch and performs other operations.
            seen = rehearse(self.make, windows, [chunk], fake=self.fake).timelines.values()
            more = max(extra.values()) if extra else 0
            return peak_of(timeline.with_more("activations", more) for timeline in seen).with_workspace(0)
        live = [*(self._update(number, sizes) for number, sizes in enumerate(windows)), self._chunk(chunk)]
        last = len(EVENTS) - 1
        if extra:
            for number, moments in enumerate(live):
                event = number if number < len(windows) else last
                phases = [_place(self.timelines[event], moment)[0] for moment in range(len(moments))]
                moments[:, ACTIVATIONS] += [extra.get((EVENTS[event], phase), 0) for phase in phases]
        tops = [int(moments.sum(axis=1).argmax()) for moments in live]
        heights = [int(moments[top].sum()) for moments, top in zip(live, tops, strict=True)]
        highest = heights.index(max(heights))
        number = highest if highest < len(windows) else last
        by_category = dict(zip(CATEGORIES, live[highest][tops[highest]].tolist(), strict=True))
        phase, module = _place(self.timelines[number], tops[highest])
        return Peak(heights[highest], by_category, phase, module)

    def pieces(self, most: int, chunk: Callable[[int], int]) -> tuple[Piece, ...]:
        """Return the lines that form the peak of whole windows from B = 1 to `most`, in order.

        `chunk` returns the number of examples evaluated at once for a batch size: B, up to all of them.
        """
        candidates = list(self._candidates(most, chunk)) if self.straight else []
        pieces: list[Piece] = []
        first = 1
        while candidates and first <= most:
            here = [line for line in candidates if line.first <= first <= line.last]
            top = max(here, key=lambda line: (line.at(first), line.per_example_bytes))
            overtaken = [_overtakes(line, top) for line in here]
            last = min([top.last, *(size - 1 for size in overtaken if size and size > first)])
            if pieces and _same_line(pieces[-1], top):
                pieces[-1] = replace(pieces[-1], last=last)
            else:
                pieces.append(replace(top, first=first, last=last))
            first = last + 1
        return tuple(pieces)

    def _candidates(self, most: int, chunk: Callable[[int], int]) -> Iterator[Piece]:
        grows_to = next((size for size in range(1, most) if chunk(size) == chunk(size + 1)), most)
        for event, base, rise, timeline in zip(EVENTS, self.fixed, self.rises, self.timelines, strict=True):
            for moment, (fixed, slope) in enumerate(
                zip(base.sum(axis=1).tolist(), rise.sum(axis=1).tolist(), strict=True)
            ):
                place = _place(timeline, moment)
                if event != "evaluation":
                    yield Piece(1, most, fixed, slope, event, *place)
                    continue
                if grows_to > 1:
                    yield Piece(1, grows_to, fixed, slope, event, *place)
                yield Piece(grows_to, most, fixed + slope * chunk(most), 0, event, *place)

    def _update(self, number: int, sizes: Sizes) -> Bytes:
        live = self.fixed[number] + self.rises[number] * sizes[-1]
        if sizes[0] != sizes[-1]:
            live = live + self._rises_of_first[number] * (sizes[0] - sizes[-1])
        return live

    def _chunk(self, size: int) -> Bytes:
        return self.fixed[-1] + self.rises[-1] * size

    @cached_property
    def _rises_of_first(self) -> list[Bytes]:
        """The part of `rises` caused by the first of two micro-batches."""
        small, large = self.probes
        return self._rises(self._seen((large, small), small))

    def _seen(self, window: Sizes, chunk: int) -> list[Timeline]:
        updater = rehearse(self.make, [window] * 2, [chunk], fake=self.fake)
        self.parameters = sum(parameter.numel() for parameter in updater.parameters)
        return list(updater.timelines.values())

    def _rises(self, high: list[Timeline]) -> list[Bytes]:
        apart = self.probes[1] - self.probes[0]
        return [(_bytes(timeline) - at_low) // apart for timeline, at_low in zip(high, self._low, strict=True)]


def _births(timeline: Timeline) -> list[Change]:
    return [change for change in timeline.changes if change.bytes > 0]


def _same_course(here: Timeline, there: Timeline) -> bool:
    """Return whether two rehearsals of different batch sizes performed the same operations."""
    pairs = zip(_births(here), _births(there), strict=False)
    same = all(
        (one.block.operation, one.block.category, one.phase, one.module)
        == (other.block.operation, other.block.category, other.phase, other.module)
        for one, other in pairs
    )
    return same and len(_births(here)) == len(_births(there))


def _bytes(timeline: Timeline) -> Bytes:
    """Return the bytes alive before the first change and after each allocation, by category.

    Releases are left out: none can be a peak, and the order of simultaneous ones depends on their addresses.
    """
    rows = [[timeline.before.get(category, 0) for category in CATEGORIES]]
    alive = list(rows[0])
    for change in timeline.changes:
        alive[CATEGORIES.index(change.block.category)] += change.bytes
        if change.bytes > 0:
            rows.append(list(alive))
    return np.array(rows, dtype=np.int64)


def _place(timeline: Timeline, moment: int) -> tuple[str, str]:
    at = _births(timeline)[moment - 1] if moment else None
    return (at.phase, at.module) if at else ("forward", "")


def _overtakes(line: Piece, top: Piece) -> int | None:
    """Return the first batch size at which a line exceeds another, if it is steeper."""
    steeper = line.per_example_bytes - top.per_example_bytes
    return (top.fixed_bytes - line.fixed_bytes) // steeper + 1 if steeper > 0 else None


def _same_line(before: Piece, line: Piece) -> bool:
    return replace(line, first=before.first, last=before.last) == before

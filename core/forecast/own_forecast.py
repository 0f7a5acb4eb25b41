"""Predict the memory of a custom model: on fake tensors if it runs on them, else on small real batches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import zip_longest
from time import perf_counter
from typing import Any

from torch import nn

from core.forecast.lines import PROBES, Lines
from core.forecast.own_model import MOST, OtherTargets, OwnModel, in_a_line, updater
from core.forecast.rehearsal import SHOWN_MICRO_BATCHES, Sizes, rehearse
from core.forecast.workspace import Estimates, through
from core.run import machine
from core.run.events import Peak, Prediction
from core.run.searching import bisection, largest_from
from core.run.timeline import Change, Timeline, peak_of
from core.train.updater import Updater
from core.words.errors import ConfigError, Problem

REAL_PROBES = (2, PROBES[0])  # the batches are small, because an image network takes a second per example on one core
STRIDE = 4
ROUNDED = 1.1  # multiple of the expected bytes; kernels round sizes up, but a larger excess is not linear growth
APART = 512  # a batch size at which a model that splits its batch does so
MOST_CHANGES = 2_000  # most changes in a rehearsal that grows with the batch: about a second
WORTHWHILE = 2  # multiple of the largest batch so far; a slightly larger batch adds no information
VERIFY_S = 4.0  # a batch expected to take longer, judging by smaller ones, is not run to measure its workspace
MEMORY_SHARE = 0.7  # share of the free memory that a real batch may use


class OwnForecast:
    """The memory forecast of a custom model, computed once.

    `reason` is the operation that prevented a rehearsal on fake tensors, or None. `came_evaluating` says whether the
    factory returned the model, or a part of it, in evaluation mode. With `workspace`, small batches are
    run for real, which also checks that fake tensors give the right bytes for this model.

    Raises ConfigError, with the cause in one line, if the model cannot be built or cannot take the input.
    """

    def __init__(self, own: OwnModel, *, workspace: bool = True) -> None:
        self.own = own
        self.imported = own.factory()
        self.came_evaluating = False
        self.positions: tuple[int, ...] = ()  # of an example's targets
        self.micro_batches = min(own.accumulate, SHOWN_MICRO_BATCHES)
        self.reason: str | None = None
        fake = self._fake_lines()
        too_large = fake is not None and self._is_too_large_to_try(fake)
        real = None if fake and (too_large or not workspace) else self._real_lines()
        if fake and real:
            self.reason = _first_difference(fake.probed[PROBES[0]], real.probed[PROBES[0]])
        lines = fake if fake and not self.reason else real
        assert lines is not None  # _real_lines raises if it fails
        self.lines = lines
        self._rehearsals: dict[int, list[Timeline]] = {}
        if lines is fake:
            lines.check(own.batch_size, self._rehearsal(own.batch_size))
        self.workspaces = Estimates(
            partial(self._seen, fake=False),
            furthest=0 if real else None,
            least=REAL_PROBES,
            known=dict(real.probed) if real else None,
        )
        if real:
            self.workspaces.furthest = self._reach()
        if lines is real:
            largest = max(self.workspaces.seen)
            lines.check(largest, self.workspaces.timelines(largest))

    def prediction(self) -> Prediction:
        """Return the memory of the training and the largest batch size that fits its limit, or MOST without a limit."""
        size = self.own.batch_size
        peak, found = self._peak(size), self.workspaces.at(size)
        return Prediction(peak, self.lines.parameters, self.largest_batch_size(), found.verified, found.operations)

    def largest_batch_size(self) -> int:
        """Return the largest batch size that fits the limit, on the assumption that all smaller ones fit too."""
        if self.own.memory_limit_bytes is None:
            return MOST
        near = self._nearly_largest()
        if self.lines.fake and self.lines.straight:
            near = largest_from(self._check, near)
            near = near if self.lines.straight else self._nearly_largest()
        fits = largest_from(self._fits, near)
        while near <= fits < MOST and self.workspaces.reaches(fits + 1) and self._fits(fits + 1):
            fits += 1  # its workspace is smaller than estimated
        return fits

    def _check(self, size: int) -> bool:
        """Check the straight lines at a batch size; return whether the model can take that size."""
        try:
            self.lines.check(size, self._rehearsal(size))
        except ConfigError:
            return False
        return True

    def _nearly_largest(self) -> int:
        return bisection(partial(self._fits, verify=False), most=MOST).found

    def _fits(self, size: int, *, verify: bool = True) -> bool:
        """Return whether a batch size fits the limit. A size that the model cannot take does not fit."""
        try:
            return self._peak(size, verify=verify).bytes <= (self.own.memory_limit_bytes or 0)
        except ConfigError:
            return False

    def is_extrapolated(self, size: int) -> bool:
        """Return whether tensor memory at a batch size is extrapolated from smaller ones."""
        if self.reason is not None:
            return not self.workspaces.reaches(size)
        return not self.lines.straight and size > self._furthest_rehearsed

    def is_estimated(self, size: int) -> bool:
        """Return whether the workspace at a batch size is extrapolated from smaller ones."""
        return self.workspaces.furthest is not None and not self.workspaces.reaches(size)

    def _peak(self, size: int, *, verify: bool = True) -> Peak:
        if verify and self.workspaces.reaches(size):
            return peak_of(self.workspaces.timelines(size))
        return self._tensors(size).with_workspace(self.workspaces.at(size, verify=verify).bytes)

    def _tensors(self, size: int) -> Peak:
        if self.lines.straight:
            return self.lines.peak([self._window(size)] * 2, size)
        if self.lines.fake:
            near, far = self._furthest_rehearsed // 2, self._furthest_rehearsed
            if size <= far:
                return peak_of(self._rehearsal(size))
            low, high = (peak_of(self._rehearsal(place)) for place in (near, far))
        else:
            near, far = self.workspaces.supports(size)
            low, high = (peak_of(self.workspaces.timelines(place)) for place in (near, far))
        by_category = {
            category: through((near, low.by_category[category]), (far, high.by_category[category]), size)
            for category in high.by_category
        }
        return Peak(sum(by_category.values()), by_category, high.phase, high.module)

    @cached_property
    def _furthest_rehearsed(self) -> int:
        """The largest batch size that is rehearsed if bytes are not linear in the batch size.

        A model that splits its batch does more operations with a larger one, which makes a rehearsal slow.
        """
        size = max(self.own.batch_size, largest_from(self._check, APART))
        changes, least = (
            sum(len(timeline.changes) for timeline in seen) for seen in (self._rehearsal(size), self.lines.timelines)
        )
        return max(size, size * MOST_CHANGES // changes) if changes > least else MOST

    def _rehearsal(self, size: int) -> list[Timeline]:
        """Return the timelines of updates of a batch size on fake tensors, made once for each size."""
        if size not in self._rehearsals:
            self._rehearsals[size] = self._seen(size, fake=True)
        return self._rehearsals[size]

    def _seen(self, size: int, *, fake: bool) -> list[Timeline]:
        windows = [self._window(size)] * 2
        with self._errors_in_a_line():
            seen = rehearse(partial(self._make, size), windows, [size], fake=fake)
        return list(seen.timelines.values())

    def _window(self, size: int) -> Sizes:
        return (size,) * self.micro_batches

    def _make(self, examples: int) -> Updater:
        return updater(self.own, self._model, examples=examples, positions=self.positions)

    def _model(self) -> nn.Module:
        model = self.imported()
        if isinstance(model, nn.Module):  # else the caller says what is wrong
            self.came_evaluating |= not all(module.training for module in model.modules())
        return model

    # Lines.

    def _lines(self, **options: Any) -> Lines:
        """Return the lines of the model, with targets at the positions at which its outputs have scores."""
        make = partial(self._make, MOST)
        try:
            return Lines(make, self.micro_batches, **options)
        except OtherTargets as other:
            self.positions = other.positions
            return Lines(make, self.micro_batches, **options)

    def _fake_lines(self) -> Lines | None:
        try:
            return self._lines()
        except (Exception, SystemExit) as error:  # a fault of the model will show on real tensors too
            operation = getattr(error, "func", None)
            self.reason = str(operation) if operation else type(error).__name__
            return None

    def _real_lines(self) -> Lines:
        began = perf_counter()
        with self._errors_in_a_line():
            lines = self._lines(fake=False, probes=REAL_PROBES)
        self._seconds_an_example = (perf_counter() - began) / sum(REAL_PROBES)
        return lines

    @property
    def resting(self) -> dict[str, int]:
        """The bytes held between two updates, by category."""
        return dict(self.lines.timelines[1].before)

    @contextmanager
    def _errors_in_a_line(self) -> Iterator[None]:
        """Raise ConfigError, with the cause in one line, for any exception of the model."""
        try:
            yield
        except ConfigError:
            raise
        except (Exception, SystemExit) as error:
            shape = ", ".join(map(str, ("B", *self.own.input)))
            values = {"shape": f"({shape})", "dtype": self.own.input_dtype, "cause": in_a_line(error)}
            raise ConfigError(Problem("model_cannot_take", values)) from error

    def _is_too_large_to_try(self, fake: Lines) -> bool:
        """Return whether even the smallest real batches may take more than the free memory."""
        least = max(timeline.peak().bytes for timeline in fake.timelines)
        return least > MEMORY_SHARE * machine.free_memory_bytes()

    def _reach(self) -> int:
        """Return the largest batch size that is run for real: it fits the free memory and takes about VERIFY_S.

        Small batches take more time per example, so larger ones are timed on the way to the requested size. If fake
        tensors cannot predict the model, nothing is known about batches much larger than those that ran.
        """
        free = MEMORY_SHARE * machine.free_memory_bytes()
        most = MOST if self.lines.straight else self.own.batch_size
        fits = bisect_left(range(1, most + 1), True, key=lambda size: self._tensors(size).bytes > free)
        reach, tried = min(fits, int(VERIFY_S / self._seconds_an_example)), REAL_PROBES[1]
        asked, known = min(fits, self.own.batch_size), self.lines.fake
        goal = asked if known else max(asked, min(fits, APART))
        while tried < goal and WORTHWHILE * tried <= reach and not (known and reach >= goal):
            size = min(reach, STRIDE * tried, asked if tried < asked else goal)
            began, expected = perf_counter(), self._tensors(size).bytes
            try:
                seen = self.workspaces.timelines(size)
            except ConfigError:
                if size == self.own.batch_size:
                    raise
                return tried
            tried, reach = size, min(fits, max(reach, int(VERIFY_S * size / (perf_counter() - began))))
            if not known:
                taken = peak_of(seen).tensor_bytes
                self.lines.straight = self.lines.straight and taken <= ROUNDED * expected
                if not self.lines.straight and STRIDE**2 * taken > free:  # the cost if all pairs of examples interact
                    break
        if known:
            return reach
        return min(reach, STRIDE * tried) if self.lines.straight else tried


def _first_difference(fake: list[Timeline], real: list[Timeline]) -> str | None:
    """Return the first operation whose bytes differ between real and fake tensors, if any."""
    for here, there in zip(fake, real, strict=True):
        if here.peak().bytes == there.peak().bytes and _sizes(here) == _sizes(there):
            continue
        for fake_change, change in zip_longest(here.changes, there.changes):
            if fake_change is None or change is None or fake_change.bytes != change.bytes:
                differs: Change = change or fake_change
                return differs.block.operation
    return None


def _sizes(timeline: Timeline) -> list[int]:
    return sorted(change.bytes for change in timeline.changes)  # blocks freed at once have no fixed order

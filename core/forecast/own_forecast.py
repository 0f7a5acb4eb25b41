"""Predict the memory of a user's own model: on fake tensors if it runs on them, else on small real batches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import zip_longest
from time import perf_counter

from core.forecast.lines import PROBES, Lines
from core.forecast.own_model import MOST, OwnModel, WrongModel, in_a_line, updater
from core.forecast.rehearsal import SHOWN_MICRO_BATCHES, Sizes, rehearse
from core.forecast.workspace import Estimates, through
from core.run import machine
from core.run.events import Peak, Prediction
from core.run.searching import bisection, largest_from
from core.run.timeline import Change, Timeline, peak_of
from core.train.updater import Updater
from core.words.errors import ConfigError, Problem

REAL_PROBES = (2, PROBES[0])  # as small as can be: an image network takes a second an example on one core
STRIDE = 4
ROUNDED = 1.1  # times what was expected: kernels lay their tensors out in steps, and more than that grows faster
APART = 512  # a batch of so many is taken apart, if the model does that
MOST_CHANGES = 2_000  # of bytes in use, in a rehearsal of a model that does more in a larger batch: a second or so
WORTHWHILE = 2  # times the largest that has been run: a batch not much larger tells no more
VERIFY_S = 4.0  # a batch that would take longer, by the time of the small ones, is not run for its workspace
MEMORY_SHARE = 0.7  # of the free memory may be taken by a batch that is run


class OwnForecast:
    """What is known of the memory of one's own model; worked out once.

    `reason` says why it was not rehearsed on fake tensors: the operation that cannot be, or None. With `workspace`
    small batches are run for real, which also finds out whether fake tensors tell the truth of this model.
    Raises ConfigError where the model cannot be made, or cannot take the input, with the cause in one line.
    """

    def __init__(self, own: OwnModel, *, workspace: bool = True) -> None:
        self.own = own
        self.factory = own.factory()
        self.micro_batches = min(own.accumulate, SHOWN_MICRO_BATCHES)
        self.reason: str | None = None
        fake = self._fake_lines()
        too_large = fake is not None and self._is_too_large_to_try(fake)
        real = None if fake and (too_large or not workspace) else self._real_lines()
        if fake and real:
            self.reason = _first_difference(fake.probed[PROBES[0]], real.probed[PROBES[0]])
        lines = fake if fake and not self.reason else real
        assert lines is not None  # one of the two could be made
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
        """Return what the training will need, with the largest batch that fits its limit: MOST without one."""
        size = self.own.batch_size
        peak, found = self._peak(size), self.workspaces.at(size)
        return Prediction(peak, self.lines.parameters, self.largest_batch_size(), found.verified, found.operations)

    def largest_batch_size(self) -> int:
        """Return the largest B that fits the limit, as a search upward finds it: a smaller one is taken to fit too."""
        if self.own.memory_limit_bytes is None:
            return MOST
        near = self._nearly_largest()
        if self.lines.fake and self.lines.straight:
            near = largest_from(self._check, near)
            near = near if self.lines.straight else self._nearly_largest()
        fits = largest_from(self._fits, near)
        while near <= fits < MOST and self.workspaces.reaches(fits + 1) and self._fits(fits + 1):
            fits += 1  # its workspace is less than was estimated
        return fits

    def _check(self, size: int) -> bool:
        """Find out whether the straight lines hold at a batch size; return whether the model can take it."""
        try:
            self.lines.check(size, self._rehearsal(size))
        except ConfigError:
            return False
        return True

    def _nearly_largest(self) -> int:
        return bisection(partial(self._fits, verify=False), most=MOST).found

    def _fits(self, size: int, *, verify: bool = True) -> bool:
        """Return whether a batch size fits the limit; one that the model cannot take does not."""
        try:
            return self._peak(size, verify=verify).bytes <= (self.own.memory_limit_bytes or 0)
        except ConfigError:
            return False

    def is_extrapolated(self, size: int) -> bool:
        """Return whether the tensors at a batch size are drawn through smaller ones."""
        if self.reason is not None:
            return not self.workspaces.reaches(size)
        return not self.lines.straight and size > self._furthest_rehearsed

    def is_estimated(self, size: int) -> bool:
        """Return whether the workspace at a batch size is drawn through smaller ones."""
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
        """How large a batch is rehearsed at most, where bytes are no straight lines.

        A model that takes its batch apart does more with a larger one, and a rehearsal of it takes long.
        """
        size = max(self.own.batch_size, largest_from(self._check, APART))
        changes, least = (
            sum(len(timeline.changes) for timeline in seen) for seen in (self._rehearsal(size), self.lines.timelines)
        )
        return max(size, size * MOST_CHANGES // changes) if changes > least else MOST

    def _rehearsal(self, size: int) -> list[Timeline]:
        """Return what updates of a batch size take on fake tensors; made once a size."""
        if size not in self._rehearsals:
            self._rehearsals[size] = self._seen(size, fake=True)
        return self._rehearsals[size]

    def _seen(self, size: int, *, fake: bool) -> list[Timeline]:
        windows = [self._window(size)] * 2
        with self._told_in_a_line():
            seen = rehearse(partial(self._make, size), windows, [size], fake=fake)
        return list(seen.timelines.values())

    def _window(self, size: int) -> Sizes:
        return (size,) * self.micro_batches

    def _make(self, examples: int) -> Updater:
        return updater(self.own, self.factory, examples=examples)

    # Lines.

    def _fake_lines(self) -> Lines | None:
        try:
            return Lines(partial(self._make, MOST), self.micro_batches)
        except (Exception, SystemExit) as error:  # if it is the model's fault, it will be on real tensors too
            operation = getattr(error, "func", None)
            self.reason = str(operation) if operation else type(error).__name__
            return None

    def _real_lines(self) -> Lines:
        began = perf_counter()
        with self._told_in_a_line():
            lines = Lines(partial(self._make, MOST), self.micro_batches, fake=False, probes=REAL_PROBES)
        self._seconds_an_example = (perf_counter() - began) / sum(REAL_PROBES)
        return lines

    @property
    def resting(self) -> dict[str, int]:
        """The bytes that are there between two updates, by category."""
        return dict(self.lines.timelines[1].before)

    @contextmanager
    def _told_in_a_line(self) -> Iterator[None]:
        """Raise ConfigError for whatever the model does, with the cause."""
        try:
            yield
        except WrongModel as error:
            raise ConfigError(Problem("model_wrong", {"cause": str(error)})) from error
        except (Exception, SystemExit) as error:
            shape = ", ".join(map(str, ("B", *self.own.input)))
            values = {"shape": f"({shape})", "dtype": self.own.input_dtype, "cause": in_a_line(error)}
            raise ConfigError(Problem("model_cannot_take", values)) from error

    def _is_too_large_to_try(self, fake: Lines) -> bool:
        """Return whether even the smallest real batches may take more than the free memory."""
        least = max(timeline.peak().bytes for timeline in fake.timelines)
        return least > MEMORY_SHARE * machine.free_memory_bytes()

    def _reach(self) -> int:
        """Return the largest batch size that is run for real: what fits the free memory, and ends in good time.

        Small batches take more time an example, so larger ones are timed on the way to the one that is asked for.
        Where fake tensors do not tell what a batch takes, it is known of none that is much larger than one that ran.
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
                if not self.lines.straight and STRIDE**2 * taken > free:  # as much as it may be where each meets each
                    break
        if known:
            return reach
        return min(reach, STRIDE * tried) if self.lines.straight else tried


def _first_difference(fake: list[Timeline], real: list[Timeline]) -> str | None:
    """Return the first operation whose bytes are others on real tensors than on fake ones, if there is one."""
    for here, there in zip(fake, real, strict=True):
        if here.peak().bytes == there.peak().bytes and _sizes(here) == _sizes(there):
            continue
        for fake_change, change in zip_longest(here.changes, there.changes):
            if fake_change is None or change is None or fake_change.bytes != change.bytes:
                differs: Change = change or fake_change
                return differs.block.operation
    return None


def _sizes(timeline: Timeline) -> list[int]:
    return sorted(change.bytes for change in timeline.changes)  # of what goes at once the order is not fixed

"""Estimate the workspace of an update at any batch size: measure it within reach, else extrapolate."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from core.forecast.records import Workspace
from core.run.timeline import Timeline, operations_of, peak_of

SMALL = 3


@dataclass(frozen=True)
class _Bounds:
    """Bounds on a real run: bytes of tensors, and parameters times examples as a measure of time."""

    tensor_bytes: int
    work: int


class Reach(Enum):
    """How large a batch may be run for real to measure its workspace.

    The bounds are counts, not seconds, so that a busy machine gives the same answer.
    """

    NONE = None
    NEAR = _Bounds(8 * 2**20, 200_000_000)  # tens of milliseconds, for a page
    FAR = _Bounds(2 * 2**30, 50_000_000_000)  # seconds, for a command

    def furthest(self, tensors: Callable[[int], int], *, parameters: int, most: int) -> int | None:
        """Return the largest batch size to run for real, at least 1, or None if nothing is run.

        `tensors` returns the bytes of tensors at a batch size, and `most` is the largest batch size.
        """
        bounds: _Bounds | None = self.value
        if bounds is None:
            return None

        def is_too_far(size: int) -> bool:
            return parameters * size > bounds.work or tensors(size) > bounds.tensor_bytes

        return max(1, bisect_left(range(1, most + 1), True, key=is_too_far))


class Estimates:
    """Workspace by batch size.

    measure   runs updates of a batch size for real and returns their timelines; called once for each size
    furthest  the largest batch size to run for real; None runs nothing and reports no workspace
    least     the two smallest batch sizes to extrapolate from, if necessary beyond `furthest`
    seen      timelines of the batch sizes run so far
    """

    def __init__(
        self,
        measure: Callable[[int], Sequence[Timeline]],
        *,
        furthest: int | None,
        least: tuple[int, int] = (1, 1),
        known: dict[int, Sequence[Timeline]] | None = None,
    ) -> None:
        self.measure, self.furthest, self.least = measure, furthest, least
        self.seen = dict(known or {})

    def reaches(self, batch_size: int) -> bool:
        """Return whether a batch size is run for real."""
        return self.furthest is not None and (batch_size in self.seen or batch_size <= self.furthest)

    def timelines(self, batch_size: int) -> Sequence[Timeline]:
        """Return the timelines of real updates of a batch size."""
        if batch_size not in self.seen:
            self.seen[batch_size] = self.measure(batch_size)
        return self.seen[batch_size]

    def at(self, batch_size: int, *, verify: bool = True) -> Workspace:
        """Return the workspace at a batch size, measured there if `verify` is True and it is within reach."""
        if self.furthest is None:
            return Workspace(0, verified=False)
        if batch_size in self.seen or (verify and self.reaches(batch_size)):
            return self._measured(batch_size)
        low, high = self.supports(batch_size)
        first, second = self._measured(low), self._measured(high)
        # Workspace grows in steps, which a straight line through two measured sizes approximates well enough.
        size = through((low, first.bytes), (high, second.bytes), batch_size)
        return Workspace(size, verified=False, operations=second.operations)

    def supports(self, batch_size: int) -> tuple[int, int]:
        """Return the two batch sizes to extrapolate from."""
        far = max(self.furthest or 0, self.least[1])
        near = max(far // 2, self.least[0])
        return (min(SMALL, near), near) if batch_size < near else (near, far)

    def _measured(self, batch_size: int) -> Workspace:
        seen = self.timelines(batch_size)
        return Workspace(peak_of(seen).workspace_bytes, verified=True, operations=operations_of(seen))


def through(first: tuple[int, int], second: tuple[int, int], at: int) -> int:
    """Return the bytes at `at` on the straight line through two points (batch size, bytes), at least 0."""
    (left, low), (right, high) = first, second
    rise = (high - low) / (right - left) if right > left else 0.0
    return max(0, round(high + rise * (at - right)))

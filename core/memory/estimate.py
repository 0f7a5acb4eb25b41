"""Find the workspace of an update at any batch size: measured where that is affordable, else from smaller batches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from core.forecast import Workspace
from core.timeline import Timeline, operations_of, peak_of

SMALL = 3


@dataclass(frozen=True)
class _Bounds:
    """What may be run for real: bytes of tensors, and parameters times examples, which stands for time."""

    tensor_bytes: int
    work: int


class Reach(Enum):
    """How large a batch is run to measure its workspace.

    The bounds are counts, not seconds: the same question has the same answer on a busy machine.
    """

    NONE = None
    NEAR = _Bounds(8 * 2**20, 200_000_000)  # tens of milliseconds: for a page
    FAR = _Bounds(2 * 2**30, 50_000_000_000)  # seconds: for a command


class Estimates:
    """Workspace by batch size.

    measure   runs updates of a batch size for real and returns their timelines
    tensors   returns the bytes of tensors that this takes
    """

    def __init__(
        self,
        measure: Callable[[int], Sequence[Timeline]],
        *,
        tensors: Callable[[int], int],
        parameters: int,
        most: int,
        reach: Reach,
    ) -> None:
        self.measure, self.tensors, self.parameters, self.most, self.reach = measure, tensors, parameters, most, reach
        self._known: dict[int, Workspace] = {}

    def at(self, batch_size: int, *, verify: bool = True) -> Workspace:
        """Return the workspace at a batch size; with `verify` measured there, if it is within reach."""
        if self.reach is Reach.NONE:
            return Workspace(0, verified=False)
        if batch_size in self._known or (verify and batch_size <= self._furthest):
            return self._measured(batch_size)
        low, high = self._supports(batch_size)
        first, second = self._measured(low), self._measured(high)
        # Workspace comes in steps; between two measured sizes and beyond them a line is as good as any.
        rise = (second.bytes - first.bytes) / (high - low) if high > low else 0.0
        estimate = round(second.bytes + rise * (batch_size - high))
        return Workspace(max(0, estimate), verified=False, operations=second.operations)

    @cached_property
    def _furthest(self) -> int:
        """The largest batch size that is run for real; the smallest there is if none is within reach."""
        bounds: _Bounds = self.reach.value

        def is_too_far(size: int) -> bool:
            return self.tensors(size) > bounds.tensor_bytes or self.parameters * size > bounds.work

        return max(1, bisect_left(range(1, self.most + 1), True, key=is_too_far))

    def _supports(self, batch_size: int) -> tuple[int, int]:
        """Return the two batch sizes that an estimate is drawn through."""
        far = self._furthest
        near = max(1, far // 2)
        if batch_size < near:
            return min(SMALL, near), near
        return near, far

    def _measured(self, batch_size: int) -> Workspace:
        if batch_size not in self._known:
            seen = self.measure(batch_size)
            self._known[batch_size] = Workspace(
                peak_of(seen).workspace_bytes, verified=True, operations=operations_of(seen)
            )
        return self._known[batch_size]

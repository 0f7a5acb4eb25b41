"""Look for the largest batch that fits, in the ways that training tools do and in ours. Pure integers; no torch.

Each way asks `fits` about one batch size after another, up to `most`, the largest there is (1 or more). `fits` has to
be true up to some batch size B and false beyond it, or false everywhere. What a way asked and what it settled for is a
`Search`; no way asks about a size twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Fits = Callable[[int], bool]


@dataclass(frozen=True)
class Attempt:
    """One batch size that was tried, and whether it fitted."""

    batch_size: int
    fits: bool


@dataclass(frozen=True)
class Search:
    """What one way tried, in order, and the batch size that it settled for: 0 if none fitted."""

    name: str
    attempts: tuple[Attempt, ...]
    found: int


class Way(Protocol):
    """A way to look that needs to know nothing in advance."""

    def __call__(self, fits: Fits, *, most: int) -> Search: ...


def doubling(fits: Fits, *, most: int) -> Search:
    """Start at 2 and double until a size does not fit or exceeds `most`; found is the last that fitted.

    It stops at a power of two, which is more than half of the largest and seldom all of it. Where 2 does not fit, 1 is
    tried. The starting value and the factor are those of Lightning 2.6 (`Tuner.scale_batch_size` with mode
    "power"); its double check of 2 after 1 has fitted is left out, and no size above `most` is tried.
    """
    tries = _Tries(fits)
    return tries.search("doubling", _double(tries, most))


def bisection(fits: Fits, *, most: int) -> Search:
    """Double, then halve the gap between the last size that fitted and the first that did not; found is exact.

    Where none failed up to `most`, the first that does not fit is `most` + 1, which there is not. The sizes are those
    of Lightning 2.6 (mode "binsearch"), which then takes 5% off the result as a margin, unless told otherwise.
    """
    tries = _Tries(fits)
    low = _double(tries, most)
    high = min((attempt.batch_size for attempt in tries if not attempt.fits), default=most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if tries.fit(middle):
            low = middle
        else:
            high = middle
    return tries.search("bisection", low)


def back_off(fits: Fits, *, most: int, start: int | None = None) -> Search:
    """Start at `most`, or at `start` if that is less, and take 0.9 of it, rounded down, until a size fits.

    From a start beyond B it settles for 0.9 (B + 1), rounded down, or more; from another one for that. The factor is
    that of accelerate 1.15 (`find_executable_batch_size`, whose start is 128 unless told otherwise; it once halved).
    """
    tries = _Tries(fits)
    size = most if start is None else min(start, most)
    while size > 0 and not tries.fit(size):
        size = size * 9 // 10
    return tries.search("back_off", size)


def closed_form(fits: Fits, *, predicted: int, most: int) -> Search:
    """Check a predicted largest batch size, 0 if none should fit: it fits and the next does not. Found is exact.

    These are the only two attempts; there is one where `predicted` is 0 or `most`.
    Raises ValueError if the prediction is out of bounds or contradicted.
    """
    if not 0 <= predicted <= most:
        raise ValueError(f"predicted must be between 0 and {most:,} (the largest batch there is), got {predicted:,}")
    tries = _Tries(fits)
    for size in (predicted, predicted + 1):
        if 1 <= size <= most:
            tries.fit(size)
    if any(attempt.fits != (attempt.batch_size <= predicted) for attempt in tries):
        seen = ", ".join(f"{each.batch_size:,} {'fits' if each.fits else 'does not fit'}" for each in tries)
        raise ValueError(f"the largest batch that fits was predicted to be {predicted:,}, but {seen}")
    return tries.search("closed_form", predicted)


def largest_from(fits: Fits, start: int) -> int:
    """Return the largest size up to `start` that fits, 0 if none does: `start` itself in one try where it is near.

    It steps down by 1, 2, 4, ... until a size fits, and then halves the gap.
    """
    high, low, step = start + 1, start, 1
    while low > 0 and not fits(low):
        high, low, step = low, low - step, 2 * step
    low = max(low, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


# The ways that need no prediction.
SEARCHES: dict[str, Way] = {"doubling": doubling, "bisection": bisection, "back_off": back_off}


class _Tries(list[Attempt]):
    """What has been tried so far, in order."""

    def __init__(self, fits: Fits) -> None:
        super().__init__()
        self._fits = fits

    def fit(self, batch_size: int) -> bool:
        """Try a batch size; return whether it fits."""
        self.append(Attempt(batch_size, self._fits(batch_size)))
        return self[-1].fits

    def search(self, name: str, found: int) -> Search:
        return Search(name, tuple(self), found)


def _double(tries: _Tries, most: int) -> int:
    """Return the largest power of two, from 2 up to `most`, that fits; else 1, or 0 if that does not fit either."""
    found, size = 0, min(2, most)
    while size <= most and tries.fit(size):
        found, size = size, 2 * size
    return found or int(size == 2 and tries.fit(1))

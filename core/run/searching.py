"""Search for the largest batch size that fits, with the methods of training tools and our own. No torch.

Each method calls `fits` with one batch size after another, from 1 to `most`, and returns its attempts and its result as
a `Search`. `fits` must be true up to some batch size B and false beyond it, or false everywhere. No method tries a
size twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Fits = Callable[[int], bool]


@dataclass(frozen=True)
class Attempt:
    """A batch size that was tried, and whether it fits."""

    batch_size: int
    fits: bool


@dataclass(frozen=True)
class Search:
    """The attempts of one method, in order, and the batch size it found, 0 if none fits."""

    name: str
    attempts: tuple[Attempt, ...]
    found: int


class Way(Protocol):
    """A search method that needs no prediction."""

    def __call__(self, fits: Fits, *, most: int) -> Search: ...


def doubling(fits: Fits, *, most: int) -> Search:
    """Start at 2 and double until a size does not fit or exceeds `most`; return the last size that fits.

    The result is a power of two, more than half of the largest size and rarely equal to it. If 2 does not fit, 1 is
    tried. Start and factor follow Lightning 2.6 (`Tuner.scale_batch_size` with mode "power"), without its second check
    of 2 after 1 and without sizes above `most`.
    """
    tries = _Tries(fits)
    return tries.search("doubling", _double(tries, most))


def bisection(fits: Fits, *, most: int) -> Search:
    """Double, then halve the gap between the last size that fits and the first that does not; the result is exact.

    If every size up to `most` fits, `most` + 1 counts as the first that does not. The sizes follow Lightning 2.6 (mode
    "binsearch"), which by default also subtracts a margin of 5% from the result.
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
    """Start at `most`, or at `start` if that is smaller, and multiply by 0.9, rounded down, until a size fits.

    From a start above B the result is at least 0.9 (B + 1), rounded down; any other start is the result itself. The
    factor follows accelerate 1.15 (`find_executable_batch_size`, with a default start of 128; older versions halved).
    """
    tries = _Tries(fits)
    size = most if start is None else min(start, most)
    while size > 0 and not tries.fit(size):
        size = size * 9 // 10
    return tries.search("back_off", size)


def closed_form(fits: Fits, *, predicted: int, most: int) -> Search:
    """Check that the predicted largest batch size fits and the next does not; the result is exact.

    That takes two attempts, or one if `predicted` is 0 (no size fits) or `most`. Raises ValueError if the prediction is
    out of bounds or contradicted.
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
    """Return the largest size up to `start` that fits, 0 if none does. Few attempts are needed if `start` is close.

    The search steps down by 1, 2, 4, ... until a size fits, and then halves the gap.
    """
    high, low, step = start + 1, start, 1
    while low > 0 and not fits(low):
        high, low, step = low, low - step, 2 * step
    low = max(low, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


# The methods that need no prediction.
SEARCHES: dict[str, Way] = {"doubling": doubling, "bisection": bisection, "back_off": back_off}


class _Tries(list[Attempt]):
    """The attempts so far, in order."""

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

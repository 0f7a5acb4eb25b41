"""Compute what a falling rate gains over a constant one in the recorded comparison, for every page. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from core.comparison import shipped
from core.comparison.presets import LARGE_TO_SMALL
from core.comparison.result import standing
from core.comparison.shipped import Recorded


@dataclass(frozen=True)
class Fall:
    """How many times as far from the optimum a constant high and a constant low rate end as a rate that falls."""

    recorded: Recorded
    high: float
    low: float


@cache
def fall() -> Fall:
    """Return the gain of the falling rate at equal epochs. Raises BatchLabError if the recording cannot be read."""
    recorded = shipped.load(LARGE_TO_SMALL)
    found = standing(recorded.courses, "epochs")
    assert found is not None  # the recording has ended
    high, low, falling = found.losses
    return Fall(recorded, high / falling, low / falling)

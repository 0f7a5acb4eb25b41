"""Choose the cases that every test run covers; `make campaign` covers the others."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest


def campaign(cases: Iterable[Any]) -> list[Any]:
    """Mark cases as part of the campaign. A tuple is one case of several parameters."""
    return [pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.campaign) for case in cases]


def drawn(cases: Iterable[Any], count: int, *, seed: int = 0) -> list[Any]:
    """Return all cases in order, those that a seeded draw of `count` leaves out marked as part of the campaign."""
    every = list(cases)
    kept = set(random.Random(seed).sample(range(len(every)), count))
    return [case if number in kept else campaign([case])[0] for number, case in enumerate(every)]

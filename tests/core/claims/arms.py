"""Pairs of arms with made-up figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.science.judge import Outcome, judge
from core.science.trials import Arm, Claimed, Pair

SEEDS = 10


def pair(
    ratios: Sequence[float],
    claimed: Claimed = "higher",
    *,
    arm: str = "equal_epochs",
    is_contrast: bool = False,
    first: Sequence[float] = (),
) -> Pair:
    """Return a pair with these ratios of second to first figure, seed by seed; the first figures default to 1.

    Its names are those of a comparison in the catalogue.
    """
    base = first or [1.0] * len(ratios)
    values = tuple(one * ratio for one, ratio in zip(base, ratios, strict=True))
    one, other = Arm({"batch_size": 16, "lr": 1.0}, tuple(base)), Arm({"batch_size": 256, "lr": 16.0}, values)
    return Pair(arm, "excess_loss", ("data", "epochs"), one, other, claimed, 0.5, is_contrast)


def judged(*trials: Any, claim: str = "C9") -> list[Outcome]:
    """Return the outcomes of the trials of one claim."""
    return judge({claim: trials})[claim]


def noise(number: int) -> list[float]:
    """Return ratios in both directions, far beyond 25%: neither different nor equivalent."""
    drift = 1.01 + 0.0001 * number  # different for every number
    return [drift**seed * (2.0 if (seed + number) % 2 else 0.5) for seed in range(SEEDS)]

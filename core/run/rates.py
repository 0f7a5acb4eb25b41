"""Find whether a learning rate is beyond what theory or measurement lets a run learn with. No torch."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.run.config import RunConfig

DESCENTS = ("sgd", "momentum", "nesterov")
# Measured: at each batch size the lowest rate (of rates a factor of 1.4 apart) at which a run did not halve its initial
# loss, of three seeds at a constant rate over five epochs of photos10k with the default MLP. A test trains there again.
SIZES = (10, 20, 50, 100, 200, 1_000)
PLAIN = (0.35, 0.5, 1.0, 1.0, 1.0, 0.7)  # without momentum
HEAVY = (0.035, 0.07, 0.14, 0.28, 0.4, 0.4)  # with MOMENTUM
MOMENTUM = 0.9
TRIALS = {"dataset": "photos10k", "model": "mlp", "hidden": (128, 64), "schedule": "constant", "warmup": 0.0}
NEVER = 2.0  # from this multiple of those rates on, none of the runs learned
# The same for networks with a norm and for other data sets, which tolerate more. Runs on digits with batch and layer
# normalisation, on moons and on spirals were measured.
NEVER_ELSEWHERE = 25.0


Effect = Literal["curvature", "curvature_at_start", "some_fail", "all_fail", "all_fail_similar", "all_fail_elsewhere"]


@dataclass(frozen=True)
class RateLimit:
    """A learning rate, and what happens from it on.

    curvature           the gradient of all examples overshoots more and more, in a linear regression
    curvature_at_start  the same at zero weights, for a linear classifier, whose curvature falls as it learns
    some_fail           not every run learned in the trials
    all_fail            no run learned in the trials, which had the model, the data and the schedule of this run
    all_fail_similar    no run learned in the trials, which had another width, other images or another schedule
    all_fail_elsewhere  no run learned in the trials of networks with a norm or on other data
    """

    rate: float
    effect: Effect


def limits(config: RunConfig) -> list[RateLimit]:
    """Return the known limits of gradient descent with a run's settings, in ascending order."""
    if config.optimizer not in DESCENTS:
        return []
    momentum = config.momentum if config.uses("momentum") else 0.0
    if config.model == "linear":
        curvature = config.spec.curvature
        if not curvature:
            return []
        # The limit of heavy-ball descent on a quadratic. With Nesterov's momentum it is lower.
        effect: Effect = "curvature" if config.spec.task == "regression" else "curvature_at_start"
        return [RateLimit(2 * (1 + momentum) / curvature, effect)]
    plain, heavy = (_at(config.effective_batch_size, rates) for rates in (PLAIN, HEAVY))
    measured = plain * (heavy / plain) ** (math.log(1 - momentum) / math.log(1 - MOMENTUM))
    if config.norm == "none" and config.spec.is_image:
        is_measured = all(getattr(config, name) == value for name, value in TRIALS.items())
        return [
            RateLimit(measured, "some_fail"),
            RateLimit(NEVER * measured, "all_fail" if is_measured else "all_fail_similar"),
        ]
    return [RateLimit(NEVER_ELSEWHERE * measured, "all_fail_elsewhere")]


def reached_limit(config: RunConfig) -> RateLimit | None:
    """Return the highest limit that the learning rate of a run reaches; None if it reaches none."""
    reached = [limit for limit in limits(config) if config.lr >= limit.rate]
    return reached[-1] if reached else None


def _at(size: int, rates: Sequence[float]) -> float:
    """Return the rate at a batch size on the line through the measured ones, with both scales logarithmic.

    Beyond the smallest and the largest size it stays as it is there.
    """
    after = min(max(bisect_left(SIZES, size), 1), len(SIZES) - 1)
    (low, high), (first, last) = SIZES[after - 1 : after + 1], rates[after - 1 : after + 1]
    share = math.log(min(max(size, low), high) / low) / math.log(high / low)
    return float(first * (last / first) ** share)

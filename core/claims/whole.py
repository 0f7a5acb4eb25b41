"""Train on all examples at once: check whether they fit, and compare the result with a small batch."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from core.claims.capacity import LIMIT_MB, all_at_once
from core.forecast.remedies import runs_through
from core.run.config import RunConfig
from core.science.convex import FIXED, NOISY_DIGITS, run
from core.science.trials import Arm, Exact, Findings, Pair, Progress

SMALL = 32
PHOTOS = RunConfig(model="mlp", memory_limit_mb=LIMIT_MB)
PART = 1_000  # examples in a micro-batch
RATES = tuple(2.0**power for power in range(-10, 1))  # every arm tries all of them
TUNING_SEEDS = 3  # these differ from the seeds of the comparison


def all_at_once_does_not_fit(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C1: full batches against the limit, then a full batch against batch size 32 on equal examples."""
    trials = []
    digits = NOISY_DIGITS.config
    for arm, config in (("digits_at_once", digits), ("photos_at_once", PHOTOS)):
        began = perf_counter()
        too_large, facts = all_at_once(LIMIT_MB, config)
        trials.append(Exact(arm, ("memory_limit",), too_large, perf_counter() - began, facts))
        progress(0.1 * len(trials))
    began = perf_counter()
    parts = PHOTOS.spec.examples // PART
    gets_through = runs_through(PHOTOS.replace(batch_size=PART, accumulate=parts), PART)
    facts = {"examples": PHOTOS.spec.examples, "parts": parts, "part": PART, "fits": gets_through}
    fixed: tuple[str, ...] = ("memory_limit", "gradient")
    trials.append(Exact("photos_in_parts", fixed, not gets_through, perf_counter() - began, facts))
    progress(0.3)
    began = perf_counter()
    first, second = (_tuned(seeds, size) for size in (SMALL, digits.spec.examples))
    fixed = (*FIXED, "epochs", "tuning")
    seconds = perf_counter() - began
    pair = Pair("what_it_costs", "excess_loss", fixed, first, second, "higher", seconds, is_contrast=True)
    progress(1.0)
    return Findings([*trials, pair])


def _tuned(seeds: Sequence[int], batch_size: int) -> Arm:
    """Return the excess losses at the rate that was best on the tuning seeds."""
    others = [max(seeds) + 1 + number for number in range(TUNING_SEEDS)]
    tried = [(seed, rate) for rate in RATES for seed in others]
    ensemble = NOISY_DIGITS.ensemble(
        [seed for seed, _ in tried], rates=[rate for _, rate in tried], batch_size=batch_size
    )
    ends = np.log(NOISY_DIGITS.excess(run(ensemble), [seed for seed, _ in tried])).reshape(len(RATES), TUNING_SEEDS)
    best = RATES[int(np.argmin(ends.mean(axis=1)))]
    return NOISY_DIGITS.arm(seeds, batch_size=batch_size, lr=best)

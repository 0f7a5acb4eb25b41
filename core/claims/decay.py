"""Lower the rate, or grow the batch instead, and measure which batch size gains from it."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from torch import Tensor

from core.science.convex import FIXED, MIXTURE, run
from core.science.trials import Arm, Findings, Pair, Progress

SMALL, LARGE, RATE, UPDATES = 16, 256, 8.0, 512
DROP = 4  # factor by which the rate falls or the batch grows, after two epochs and again after three
STAGES = (2, 1, 1)  # epochs
LEAST_GAIN = 1e-12  # a gain must be positive to have a logarithm


def rate_from_large_to_small(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C10: compare a constant rate with a cosine for both batch sizes, and the gains of the two."""
    ends: dict[int, tuple[Arm, Arm]] = {}
    took: dict[int, float] = {}
    for size in (SMALL, LARGE):
        began = perf_counter()
        shared: dict[str, Any] = {"batch_size": size, "lr": RATE, "budget": "updates", "budget_value": UPDATES}
        ends[size] = MIXTURE.arm(seeds, schedule="constant", **shared), MIXTURE.arm(seeds, schedule="cosine", **shared)
        took[size] = perf_counter() - began
        progress(0.4 * len(ends))
    fixed = (*FIXED, "updates", "peak_rate")
    trials = [
        Pair(name, "excess_loss", (*fixed, "batch_size"), ends[size][0], ends[size][1], "lower", took[size])
        for name, size in (("small_batch", SMALL), ("large_batch", LARGE))
    ]
    small, large = (_gain(*ends[size]) for size in (SMALL, LARGE))
    trials.append(Pair("who_gains", "gain", fixed, small, large, "higher", sum(took.values())))
    began = perf_counter()
    fall = _in_stages(seeds, [(SMALL, RATE / DROP**stage) for stage in range(len(STAGES))])
    progress(0.9)
    growth = _in_stages(seeds, [(SMALL * DROP**stage, RATE) for stage in range(len(STAGES))])
    kept = (*FIXED, "epochs")
    first, second = Arm({"schedule": "falls"}, fall), Arm({"schedule": "grows"}, growth)
    trials.append(Pair("batch_instead", "excess_loss", kept, first, second, "equal", perf_counter() - began, True))
    progress(1.0)
    return Findings(trials)


def _gain(constant: Arm, cosine: Arm) -> Arm:
    """Return how much loss the cosine saves for each seed, LEAST_GAIN where it saves none."""
    gains = tuple(max(one - other, LEAST_GAIN) for one, other in zip(constant.values, cosine.values, strict=True))
    return Arm({"batch_size": constant.settings["batch_size"], "lr": RATE}, gains)


def _in_stages(seeds: Sequence[int], stages: Sequence[tuple[int, float]]) -> tuple[float, ...]:
    """Return the excess losses after STAGES epochs at each (batch size, rate) in turn."""
    weights: list[Tensor] = []
    for (size, rate), epochs in zip(stages, STAGES, strict=True):
        changes: dict[str, Any] = {"batch_size": size, "lr": rate, "budget_value": epochs}
        ensemble = run(MIXTURE.ensemble(seeds, start=weights, **changes))
        weights = ensemble.parameters
    return MIXTURE.excess(ensemble, seeds)

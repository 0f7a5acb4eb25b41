"""Find the largest batch that fits the simulated device, and run it and the next larger one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import torch

from core.datasets.build import build
from core.datasets.tensors import load
from core.forecast.predict import Forecast
from core.forecast.remedies import runs_through
from core.forecast.workspace import Reach
from core.run.choices.datasets import DATA
from core.run.config import RunConfig
from core.science.trials import Exact, Findings, Line, Progress
from core.train.trainer import Trainer
from core.words.units import MIB

LIMIT_MB = 4.0
CNN = RunConfig(model="cnn", memory_limit_mb=LIMIT_MB)
TOO_LARGE = 100  # the article's batch size, which does not fit the CNN
SIZES = (10, 20, 30, 40, 50, 60, 70)  # batch sizes at which the peak is measured
STRAIGHT = 0.999  # R^2 from which the peak counts as a straight line
FIXED = ("model", "optimizer", "memory_limit")


def out_of_memory(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C8: run the largest batch predicted to fit and the next one, then fit a larger one by other means."""
    began = perf_counter()
    largest = _largest(CNN)
    fits, next_fits = runs_through(CNN, largest), runs_through(CNN, largest + 1)
    progress(0.4)
    sizes, peaks = np.array(SIZES, dtype=float), np.array([_peak(size, seeds[0]) for size in SIZES], dtype=float)
    slope, fixed = np.polyfit(sizes, peaks, 1)
    left = peaks - (fixed + slope * sizes)
    r_squared = 1 - float(left @ left) / float(((peaks - peaks.mean()) ** 2).sum())
    facts = {
        "largest": largest,
        "limit_bytes": CNN.memory_limit_bytes,
        "per_example_bytes": float(slope),
        "fixed_bytes": float(fixed),
        "r_squared": r_squared,
    }
    facts |= {"fits": fits, "next_fits": next_fits}
    holds = fits and not next_fits and r_squared >= STRAIGHT
    trials = [Exact("at_the_limit", FIXED, holds, perf_counter() - began, facts)]
    progress(0.6)
    for arm, size, changes in (
        ("accumulated", TOO_LARGE // 2, {"accumulate": 2}),
        ("half_precision", TOO_LARGE, {"precision": "bfloat16"}),
    ):
        began = perf_counter()
        gets_through = runs_through(CNN.replace(batch_size=size, **changes), size)
        facts = {"batch_size": TOO_LARGE, "fits": gets_through}
        trials.append(Exact(arm, FIXED, not gets_through, perf_counter() - began, facts))
    progress(0.8)
    began = perf_counter()
    kept = CNN.replace(checkpointing=True)
    further = _largest(kept)
    gets_through = further > largest and runs_through(kept, further)
    trials.append(
        Exact(
            "checkpointed", FIXED, not gets_through, perf_counter() - began, {"largest": further, "fits": gets_through}
        )
    )
    progress(1.0)
    lines = [
        Line("measured", tuple(sizes.tolist()), tuple((peaks / MIB).tolist())),
        Line("law", (0.0, largest + 1.0), (fixed / MIB, (fixed + slope * (largest + 1)) / MIB)),
        Line("limit", (float(largest),), (LIMIT_MB,)),
    ]
    return Findings(trials, lines)


def all_at_once(limit_mb: float, config: RunConfig) -> tuple[bool, Mapping[str, Any]]:
    """Return whether a batch of all examples exceeds a limit, and the bytes behind the answer."""
    whole = config.replace(batch_size=config.spec.examples, memory_limit_mb=limit_mb, budget="updates", budget_value=2)
    peak = Forecast(whole, reach=Reach.NEAR).peak(whole.batch_size)
    facts = {
        "examples": whole.batch_size,
        "peak_bytes": peak.bytes,
        "limit_bytes": whole.memory_limit_bytes,
        "batch_bytes": peak.by_category.get("batch", 0),
    }
    return not runs_through(whole, whole.batch_size), facts


def _largest(config: RunConfig) -> int:
    return Forecast(config, reach=Reach.NEAR).largest_batch_size()


def _peak(batch_size: int, seed: int) -> int:
    """Return the peak bytes of tensors in two real updates."""
    config = CNN.replace(batch_size=batch_size, memory_limit_mb=None, seed=seed)
    trainer = Trainer(config, load(build(config.dataset, DATA)))
    for _ in range(2):
        trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
    peak = trainer.peak()
    assert peak is not None  # the ledger always watches the first update
    return peak.tensor_bytes

"""Push a run off course and count the updates until it recovers; then measure how far updates turn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import perf_counter

import numpy as np
import torch

from core.science.convex import FIXED, MIXTURE
from core.science.trials import Arm, Claimed, Findings, Pair, Progress

CURVATURES = np.array([1.0, 0.02])  # across the valley and along it
EXAMPLES = 1_024
SMALL, LARGE = 16, 256
RATE, LOW_RATE, MOMENTUM = 0.2, 0.02, 0.9
PUSH, VALLEY = 5.0, 1.0  # distance from the floor of the valley, and half the width of the valley
MOST_UPDATES = 1_500
TURNS = 128  # number of updates whose angles are averaged


def hard_to_turn(seeds: Sequence[int], progress: Progress) -> Findings:
    """Test C6: count the updates to recover from a step across a narrow valley, and measure angles between updates."""
    base = _back(seeds, SMALL, RATE)
    progress(0.2)
    trials = [_pair("wrong_step", (*FIXED, "rate"), base, _back(seeds, LARGE, RATE), "lower")]
    progress(0.3)
    trials.append(_turns(seeds))
    progress(0.6)
    low = _back(seeds, SMALL, LOW_RATE)
    progress(0.8)
    trials.append(_pair("lower_rate", (*FIXED, "batch_size"), base, low, "higher", is_contrast=True))
    heavy = _back(seeds, SMALL, LOW_RATE, momentum=MOMENTUM)
    trials.append(_pair("momentum", (*FIXED, "batch_size", "effective_rate"), base, heavy, "higher", is_contrast=True))
    progress(1.0)
    return Findings(trials)


def _pair(
    arm: str,
    fixed: tuple[str, ...],
    first: tuple[Arm, float],
    second: tuple[Arm, float],
    claimed: Claimed,
    *,
    is_contrast: bool = False,
) -> Pair:
    seconds = first[1] + second[1]
    return Pair(arm, "updates_back", fixed, first[0], second[0], claimed, seconds, is_contrast)


def _turns(seeds: Sequence[int]) -> Pair:
    """Compare the mean angle between consecutive updates in real runs of the same number of updates."""
    began = perf_counter()
    arms = []
    for size in (SMALL, LARGE):
        ensemble = MIXTURE.ensemble(seeds, geometry=True, batch_size=size, budget="updates", budget_value=TURNS)
        steps = [ensemble.update() for _ in range(TURNS)]
        cosines = torch.stack([step.cosines for step in steps[1:] if step.cosines is not None]).numpy()
        angles = np.degrees(np.arccos(np.clip(cosines, -1, 1))).mean(axis=0)
        arms.append(Arm({"batch_size": size, "lr": MIXTURE.config.lr}, tuple(angles.tolist())))
    fixed = (*FIXED, "rate", "updates")
    return Pair("angle", "angle", fixed, arms[0], arms[1], "higher", perf_counter() - began)


def _back(seeds: Sequence[int], batch_size: int, rate: float, *, momentum: float = 0.0) -> tuple[Arm, float]:
    """Return the updates that each seed needs to return to the valley for good, and the seconds spent."""
    began = perf_counter()
    counts = [_updates_back(seed, batch_size, rate, momentum) for seed in seeds]
    settings = {"batch_size": batch_size, "lr": rate} | ({"momentum": momentum} if momentum else {})
    return Arm(settings, tuple(map(float, counts))), perf_counter() - began


def _updates_back(seed: int, batch_size: int, rate: float, momentum: float) -> float:
    """Return after how many updates the weights stay in the valley; infinity if they never do."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((EXAMPLES, 2))
    centres -= centres.mean(axis=0)  # puts the floor of the valley at 0
    weights, velocity, outside = np.array([PUSH, PUSH]), np.zeros(2), 0
    for update in range(MOST_UPDATES):
        position = update * batch_size % EXAMPLES
        if position == 0:
            order = generator.permutation(EXAMPLES)
        gradient = CURVATURES * (weights - centres[order[position : position + batch_size]].mean(axis=0))
        velocity = momentum * velocity + gradient
        weights = weights - rate * velocity
        if not abs(weights[0]) < VALLEY:
            outside = update + 1
    return outside if outside < MOST_UPDATES else math.inf

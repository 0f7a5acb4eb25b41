"""Train linear classifiers for several seeds and measure how far above the optimum they end.

The problem is convex, so the distance from the optimum is known. Each seed has its own data, optimum and data order,
which all arms share. Every run starts from zero weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from core.datasets.build import Arrays, mixture, noisy_digits
from core.datasets.tensors import Data
from core.ensemble import Ensemble
from core.run.config import RunConfig
from core.science.optimum import Optimum, softmax_optimum
from core.science.trials import Arm

FIXED = ("data", "start", "order")
SHOWN = ("batch_size", "lr", "schedule")  # settings that describe an arm
DIVERGED = 1e3  # an excess loss from here on counts as diverged


@dataclass(frozen=True)
class ConvexProblem:
    """One seed's data, in float64, and the optimum of its objective."""

    data: Data
    optimum: Optimum


@dataclass(frozen=True)
class Convex:
    """A data set that is drawn for each seed, and the config that trains a linear classifier on it."""

    config: RunConfig
    drawn: Callable[[int], Arrays]

    @cache  # noqa: B019  # only two instances exist, and they live as long as the process
    def problem(self, seed: int) -> ConvexProblem:
        """Return one seed's problem, cached for the life of the process."""
        arrays = self.drawn(seed)
        parts = arrays.train_inputs, arrays.validation_inputs
        inputs, validation = (torch.from_numpy(part).double().flatten(1) for part in parts)
        targets = torch.from_numpy(arrays.train_targets)
        data = Data(inputs, targets, validation, torch.from_numpy(arrays.validation_targets))
        spec = self.config.spec
        if not spec.has_constant:  # the optimum's bias is the weight of a constant
            inputs = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=inputs.dtype)], dim=1)
        return ConvexProblem(
            data, softmax_optimum(inputs, targets, spec.outputs, weight_decay=self.config.weight_decay)
        )

    def ensemble(
        self,
        seeds: Sequence[int],
        *,
        rates: Sequence[float] = (),
        start: Sequence[Tensor] = (),
        geometry: bool = False,
        **changes: Any,
    ) -> Ensemble:
        """Return an untrained ensemble with one run for each seed and these changes to the config.

        Runs start from zero weights, or from `start`. `rates` sets a separate peak rate for each run.
        """
        configs = [self.config.replace(seed=seed, **changes) for seed in seeds]
        if rates:
            configs = [config.replace(lr=rate) for config, rate in zip(configs, rates, strict=True)]
        data = [self.problem(seed).data for seed in seeds]
        first = start or [torch.zeros(())] * (1 if self.config.spec.has_constant else 2)
        return Ensemble(configs, data, start=first, geometry=geometry)

    def excess(self, ensemble: Ensemble, seeds: Sequence[int]) -> tuple[float, ...]:
        """Return how far each run's objective is above its optimum; infinity for a diverged run."""
        squares = sum(part.detach().square().flatten(1).sum(1) for part in ensemble.parameters)
        objectives = ensemble.evaluate_training().losses + self.config.weight_decay / 2 * squares
        above = [
            value - self.problem(seed).optimum.loss for value, seed in zip(objectives.tolist(), seeds, strict=True)
        ]
        return tuple(value if value < DIVERGED else math.inf for value in above)  # NaN becomes infinity too

    def arm(self, seeds: Sequence[int], **changes: Any) -> Arm:
        """Train with these changes to the config and return the excess losses."""
        trained = run(self.ensemble(seeds, **changes))
        shown = {name: value for name, value in changes.items() if name in SHOWN}
        return Arm(shown, self.excess(trained, seeds))


def run(ensemble: Ensemble) -> Ensemble:
    """Train an ensemble to the end of its budget and return it."""
    while ensemble.updates < ensemble.horizon:
        ensemble.update()
    return ensemble


MIXTURE = Convex(
    RunConfig(
        dataset="mixture",
        model="linear",
        optimizer="sgd",
        weight_decay=1e-3,
        lr=1.0,
        batch_size=16,
        schedule="constant",
        budget="epochs",
        budget_value=4,
    ),
    mixture,
)
NOISY_DIGITS = Convex(
    RunConfig(
        dataset="noisy-digits",
        model="linear",
        optimizer="sgd",
        weight_decay=1e-3,
        lr=0.05,
        batch_size=32,
        schedule="constant",
        budget="epochs",
        budget_value=10,
    ),
    noisy_digits,
)

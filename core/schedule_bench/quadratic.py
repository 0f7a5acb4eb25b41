"""Predict the loss of a run by the noisy quadratic model, without fitting anything to that run.

Its curvatures are those of the problem at its optimum, its noise is the scatter of the examples' gradients there, and
its start is as far from the optimum as that of the run. The model is exact for a quadratic with the same noise
everywhere. For the real loss it is accurate near the optimum and poor at the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import one_hot

from core.science.convex import MIXTURE
from core.science.expectation import quadratic_losses
from core.science.optimum import curvature

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quadratic:
    """One seed's problem at its optimum, along the D eigenvectors of the Hessian; each array is (D,).

    curvatures  eigenvalues, ascending
    noise       variance of a single example's gradient
    distances   squared distance of the start (zero weights) from the optimum
    """

    curvatures: Floats
    noise: Floats
    distances: Floats

    def losses(self, rates: Sequence[Floats], batch_sizes: Sequence[int], *, noisy: bool = True) -> Floats:
        """Return the expected excess losses (U + 1, M) of M runs with rates (U,) each.

        Without noise they are what remains of the start; noise adds the rest.
        """
        with np.errstate(over="ignore"):  # beyond 2 / curvature the loss grows to infinity
            return quadratic_losses(
                self.distances,
                curvatures=self.curvatures,
                noise=self.noise if noisy else 0 * self.noise,
                rates=np.stack(rates, axis=1),
                batch_sizes=batch_sizes,
            )


@cache
def quadratic(seed: int) -> Quadratic:
    """Return the quadratic of one seed's mixture, computed once in a process."""
    given, weight_decay = MIXTURE.problem(seed), MIXTURE.config.weight_decay
    inputs, best = given.data.train_inputs, given.optimum.weights
    curvatures, directions = torch.linalg.eigh(curvature(inputs, best, weight_decay=weight_decay))
    residuals = (inputs @ best.T).softmax(1) - one_hot(given.data.train_targets, len(best))
    gradients = (residuals[:, :, None] * inputs[:, None, :]).flatten(1) @ directions
    noise, distances = gradients.var(0, correction=0), (best.flatten() @ directions).square()
    return Quadratic(curvatures.numpy(), noise.numpy(), distances.numpy())

"""Compare the real trainer on a noisy linear regression with the exact expectation of its excess loss.

For x ~ N(0, diag(h)) and targets with noise of variance s, one update of stochastic gradient descent at rate r and
batch size B with independent examples changes the mean squared distance m_i from the optimum to

    m_i' = m_i (1 - 2 r h_i) + r^2 [h_i^2 m_i (1 + 1/B) + (h_i/B) (sum_j h_j m_j + s)]

The terms in m/B are noise that grows with the distance, which the usual noisy quadratic model, with noise of constant
size, leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.datasets.build import linear
from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.train.trainer import Trainer
from tests.campaign import campaign

EXAMPLES = 4_000
CHECKPOINTS = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64]
Floats = NDArray[np.float64]
Run = Callable[..., Any]

CURVATURES = 1 / np.arange(1, 33)
OPTIMUM = 1.0  # initial distance in every direction
NOISE = 0.1


def trained(seed: int, rate: float, batch_size: int, run: Run) -> tuple[Floats, Floats]:
    """Return the squared initial distances from the optimum and the excess losses at the checkpoints."""
    arrays = linear(seed, examples=EXAMPLES, validation_examples=1)
    parts = (arrays.train_inputs, arrays.train_targets, arrays.validation_inputs, arrays.validation_targets)
    config = RunConfig(
        dataset="linear",
        model="linear",
        optimizer="sgd",
        schedule="constant",
        sampling="iid",
        lr=rate,
        batch_size=batch_size,
        budget="updates",
        budget_value=CHECKPOINTS[-1],
        seed=seed,
    )
    trainer = Trainer(config, Data(*map(torch.from_numpy, parts)))
    path: list[Floats] = []

    def note(*_: Any) -> None:
        weights = trainer.parameters[0].detach().numpy().astype(np.float64).ravel()
        path.append((weights - OPTIMUM) ** 2)

    note()
    trainer.optimizer.register_step_post_hook(note)
    assert run(trainer).ended.state == "finished"
    return path[0], np.array([path[checkpoint] for checkpoint in CHECKPOINTS]) @ CURVATURES / 2


def expected(start: Floats, rate: float, batch_size: int, *, multiplicative: bool = True) -> Floats:
    """Return the expected excess loss at the checkpoints, from the mean squared initial distances."""
    distances, losses = start, []
    grows = 1 / batch_size if multiplicative else 0.0
    for _ in range(CHECKPOINTS[-1]):
        noise = CURVATURES**2 * distances * grows + CURVATURES * (distances @ CURVATURES) * grows
        noise = noise + CURVATURES * NOISE / batch_size
        distances = distances * (1 - rate * CURVATURES) ** 2 + rate**2 * noise
        losses.append(distances @ CURVATURES / 2)
    return np.array(losses)[np.array(CHECKPOINTS) - 1]


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "batch_size", "seeds"), [(0.5, 4, 40), *campaign([(0.3, 1, 400), (0.5, 4, 400)])])
def test_the_mean_excess_loss_of_many_runs_agrees_with_theory(
    rate: float, batch_size: int, seeds: int, run: Run
) -> None:
    runs = [trained(seed, rate, batch_size, run) for seed in range(seeds)]
    start = np.mean([first for first, _ in runs], axis=0)
    losses = np.array([excess for _, excess in runs])
    error = losses.std(axis=0, ddof=1) / seeds**0.5

    def rms_z(theory: Floats) -> float:
        return float(np.sqrt(np.mean(((losses.mean(axis=0) - theory) / error) ** 2)))

    assert rms_z(expected(start, rate, batch_size)) < 1.3
    assert rms_z(expected(start, rate, batch_size, multiplicative=False)) > 2


def test_the_theory_itself_has_the_usual_floor_at_small_rates() -> None:
    """At small rates multiplicative terms vanish, which leaves rate x noise x trace / (4 B)."""
    rate, batch_size = 0.002, 4
    distances = np.zeros(32)
    for _ in range(60_000):
        pull = CURVATURES**2 * distances * (1 + 1 / batch_size)
        noise = CURVATURES / batch_size * (distances @ CURVATURES + NOISE)
        distances = distances * (1 - 2 * rate * CURVATURES) + rate**2 * (pull + noise)
    floor = rate * NOISE * CURVATURES.sum() / (4 * batch_size)
    assert distances @ CURVATURES / 2 == pytest.approx(floor, rel=0.01)

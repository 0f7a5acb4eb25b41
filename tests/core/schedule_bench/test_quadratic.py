"""The exact expectation, against simulations and against its problem."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import grad, vmap

from core.run.choices.schedules import factor
from core.schedule_bench.quadratic import Quadratic, quadratic
from core.science.convex import MIXTURE
from core.science.optimum import objective

SEED = 3


def test_the_expected_curve_matches_a_simulation_with_a_schedule_and_a_growing_batch() -> None:
    h, c = np.array([1.0, 0.5, 0.1, 0.02]), np.array([1.0, 0.2, 0.5, 0.05])
    start, updates, runs = np.array([2.0, -1.0, 3.0, 1.0]), 60, 20_000
    rates = np.array([1.6 * factor("cosine", t, updates) for t in range(updates)])
    sizes = [4] * 30 + [16] * 30
    (expected,) = Quadratic(h, c, start**2).losses([rates], sizes).T
    generator = np.random.default_rng(0)
    weights, strays = np.tile(start, (runs, 1)), []
    for rate, size, exact in zip(rates, sizes, expected[1:], strict=True):
        noise = generator.standard_normal(weights.shape) * np.sqrt(c / size)
        weights = weights - rate * (h * weights + noise)
        losses = weights**2 @ h / 2
        strays.append((losses.mean() - exact) / (losses.std() / np.sqrt(runs)))
    assert np.abs(strays).max() < 5
    assert np.sqrt(np.mean(np.square(strays))) < 1.3
    assert expected[0] == start**2 @ h / 2


def test_several_runs_at_once_equal_single_runs() -> None:
    model = Quadratic(np.array([0.5, 0.1]), np.array([1.0, 2.0]), np.array([4.0, 9.0]))
    one, other = np.full(5, 0.3), np.linspace(1.0, 0.0, 5)
    together = model.losses([one, other], [2] * 5)
    np.testing.assert_allclose(together[:, 0], model.losses([one], [2] * 5)[:, 0], rtol=1e-12)
    np.testing.assert_allclose(together[:, 1], model.losses([other], [2] * 5)[:, 0], rtol=1e-12)
    assert (together[1:, 0] != together[1:, 1]).all()


def test_start_and_noise_add_up_to_the_whole() -> None:
    rates, sizes = np.full(50, 0.4), [8] * 50
    h, c, m = np.array([1.0, 0.1]), np.array([1.0, 0.3]), np.array([4.0, 9.0])
    left = Quadratic(h, c, m).losses([rates], sizes, noisy=False)[-1, 0]
    assert left == pytest.approx((h * m * (1 - 0.4 * h) ** 100).sum() / 2)
    noise = Quadratic(h, c, 0 * m).losses([rates], sizes)[-1, 0]
    assert left + noise == pytest.approx(Quadratic(h, c, m).losses([rates], sizes)[-1, 0])


def test_beyond_2_over_the_curvature_the_loss_grows_to_infinity_without_a_warning() -> None:
    model = Quadratic(np.array([1.0]), np.array([1.0]), np.array([1.0]))
    losses = model.losses([np.full(2_000, 3.0)], [1] * 2_000)[:, 0]
    assert losses[10] > 1e5
    assert np.isinf(losses[-1])


def test_near_the_optimum_the_quadratic_equals_the_loss() -> None:
    """At a thousandth of the distance to the start, the loss is a millionth of the quadratic's at the start."""
    given, model = MIXTURE.problem(SEED), quadratic(SEED)
    inputs, targets, best = given.data.train_inputs, given.data.train_targets, given.optimum.weights
    near = objective(best * (1 - 1e-3), inputs, targets, MIXTURE.config.weight_decay) - given.optimum.loss
    assert float(near) == pytest.approx(1e-6 * model.curvatures @ model.distances / 2, rel=0.01)
    assert model.distances.sum() == pytest.approx(float(best.square().sum()))


def test_the_noise_is_the_scatter_of_per_example_gradients() -> None:
    """Automatic differentiation of every example's loss gives the expected scatter."""
    given, model = MIXTURE.problem(SEED), quadratic(SEED)
    inputs, targets = given.data.train_inputs, given.data.train_targets

    def loss(weights: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy((weights @ x)[None], y[None])

    best = given.optimum.weights
    gradients = vmap(grad(loss), in_dims=(None, 0, 0))(best, inputs, targets).flatten(1)
    assert gradients.mean(0) + MIXTURE.config.weight_decay * best.flatten() == pytest.approx(0, abs=1e-9)
    covariance = (gradients - gradients.mean(0)).T @ (gradients - gradients.mean(0)) / len(inputs)
    assert model.noise.sum() == pytest.approx(float(covariance.trace()))
    # Along single directions: h c summed is tr(H C), whatever the basis.
    hessian = torch.autograd.functional.hessian(
        lambda weights: objective(weights, inputs, targets, MIXTURE.config.weight_decay), best[:, :]
    ).reshape(210, 210)
    assert model.curvatures @ model.noise == pytest.approx(float((hessian * covariance).sum()))
    assert model.curvatures[-1] == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]))

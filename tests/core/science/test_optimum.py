"""Compare the lowest loss of a linear classifier with SciPy's minimiser, autograd and a closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.datasets.build import mixture
from core.science.optimum import largest_curvature, objective, softmax_optimum
from core.words.errors import BatchLabError

Floats = NDArray[np.float64]


def problem(seed: int, *, examples: int = 200, features: int = 5, classes: int = 4) -> tuple[Tensor, Tensor]:
    """Return inputs (N, D), float64, and targets (N,) with overlapping classes; the last input is a constant."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(classes, (examples,), generator=generator)
    means = torch.randn(classes, features, generator=generator, dtype=torch.float64)
    inputs = means[targets] + torch.randn(examples, features, generator=generator, dtype=torch.float64)
    inputs[:, -1] = 1
    return inputs, targets


def penalised(weights: Floats, inputs: Tensor, targets: Tensor, decay: float) -> tuple[float, Floats]:
    """Return the objective and its gradient, computed in NumPy."""
    x, y = inputs.numpy(), targets.numpy()
    square = weights.reshape(-1, x.shape[1])
    logits = x @ square.T
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(len(y)), y]).mean() + decay / 2 * (square**2).sum()
    shares[np.arange(len(y)), y] -= 1
    return float(loss), (shares.T @ x / len(y) + decay * square).ravel()


@pytest.mark.parametrize("decay", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_optimum_equals_scipys(seed: int, decay: float) -> None:
    inputs, targets = problem(seed)
    theirs = minimize(
        penalised,
        np.zeros(20),
        args=(inputs, targets, decay),
        jac=True,
        method="L-BFGS-B",
        options={"gtol": 1e-12, "ftol": 1e-16, "maxiter": 10_000, "maxcor": 30},
    )
    ours = softmax_optimum(inputs, targets, 4, weight_decay=decay)
    assert ours.loss == pytest.approx(theirs.fun, rel=1e-12)
    assert ours.loss <= theirs.fun + 1e-14
    np.testing.assert_allclose(ours.weights.numpy().ravel(), theirs.x, atol=1e-5)
    assert ours.loss == pytest.approx(penalised(ours.weights.numpy().ravel(), inputs, targets, decay)[0], rel=1e-14)


def test_the_objective_is_the_mean_loss_plus_half_the_decay_times_all_squares() -> None:
    weights = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    inputs = torch.tensor([[1.0, 1.0]], dtype=torch.float64)
    # Logits 1 and 2: log(1 + e) and log(1 + 1/e); squares 1 and 4.
    for target, loss in ((0, np.log1p(np.e)), (1, np.log1p(np.exp(-1)))):
        found = objective(weights, inputs, torch.tensor([target]), 0.1)
        assert float(found) == pytest.approx(loss + 0.25, rel=1e-14)


def test_the_gradient_vanishes_at_the_optimum() -> None:
    inputs, targets = problem(3)
    weights = softmax_optimum(inputs, targets, 4, weight_decay=0.01).weights.requires_grad_()
    loss = cross_entropy(inputs @ weights.T, targets) + 0.005 * (weights**2).sum()
    (gradient,) = torch.autograd.grad(loss, weights)
    assert float(gradient.abs().max()) < 1e-10


@pytest.mark.parametrize("size", [1e-3, 0.1, 3.0])
def test_moving_the_weights_in_any_direction_raises_the_objective(size: float) -> None:
    inputs, targets = problem(4)
    optimum = softmax_optimum(inputs, targets, 4, weight_decay=0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        step = torch.randn(optimum.weights.shape, generator=generator, dtype=torch.float64)
        moved = optimum.weights + size * step / step.norm()
        assert float(objective(moved, inputs, targets, 0.01)) > optimum.loss


def test_float32_inputs_are_solved_in_float64() -> None:
    inputs, targets = problem(5)
    single = softmax_optimum(inputs.float(), targets, 4, weight_decay=0.01)
    assert single.weights.dtype == torch.float64
    rounded = softmax_optimum(inputs.float().double(), targets, 4, weight_decay=0.01)
    assert single.loss == rounded.loss


def test_separable_classes_have_an_optimum_with_weight_decay() -> None:
    inputs, targets = problem(6)
    inputs = inputs + 20 * torch.nn.functional.one_hot(targets, 5)
    assert_stationary(inputs, targets, classes=4, decay=1e-6)


def test_a_step_that_raises_the_objective_is_halved() -> None:
    """Full Newton steps cycle on these twelve inputs of very different sizes."""
    generator = torch.Generator().manual_seed(27)
    sizes = torch.randn(12, 2, generator=generator, dtype=torch.float64).exp() ** 4
    inputs = sizes * torch.sign(torch.randn(12, 2, generator=generator, dtype=torch.float64))
    targets = torch.randint(3, (12,), generator=generator)
    assert_stationary(inputs, targets, classes=3, decay=1e-5)


def assert_stationary(inputs: Tensor, targets: Tensor, *, classes: int, decay: float) -> None:
    ours = softmax_optimum(inputs, targets, classes, weight_decay=decay)
    loss, gradient = penalised(ours.weights.numpy().ravel(), inputs, targets, decay)
    assert ours.loss == pytest.approx(loss, rel=1e-12)
    assert np.abs(gradient).max() < 1e-9


@pytest.mark.parametrize("decay", [0.0, -1e-3, float("nan")])
def test_without_weight_decay_there_is_no_optimum(decay: float) -> None:
    inputs, targets = problem(0)
    with pytest.raises(BatchLabError) as caught:
        softmax_optimum(inputs, targets, 4, weight_decay=decay)
    assert caught.value.problems[0].code == "no_optimum"


# Curvature.


@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_the_largest_curvature_equals_that_of_autograds_hessian(decay: float) -> None:
    inputs, targets = problem(7, examples=60)
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(4, 5, generator=generator, dtype=torch.float64)

    def loss(flat: Tensor) -> Tensor:
        square = flat.view(4, 5)
        return cross_entropy(inputs @ square.T, targets) + decay / 2 * (square**2).sum()

    hessian = torch.autograd.functional.hessian(loss, weights.flatten())
    assert isinstance(hessian, Tensor)
    found = largest_curvature(inputs, weights, weight_decay=decay)
    assert found == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=1e-10)


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_the_curvature_at_zero_weights_is_that_of_the_inputs_over_the_classes(classes: int) -> None:
    """All probabilities are 1/K there, so the classes' covariance contributes the eigenvalue 1/K."""
    inputs, _ = problem(8, classes=4)
    moment = inputs.numpy().T @ inputs.numpy() / len(inputs)
    expected = float(np.linalg.eigvalsh(moment)[-1]) / classes + 0.001
    zeros = torch.zeros(classes, 5, dtype=torch.float64)
    assert largest_curvature(inputs, zeros, weight_decay=0.001) == pytest.approx(expected, rel=1e-10)


def test_the_mixture_allows_rates_up_to_about_80_at_the_start() -> None:
    """2 / curvature is 84 on average over seeds; the rates 64 and 128 of the claims lie on either side."""
    limits = []
    for seed in range(5):
        inputs = torch.from_numpy(mixture(seed).train_inputs)
        limits.append(2 / largest_curvature(inputs, torch.zeros(10, 21), weight_decay=1e-3))
    assert np.mean(limits) == pytest.approx(84, rel=0.1)
    assert 64 < min(limits) < max(limits) < 128


@pytest.mark.parametrize(("share", "settles"), [(0.95, True), (1.05, False)])
def test_descent_leaves_the_optimum_at_rates_above_2_over_the_largest_curvature(share: float, settles: bool) -> None:
    inputs, targets = problem(9)
    optimum = softmax_optimum(inputs, targets, 4, weight_decay=0.01)
    rate = share * 2 / largest_curvature(inputs, optimum.weights, weight_decay=0.01)
    weights, generator = optimum.weights.numpy().ravel(), np.random.default_rng(0)
    away = weights + 1e-6 * generator.standard_normal(20)
    for _ in range(300):
        away = away - rate * penalised(away, inputs, targets, 0.01)[1]
    assert bool(np.abs(away - weights).max() < 1e-6) == settles

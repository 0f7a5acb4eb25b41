"""Check the closed forms of expected training, and that the engine follows them.

The closed forms are compared with literals, with each other, with SciPy's solution of the Lyapunov equation, and with
sums over all possible batches. The engine is compared with the closed forms: the mean over many independent runs must
agree to within a few standard errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_lyapunov

from core.datasets.tensors import Data
from core.ensemble import Ensemble
from core.run.config import RunConfig
from core.science import expectation
from tests.campaign import campaign
from tests.core.science import closed_forms

pytestmark = pytest.mark.slow

Floats = NDArray[np.float64]

FEATURES = 32  # as in the registered regression
EXAMPLES = 1_024
NOISE = 0.1
SIZES, SIZES_BETWEEN = (4, 32, 256), (8, 16, 64, 128)
RATE, MODELS = 0.1, 160
WITHIN = 4.0  # standard errors
DIRECTIONS = 5  # directions of the noisy quadratic model, with curvatures 1, 1/2, ... 1/5
CHECKPOINTS = (1, 2, 4, 8, 16, 32, 64, 100)


@dataclass(frozen=True)
class Regression:
    """A linear regression: inputs (N, 32), targets (N,), and the least-squares weights (32,)."""

    inputs: Floats
    targets: Floats
    optimum: Floats

    @property
    def hessian(self) -> Floats:
        return self.inputs.T @ self.inputs / len(self.inputs)

    @property
    def residuals(self) -> Floats:
        return self.inputs @ self.optimum - self.targets

    def ensemble(self, models: int, away: float, **changes: Any) -> Ensemble:
        """Return an ensemble of runs that start at distance `away` from the optimum in every direction."""
        config = RunConfig(dataset="linear", model="linear", schedule="constant", budget="updates").replace(**changes)
        parts = (self.inputs, self.targets[:, None], self.inputs[:1], self.targets[:1, None])
        start = torch.from_numpy(self.optimum + away)
        configs = [config.replace(seed=seed) for seed in range(config.seed, config.seed + models)]
        return Ensemble(configs, Data(*map(torch.from_numpy, parts)), start=[start])

    def distances(self, ensemble: Ensemble) -> Floats:
        """Return the distance of each run from the optimum, (models, 32)."""
        return np.asarray(ensemble.parameters[0].numpy()[:, 0] - self.optimum)


@cache
def noisy_regression() -> Regression:
    """Return correlated inputs with heavier tails than a normal distribution's, and noise that grows with the first.

    A theory with normal moments or with noise of constant size does not fit them. The largest curvature is 1.
    """
    generator = np.random.default_rng(0)
    mixing = np.eye(FEATURES) + 0.5 * generator.standard_normal((FEATURES, FEATURES)) / np.sqrt(FEATURES)
    inputs = generator.standard_t(8, (EXAMPLES, FEATURES)) @ mixing
    inputs /= np.sqrt(np.linalg.eigvalsh(inputs.T @ inputs / EXAMPLES)[-1])
    sizes = np.abs(inputs[:, 0]) / inputs[:, 0].std()
    targets = inputs.sum(axis=1) + np.sqrt(NOISE) * sizes * generator.standard_normal(EXAMPLES)
    return Regression(inputs, targets, np.linalg.lstsq(inputs, targets)[0])


def one_direction(curvature: float, seed: int) -> Regression:
    """Return a regression on a constant: its gradients are curvature x distance plus noise of constant size."""
    inputs, optimum = np.zeros((64, FEATURES)), np.zeros(FEATURES)
    inputs[:, 0] = np.sqrt(curvature)
    targets = np.random.default_rng(seed).standard_normal(len(inputs))
    optimum[0] = targets.mean() / np.sqrt(curvature)
    return Regression(inputs, targets, optimum)


def noise_of(problem: Regression) -> float:
    """Return the variance of one example's gradient in the first direction."""
    return float((problem.inputs[:, 0] * problem.residuals).var())


def mean_and_error(values: Floats) -> tuple[Any, Any]:
    """Return the mean over independent runs (the first axis) and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


# Closed forms.


def test_the_noisy_quadratic_model_by_hand() -> None:
    # d^2 starts at 4. At rate 1 the first update leaves only noise, 1; then (1/2)^2 of it and (1/2)^2 / 4 of new noise.
    losses = expectation.quadratic_losses([4.0], curvatures=[1.0], noise=[1.0], rates=[1.0, 0.5], batch_sizes=[1, 4])
    assert losses.tolist() == [2.0, 0.5, 0.15625]
    at_once = closed_forms.quadratic_loss(
        [4.0], curvatures=[1.0], noise=[1.0], rate=1.0, batch_size=1, updates=[0, 1, 7]
    )
    assert at_once.tolist() == [2.0, 0.5, 0.5]


@pytest.mark.parametrize("rate", [0.01, 0.3, 1.0, 1.9, 2.1])
@pytest.mark.parametrize("batch_size", [1, 16])
def test_the_closed_form_equals_update_by_update_iteration(rate: float, batch_size: int) -> None:
    curvatures = 1 / np.arange(1, 11)
    given: dict[str, Any] = {"curvatures": curvatures, "noise": curvatures}
    steps = expectation.quadratic_losses(np.full(10, 3.0), rates=[rate] * 60, batch_sizes=batch_size, **given)
    updates = np.arange(61)
    closed = closed_forms.quadratic_loss(np.full(10, 3.0), rate=rate, batch_size=batch_size, updates=updates, **given)
    np.testing.assert_allclose(closed, steps, rtol=1e-12)


def test_the_noisy_quadratic_model_settles_at_its_floor() -> None:
    given: dict[str, Any] = {"curvatures": [1.0, 0.5], "noise": [1.0, 0.5], "rate": 0.5, "batch_size": 2}
    # rate c / (2 B (2 - rate h)): 0.5 / (4 x 1.5) and 0.25 / (4 x 1.75)
    found = closed_forms.quadratic_loss([9.0, 9.0], updates=5_000, **given)
    assert float(found) == pytest.approx(1 / 12 + 1 / 28, rel=1e-12)


def test_a_rate_of_twice_the_inverse_curvature_has_no_stationary_loss() -> None:
    with pytest.raises(ValueError, match="2 / curvature exactly, got 4"):
        closed_forms.quadratic_loss([1.0], curvatures=[0.5], noise=[1.0], rate=4.0, batch_size=1, updates=3)


def test_the_heavy_ball_variance_has_published_values() -> None:
    found = closed_forms.heavy_ball_variance(1.0, 1.0, rate=0.1, momentum=0.9, batch_size=1)
    assert found == pytest.approx(0.5135135, abs=5e-8)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(("curvature", "rate"), [(1.0, 0.1), (0.02, 3.0), (5.0, 0.39)])
def test_the_heavy_ball_variance_solves_its_lyapunov_equation(momentum: float, curvature: float, rate: float) -> None:
    noise, batch_size = 0.7, 4
    update = np.array([[1 - rate * curvature, -rate * momentum], [curvature, momentum]])  # matrices act on (d, v)
    kick = np.array([[rate**2, -rate], [-rate, 1.0]]) * noise / batch_size
    settled = solve_discrete_lyapunov(update, kick)
    found = closed_forms.heavy_ball_variance(curvature, noise, rate=rate, momentum=momentum, batch_size=batch_size)
    assert found == pytest.approx(settled[0, 0], rel=1e-12)


def test_without_momentum_the_heavy_ball_is_plain_descent() -> None:
    found = closed_forms.heavy_ball_variance(0.5, 3.0, rate=0.8, momentum=0.0, batch_size=2)
    assert found == pytest.approx(0.8 * 3 / (2 * 0.5 * (2 - 0.4)), rel=1e-15)


def test_momentum_nearly_doubles_the_highest_stable_rate() -> None:
    closed_forms.heavy_ball_variance(1.0, 1.0, rate=3.79, momentum=0.9, batch_size=1)
    with pytest.raises(ValueError, match=r"below 3\.8 at this momentum, got 3\.81"):
        closed_forms.heavy_ball_variance(1.0, 1.0, rate=3.81, momentum=0.9, batch_size=1)


def test_the_stationary_moment_is_the_mean_over_all_possible_batches() -> None:
    """64 batches of 3 can be drawn from 4 examples; M is the mean of (1 - rate H) M (1 - rate H)' + rate^2 g g'."""
    generator, rate = np.random.default_rng(3), 0.2
    inputs, targets = generator.standard_normal((4, 2)), generator.standard_normal(4)
    residuals = inputs @ np.linalg.lstsq(inputs, targets)[0] - targets
    pulls, kicks = [], []
    for batch in product(range(4), repeat=3):
        x, e = inputs[list(batch)], residuals[list(batch)]
        stays, gradient = np.eye(2) - rate * x.T @ x / 3, x.T @ e / 3
        pulls.append(np.kron(stays, stays))
        kicks.append(rate**2 * np.outer(gradient, gradient).ravel())
    settled = np.linalg.solve(np.eye(4) - np.mean(pulls, axis=0), np.mean(kicks, axis=0)).reshape(2, 2)
    found = closed_forms.stationary_moment(inputs, residuals, rate=rate, batch_size=3)
    np.testing.assert_allclose(found, settled, rtol=1e-12)


def test_the_stationary_moment_of_a_constant_is_the_floor_of_the_quadratic_model() -> None:
    residuals = np.array([1.0, -2.0, 0.5, 0.5])  # targets of variance 1.375, inputs with a square of 4
    found = closed_forms.stationary_moment(np.full((4, 1), 2.0), residuals, rate=0.1, batch_size=2)
    # rate c / (B h (2 - rate h)), c = 4 x 1.375
    assert found.item() == pytest.approx(0.1 * 5.5 / (2 * 4 * 1.6), rel=1e-12)


@pytest.mark.parametrize(("batch_size", "limit"), [(1, 0.5), (4, 8 / 7)])
def test_rare_large_inputs_lower_the_highest_stable_rate(batch_size: int, limit: float) -> None:
    """Three inputs of 0 and one of 2: h = 1 and E[x^4] = 4, so 2 h > rate (4/B + (1 - 1/B)), well below 2 / h."""
    inputs, residuals = np.array([[0.0], [0.0], [0.0], [2.0]]), np.array([1.0, 1.0, -2.0, 0.1])
    closed_forms.stationary_moment(inputs, residuals, rate=0.99 * limit, batch_size=batch_size)
    with pytest.raises(ValueError, match=f"too high for the weights to settle at batch size {batch_size}"):
        closed_forms.stationary_moment(inputs, residuals, rate=1.01 * limit, batch_size=batch_size)


def test_the_floor_of_small_rates_by_hand() -> None:
    found = closed_forms.small_rate_floor([1.0, 0.5, 0.5], noise_variance=0.1, rate=0.2, batch_size=4)
    assert found == pytest.approx(0.2 * 0.1 * 2 / 16, rel=1e-15)


def test_at_small_rates_the_exact_floor_equals_the_first_order_floor() -> None:
    generator = np.random.default_rng(1)
    inputs = generator.standard_normal((50_000, 3)) * np.sqrt([1.0, 0.5, 0.25])
    noise = generator.standard_normal(50_000)
    residuals = noise - inputs @ np.linalg.lstsq(inputs, noise)[0]
    moment = closed_forms.stationary_moment(inputs, residuals, rate=0.002, batch_size=2)
    exact = float((inputs.T @ inputs / len(inputs) * moment).sum() / 2)
    assert exact == pytest.approx(0.002 * 1.75 / 8, rel=0.02)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7])
def test_the_mean_square_of_the_gradient_is_the_mean_over_all_possible_batches(batch_size: int) -> None:
    gradients = np.random.default_rng(2).standard_normal((7, 3)) + 0.5
    whole, scatter = float((gradients.mean(axis=0) ** 2).sum()), float(gradients.var(axis=0).sum())

    def seen(batches: Any) -> float:
        return float(np.mean([(gradients[list(batch)].mean(axis=0) ** 2).sum() for batch in batches]))

    once = closed_forms.gradient_square(whole, scatter, batch_size=batch_size, examples=7)
    assert once == pytest.approx(seen(combinations(range(7), batch_size)), rel=1e-12)
    if batch_size <= 3:
        repeated = closed_forms.gradient_square(whole, scatter, batch_size=batch_size)
        assert repeated == pytest.approx(seen(product(range(7), repeat=batch_size)), rel=1e-12)


# The engine against the closed forms.


@cache
def floors(sampling: str, batch_size: int) -> tuple[float, float]:
    """Return the stationary loss of the engine above the optimum, and its standard error.

    It is averaged over whole epochs of each run, after as many updates as the slowest direction needs.
    """
    problem, batches = noisy_regression(), EXAMPLES // batch_size
    warm = max(batches, 128)
    ensemble = problem.ensemble(
        MODELS,
        0.0,
        optimizer="sgd",
        sampling=sampling,
        lr=RATE,
        batch_size=batch_size,
        budget_value=warm + max(batches, 256),
    )
    losses, hessian = [], problem.hessian
    while ensemble.updates < ensemble.horizon:
        ensemble.update()
        if ensemble.updates > warm:
            away = problem.distances(ensemble)
            losses.append(((away @ hessian) * away).sum(axis=1) / 2)
    mean, error = mean_and_error(np.mean(losses, axis=0))
    return float(mean), float(error)


def exact_floor(batch_size: int) -> float:
    problem = noisy_regression()
    moment = closed_forms.stationary_moment(problem.inputs, problem.residuals, rate=RATE, batch_size=batch_size)
    return float((problem.hessian * moment).sum() / 2)


@pytest.mark.parametrize("batch_size", [*SIZES[:2], *campaign([*SIZES[2:], *SIZES_BETWEEN])])
def test_the_engine_settles_at_the_exact_floor_with_independent_draws(batch_size: int) -> None:
    mean, error = floors("iid", batch_size)
    assert error < 0.03 * mean
    assert abs(mean - exact_floor(batch_size)) < WITHIN * error


def test_the_engine_distinguishes_the_exact_floor_from_the_first_order_floor() -> None:
    """Noise that grows with the distance adds a fifth for small batches and hardly anything for large ones."""
    curvatures, (mean, error) = np.linalg.eigvalsh(noisy_regression().hessian), floors("iid", 4)
    noise = float((noisy_regression().residuals ** 2).mean())
    first_order = closed_forms.small_rate_floor(curvatures, noise_variance=noise, rate=RATE, batch_size=4)
    assert mean > first_order + 2 * WITHIN * error


@pytest.mark.parametrize("batch_size", [*SIZES[:2], *campaign([*SIZES[2:], *SIZES_BETWEEN])])
def test_shuffled_epochs_settle_lower_than_independent_draws(batch_size: int) -> None:
    mean, error = floors("shuffle", batch_size)
    independent, its_error = floors("iid", batch_size)
    assert (independent - mean) / np.hypot(error, its_error) > WITHIN


@pytest.mark.parametrize("sizes", [SIZES, *campaign([sorted(SIZES + SIZES_BETWEEN)])], ids=str)
def test_shuffled_epochs_settle_lower_by_more_at_larger_batch_sizes(sizes: Sequence[int]) -> None:
    shares, errors = [], []
    for size in sizes:
        (mean, error), (independent, its_error) = floors("shuffle", size), floors("iid", size)
        shares.append(mean / independent)
        errors.append(shares[-1] * np.hypot(error / mean, its_error / independent))
    falls = -np.diff(shares) / np.hypot(errors[1:], errors[:-1])
    assert min(falls) > 3
    assert shares[0] > 0.8
    assert shares[-1] < 0.1  # the noise of an epoch with four equal batches nearly cancels


@pytest.mark.parametrize(("curvature", "rate", "batch_size"), [(1.0, 0.1, 2), (1.0, 2.0, 4)])
def test_with_momentum_the_engine_settles_at_the_heavy_ball_variance(
    curvature: float, rate: float, batch_size: int
) -> None:
    """At the second rate, rate / (1 - momentum) is 20, beyond the stability limit of plain descent."""
    problem = one_direction(curvature, seed=1)
    warm = 150
    ensemble = problem.ensemble(
        1_000,
        0.0,
        optimizer="momentum",
        momentum=0.9,
        sampling="iid",
        lr=rate,
        batch_size=batch_size,
        budget_value=warm + 300,
    )
    squares = []
    while ensemble.updates < ensemble.horizon:
        ensemble.update()
        if ensemble.updates > warm:
            squares.append(problem.distances(ensemble)[:, 0] ** 2)
    mean, error = mean_and_error(np.mean(squares, axis=0))
    exact = closed_forms.heavy_ball_variance(
        curvature, noise_of(problem), rate=rate, momentum=0.9, batch_size=batch_size
    )
    assert error < 0.03 * mean
    assert abs(mean - exact) < WITHIN * error


@dataclass(frozen=True)
class Descent:
    """Losses of many runs of the noisy quadratic model at checkpoints, (runs, checkpoints), and its noise."""

    losses: Floats
    noise: Sequence[float]

    def z(self, expected: Floats) -> Floats:
        mean, error = mean_and_error(self.losses)
        return np.asarray((mean - expected) / error)


def descend(rate: float, batch_size: int, schedule: str, *, runs: int = 600) -> Descent:
    """Train each direction of the quadratic model as a separate regression, and sum the losses."""
    losses, noise = np.zeros((len(CHECKPOINTS), runs)), []
    for direction in range(DIRECTIONS):
        curvature = 1 / (direction + 1)
        problem = one_direction(curvature, seed=direction)
        noise.append(noise_of(problem))
        ensemble = problem.ensemble(
            runs,
            1.0,
            optimizer="sgd",
            sampling="iid",
            lr=rate,
            batch_size=batch_size,
            schedule=schedule,
            budget_value=CHECKPOINTS[-1],
            seed=runs * direction,
        )
        for number, checkpoint in enumerate(CHECKPOINTS):
            while ensemble.updates < checkpoint:
                ensemble.update()
            losses[number] += curvature * problem.distances(ensemble)[:, 0] ** 2 / 2
    return Descent(losses.T, noise)


CURVATURES = 1 / np.arange(1, DIRECTIONS + 1)


def assert_near(z: Floats) -> None:
    assert np.sqrt(np.mean(z**2)) < 1.3
    assert np.abs(z).max() < 5


@pytest.mark.parametrize(("rate", "batch_size"), [(1.2, 4), *campaign([(0.3, 1), (1.9, 16)])])
def test_the_engine_follows_the_losses_of_the_noisy_quadratic_model(rate: float, batch_size: int) -> None:
    found = descend(rate, batch_size, "constant")
    expected = closed_forms.quadratic_loss(
        np.ones(DIRECTIONS),
        curvatures=CURVATURES,
        noise=found.noise,
        rate=rate,
        batch_size=batch_size,
        updates=CHECKPOINTS,
    )
    assert_near(found.z(expected))


def test_the_engine_follows_the_noisy_quadratic_model_under_a_schedule() -> None:
    found, (rate, batch_size, last) = descend(1.0, 2, "cosine"), (1.0, 2, CHECKPOINTS[-1])
    rates = [rate * (1 + np.cos(np.pi * update / last)) / 2 for update in range(last)]
    losses = expectation.quadratic_losses(
        np.ones(DIRECTIONS), curvatures=CURVATURES, noise=found.noise, rates=rates, batch_sizes=batch_size
    )
    assert_near(found.z(losses[list(CHECKPOINTS)]))
    constant = expectation.quadratic_losses(
        np.ones(DIRECTIONS), curvatures=CURVATURES, noise=found.noise, rates=[rate] * last, batch_sizes=batch_size
    )
    assert np.abs(found.z(constant[list(CHECKPOINTS)])).max() > 20


@pytest.mark.parametrize(
    ("sampling", "examples", "batch_size"),
    [
        ("shuffle", EXAMPLES, 4),
        ("shuffle", EXAMPLES, 768),
        ("iid", None, 256),
        *campaign([("shuffle", EXAMPLES, 256), ("iid", None, 4), ("iid", None, 768)]),
    ],
)
def test_the_engines_gradients_have_the_expected_mean_square(
    sampling: str, examples: int | None, batch_size: int
) -> None:
    """For a batch of three quarters of all examples the two laws differ by a factor of four in scatter."""
    problem, away = noisy_regression(), 0.05
    ensemble = problem.ensemble(
        1_600, away, optimizer="sgd", sampling=sampling, lr=RATE, batch_size=batch_size, budget_value=1
    )
    squares = ensemble.update().gradient_norms.numpy() ** 2
    each = problem.inputs * (problem.inputs @ np.full(FEATURES, away) + problem.residuals)[:, None]
    whole, scatter = float((each.mean(axis=0) ** 2).sum()), float(each.var(axis=0).sum())
    exact = closed_forms.gradient_square(whole, scatter, batch_size=batch_size, examples=examples)
    mean, error = mean_and_error(squares)
    assert abs(mean - exact) < WITHIN * error
    assert error < 0.04 * mean

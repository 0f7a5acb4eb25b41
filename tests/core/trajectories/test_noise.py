"""Gradients of random batches at one point: the law of their length, exact and measured."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from core.trajectories.noise import SIZES, cloud, law, measured
from core.trajectories.problems import PROBLEMS, Array, LossSurface, Quadratic, Window

POINT = np.array([-1.0, 0.7])


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> LossSurface:
    return PROBLEMS[request.param]()


@pytest.fixture
def tiny() -> Quadratic:
    """Return a problem of seven examples, few enough to try every batch."""
    centres = np.random.default_rng(2).standard_normal((7, 2))
    return Quadratic(np.array([[1.0, 0.2], [0.2, 0.4]]), centres - centres.mean(0), POINT, Window(-1, -1, 3.2), 0.1)


def every_batch(problem: LossSurface, batch_size: int) -> Array:
    """Return the mean gradient of every possible batch of this size."""
    each = problem.example_gradients(POINT)
    return np.array([each[list(batch)].mean(0) for batch in combinations(range(problem.examples), batch_size)])


@pytest.mark.parametrize("batch_size", range(1, 8))
def test_the_law_is_exact_over_all_possible_batches(tiny: Quadratic, batch_size: int) -> None:
    every = every_batch(tiny, batch_size)
    theory = law(tiny, POINT)
    assert (every**2).sum(1).mean() == pytest.approx(theory.mean_squared(batch_size), rel=1e-12)
    covariance = theory.share(batch_size) * theory.covariance
    np.testing.assert_allclose(np.cov(every.T, bias=True, ddof=0) if len(every) > 1 else 0, covariance, atol=1e-12)


def test_the_variance_is_that_of_the_population_not_an_estimate(tiny: Quadratic) -> None:
    each = tiny.example_gradients(POINT)
    assert law(tiny, POINT).variance == pytest.approx(each.var(0, ddof=0).sum(), rel=1e-12)
    assert (each**2).sum(1).mean() == pytest.approx(law(tiny, POINT).mean_squared(1), rel=1e-12)


def test_one_example_keeps_all_variance_and_all_examples_keep_none(problem: LossSurface) -> None:
    theory = law(problem, POINT)
    assert theory.share(1) == 1.0
    assert theory.share(1_024) == 0.0
    assert theory.share(4) == pytest.approx(0.25 * 1_020 / 1_023)
    assert theory.mean_squared(1_024) == theory.gradient_squared
    assert theory.gradient_squared == pytest.approx((problem.gradient(POINT) ** 2).sum(), rel=1e-10)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_hundred_draws_of_every_size_are_within_four_standard_errors(problem: LossSurface, seed: int) -> None:
    for point in (problem.start, POINT, problem.optimum):
        theory = law(problem, point)
        found = measured(problem, point, seed=seed)
        assert [each.batch_size for each in found] == [1, 4, 16, 64, 256, 1_024] == list(SIZES)
        assert max(abs(each.errors_off(theory)) for each in found) < 4


def test_a_standard_error_is_that_of_the_mean(problem: LossSurface) -> None:
    (found,) = measured(problem, POINT, sizes=[4], draws=50, seed=9)
    squared = (cloud(problem, POINT, 4, draws=50, seed=9) ** 2).sum(1)
    assert found.mean_squared == pytest.approx(squared.mean())
    assert found.standard_error == pytest.approx(np.sqrt(squared.var(ddof=1) / 50))
    theory = law(problem, POINT)
    off = (squared.mean() - theory.mean_squared(4)) / found.standard_error
    assert found.errors_off(theory) == pytest.approx(off)


def test_a_batch_of_all_examples_has_the_full_gradient_and_no_error(problem: LossSurface) -> None:
    draws = cloud(problem, POINT, 1_024, seed=1)
    np.testing.assert_allclose(draws, np.tile(problem.gradient(POINT), (300, 1)), atol=1e-12)
    (found,) = measured(problem, POINT, sizes=[1_024], seed=1)
    assert found.errors_off(law(problem, POINT)) == 0.0


def test_every_draw_is_the_mean_of_different_examples(tiny: Quadratic) -> None:
    draws, every = cloud(tiny, POINT, 3, draws=200, seed=1), every_batch(tiny, 3)
    apart = np.linalg.norm(draws[:, None] - every, axis=2)
    assert apart.min(1).max() < 1e-12
    assert len(np.unique(apart.argmin(1))) > 25  # of 35 there are


def test_draws_scatter_around_the_full_gradient_by_the_law(problem: LossSurface) -> None:
    theory, draws = law(problem, POINT), cloud(problem, POINT, 16, draws=4_000, seed=1)
    covariance = theory.share(16) * theory.covariance
    errors = np.sqrt(np.diag(covariance) / 4_000)
    assert (np.abs(draws.mean(0) - problem.gradient(POINT)) < 4 * errors).all()
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.1 * np.trace(covariance))


def test_draws_depend_on_seed_and_batch_size_only(problem: LossSurface) -> None:
    first = cloud(problem, POINT, 2, seed=1)
    np.testing.assert_array_equal(first, cloud(problem, POINT, 2, seed=1))
    assert not np.array_equal(first, cloud(problem, POINT, 2, seed=2))
    if isinstance(problem, Quadratic):  # where the point moves all gradients alike
        moved = cloud(problem, problem.start, 2, seed=1) - first
        np.testing.assert_allclose(moved, np.tile((problem.start - POINT) @ problem.curvature, (300, 1)), atol=1e-12)


def test_the_measurements_of_two_sizes_are_independent(problem: LossSurface) -> None:
    one, four = ((cloud(problem, POINT, size, draws=2_000, seed=1) ** 2).sum(1) for size in (1, 4))
    assert abs(np.corrcoef(one, four)[0, 1]) < 0.09  # 4 standard errors; batches of which one holds the other: 0.5


@pytest.mark.parametrize("batch_size", [0, 1_025])
def test_an_impossible_batch_size_is_refused(problem: LossSurface, batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"between 1 and 1024, got {batch_size}"):
        cloud(problem, POINT, batch_size, seed=1)

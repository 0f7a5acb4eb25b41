"""Two losses over two weights: values and gradients against second implementations, optima and curvatures."""

from __future__ import annotations

import numpy as np
import pytest

from core.trajectories.problems import (
    ASPECT,
    PROBLEMS,
    Array,
    Logistic,
    LossSurface,
    Quadratic,
    largest_curvature,
    largest_rate,
    logistic,
    newton,
    quadratic,
)

POINTS = np.array([[0.0, 0.0], [1.5, -0.5], [-2.0, 1.0], [0.3, 2.2]])


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> LossSurface:
    return PROBLEMS[request.param]()


def example_losses(problem: LossSurface, point: Array) -> Array:
    """Return the loss of each example, written out from its definition."""
    if isinstance(problem, Quadratic):
        apart = point - problem.centres
        return np.array([each @ problem.curvature @ each / 2 for each in apart])
    assert isinstance(problem, Logistic)
    return np.log1p(np.exp(-problem.signed @ point))


def slope(function: object, point: Array, step: float = 1e-5) -> Array:
    """Return the derivative by each of two weights, by central differences."""
    assert callable(function)
    return np.array([(function(point + each) - function(point - each)) / (2 * step) for each in step * np.eye(2)])


@pytest.mark.parametrize("point", POINTS)
def test_the_loss_is_the_mean_of_the_losses_of_all_examples(problem: LossSurface, point: Array) -> None:
    assert problem.loss(point) == pytest.approx(example_losses(problem, point).mean(), rel=1e-12)
    assert problem.examples == 1_024


@pytest.mark.parametrize("point", POINTS)
def test_the_gradient_is_the_slope_of_the_loss(problem: LossSurface, point: Array) -> None:
    np.testing.assert_allclose(problem.gradient(point), slope(problem.loss, point), atol=1e-8)


@pytest.mark.parametrize("point", POINTS)
def test_the_gradient_of_each_example_is_the_slope_of_its_own_loss(problem: LossSurface, point: Array) -> None:
    slopes = slope(lambda at: example_losses(problem, at), point).T
    np.testing.assert_allclose(problem.example_gradients(point), slopes, atol=1e-7)


@pytest.mark.parametrize("point", POINTS)
def test_the_mean_of_all_examples_gradients_is_the_full_gradient(problem: LossSurface, point: Array) -> None:
    np.testing.assert_allclose(problem.example_gradients(point).mean(0), problem.gradient(point), atol=1e-12)


def test_chosen_examples_have_the_gradients_they_have_among_all(problem: LossSurface) -> None:
    chosen = np.array([7, 3, 3, 1_023])
    point = POINTS[1]
    np.testing.assert_array_equal(problem.example_gradients(point, chosen), problem.example_gradients(point)[chosen])


def test_many_points_are_evaluated_at_once(problem: LossSurface) -> None:
    grid = np.stack([POINTS, POINTS[::-1]])
    assert problem.loss(grid).shape == (2, 4)
    assert problem.gradient(grid).shape == (2, 4, 2)
    assert problem.loss(grid)[1, 0] == pytest.approx(problem.loss(POINTS[3]), rel=1e-14)
    np.testing.assert_allclose(problem.gradient(grid)[0, 2], problem.gradient(POINTS[2]), rtol=1e-12)


def test_the_optimum_has_zero_gradient_and_a_lower_loss_than_its_surroundings(problem: LossSurface) -> None:
    np.testing.assert_allclose(problem.gradient(problem.optimum), 0.0, atol=1e-12)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    around = problem.optimum + 0.01 * np.column_stack([np.cos(angles), np.sin(angles)])
    assert (problem.loss(around) > problem.loss(problem.optimum)).all()


def test_the_curvature_is_the_slope_of_the_gradient_at_the_optimum(problem: LossSurface) -> None:
    np.testing.assert_allclose(problem.curvature, slope(problem.gradient, problem.optimum), atol=1e-7)


def test_both_are_about_ten_times_as_steep_across_as_along(problem: LossSurface) -> None:
    flat, steep = np.linalg.eigvalsh(problem.curvature)
    assert 9.9 < steep / flat < 15
    assert largest_curvature(problem) == pytest.approx(steep)
    assert largest_rate(problem) == pytest.approx(2 / steep)


def test_the_quadratic_has_its_optimum_at_0_and_a_largest_rate_of_2() -> None:
    problem = quadratic()
    assert problem.optimum.tolist() == [0.0, 0.0]
    np.testing.assert_allclose(problem.centres.mean(0), 0.0, atol=1e-15)
    assert largest_rate(problem) == pytest.approx(2.0, rel=1e-12)


def test_the_noise_of_the_quadratic_is_proportional_to_its_curvature() -> None:
    problem = quadratic()
    gradients = problem.example_gradients(POINTS[2])
    found = np.cov(gradients.T, bias=True)
    np.testing.assert_allclose(found, 4 * problem.curvature, atol=0.25)  # 5 standard errors of 1,024 draws


def test_a_logistic_loss_is_linear_far_out_and_does_not_overflow() -> None:
    problem = logistic()
    far = np.array([1e4, -1e4])
    expected = np.maximum(-problem.signed @ far, 0.0).mean()
    assert problem.loss(far) == pytest.approx(expected, rel=1e-9)
    assert np.isfinite(problem.example_gradients(far)).all()


def test_every_window_has_the_same_shape_and_shows_start_and_optimum(problem: LossSurface) -> None:
    window = problem.window
    assert window.right - window.left == pytest.approx(ASPECT * (window.top - window.bottom))
    assert window.holds(problem.start)
    assert window.holds(problem.optimum)
    assert not window.holds(np.array([window.right + 0.01, 0.0]))
    assert not window.holds(np.array([0.0, window.bottom - 0.01]))


def test_newton_finds_a_zero_of_the_gradient() -> None:
    found = newton(lambda at: np.tanh(at - 0.3), lambda at: np.diag(1 - np.tanh(at - 0.3) ** 2), np.zeros(2))
    np.testing.assert_allclose(found, 0.3, atol=1e-12)


def test_newton_raises_if_there_is_none() -> None:
    with pytest.raises(ArithmeticError, match="no optimum in 50 updates"):
        newton(lambda at: np.ones(2), lambda at: np.eye(2), np.zeros(2))

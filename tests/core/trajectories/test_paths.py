"""Plain SGD on two weights: closed forms, the order of examples, and the measurements of a path."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from core.trajectories.paths import statistics, trajectory
from core.trajectories.problems import PROBLEMS, Array, Quadratic, Window, quadratic

ZERO = np.zeros(2)
SEEDS = (1, 2, 3, 4, 5)


@dataclass(eq=False)
class Listening:
    """A flat problem that records the examples it was asked for."""

    examples: int
    asked: list[list[int]] = field(default_factory=list)
    start: Array = field(default_factory=lambda: np.zeros(2))

    def example_gradients(self, point: Array, chosen: Any) -> Array:
        self.asked.append(chosen.tolist())
        return np.zeros((len(chosen), 2))


def asked(examples: int, **options: Any) -> list[list[int]]:
    """Return the batches that a path requests."""
    problem: Any = Listening(examples)
    trajectory(problem, rate=0.1, **options)
    return list(problem.asked)


# Closed forms.


@pytest.mark.parametrize("rate", [0.05, 0.7, 1.9])
def test_a_full_batch_follows_gradient_descent(rate: float) -> None:
    problem = quadratic()
    path = trajectory(problem, batch_size=1_024, rate=rate, updates=60, seed=1)
    values, axes = np.linalg.eigh(problem.curvature)
    along = problem.start @ axes
    expected = np.stack([((1 - rate * values) ** t * along) @ axes.T for t in range(61)])
    np.testing.assert_allclose(path, expected, atol=1e-12)


def test_an_update_follows_the_negative_mean_gradient_of_its_batch() -> None:
    problem = quadratic()
    path = trajectory(problem, batch_size=8, rate=0.3, updates=1, seed=4)
    first = np.random.default_rng(4).permutation(1_024)[:8]
    mean = np.mean([problem.curvature @ (problem.start - problem.centres[i]) for i in first], axis=0)
    np.testing.assert_allclose(path, [problem.start, problem.start - 0.3 * mean], atol=1e-14)


def test_a_path_starts_at_the_given_point() -> None:
    path = trajectory(quadratic(), batch_size=1, rate=0.1, updates=3, seed=1, start=np.array([1.0, 2.0]))
    assert path.shape == (4, 2)
    assert path[0].tolist() == [1.0, 2.0]


def test_beyond_2_over_the_largest_curvature_the_path_diverges() -> None:
    path = trajectory(quadratic(), batch_size=1_024, rate=2.2, updates=256, seed=1)
    finite = np.isfinite(path).all(1)
    lost = int(np.argmin(finite))
    assert 50 < lost < 100  # 1.2^t is a million after 76
    assert not finite[lost:].any()
    distances = np.linalg.norm(path[20:lost], axis=1)
    assert (np.diff(distances) > 0).all()
    assert distances[-1] < 1e6


def test_just_below_that_rate_the_path_settles_at_the_optimum() -> None:
    path = trajectory(quadratic(), batch_size=1_024, rate=1.9, updates=256, seed=1)
    assert np.linalg.norm(path[-1]) < 1e-10


@pytest.mark.parametrize("batch_size", [0, 1_025])
def test_an_impossible_batch_size_is_refused(batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"between 1 and 1024, got {batch_size}"):
        trajectory(quadratic(), batch_size=batch_size, rate=0.1, updates=1, seed=1)


# The order of the examples.


def test_an_epoch_is_one_permutation_in_batches_with_a_shorter_last_one() -> None:
    batches = asked(10, batch_size=4, updates=7, seed=3)
    assert [len(batch) for batch in batches] == [4, 4, 2, 4, 4, 2, 4]
    first, second = sum(batches[:3], []), sum(batches[3:6], [])
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_two_batch_sizes_see_the_same_examples_in_the_same_order() -> None:
    small = sum(asked(64, batch_size=2, updates=64, seed=3), [])
    large = sum(asked(64, batch_size=16, updates=8, seed=3), [])
    assert small == large
    assert large != sum(asked(64, batch_size=16, updates=8, seed=4), [])


def test_independent_draws_repeat_examples_within_an_epoch_of_the_same_length() -> None:
    batches = asked(64, batch_size=48, updates=4, seed=3, sampling="iid")
    assert [len(batch) for batch in batches] == [48, 16, 48, 16]
    assert len(set(batches[0] + batches[1])) < 64


def test_only_the_seed_decides_the_order_of_a_path() -> None:
    paths = [trajectory(quadratic(), batch_size=4, rate=0.1, updates=20, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(paths[0], paths[1])
    assert not np.array_equal(paths[0], paths[2])


# What is measured.


def test_a_staircase_turns_by_90_degrees_at_every_update() -> None:
    path = np.array([[0, 0], [2, 0], [2, 2], [4, 2], [4, 4.0]])
    found = statistics(path, optimum=np.array([4.0, 4.0]), radius=2.0)
    assert found.mean_cosine == 0.0
    assert found.turn_degrees == pytest.approx(90.0)
    assert found.mean_length == 2.0
    assert found.detour == pytest.approx(8 / math.sqrt(32))
    assert found.arrival == 3
    assert math.isnan(found.spread)  # a third of five points is no path


def test_the_turn_is_the_mean_angle_not_the_angle_of_the_mean_cosine() -> None:
    path = np.array([[0, 0], [1, 0], [2, 0], [2, 1.0]])
    found = statistics(path, optimum=ZERO, radius=0.5)
    assert found.mean_cosine == pytest.approx(0.5)
    assert found.turn_degrees == pytest.approx(45.0)
    assert found.arrival == 0


def test_a_path_that_stays_away_has_no_arrival_and_one_that_returns_no_detour() -> None:
    found = statistics(np.array([[0, 0], [1, 0], [0, 0.0]]), optimum=np.array([9.0, 9.0]), radius=1.0)
    assert found.arrival is None
    assert math.isnan(found.detour)
    assert found.turn_degrees == 180.0


def test_one_point_or_one_update_has_no_turn() -> None:
    for path in (np.zeros((1, 2)), np.array([[0, 0], [3, 4.0]])):
        found = statistics(path, optimum=ZERO, radius=0.1)
        assert math.isnan(found.turn_degrees)
        assert math.isnan(found.mean_cosine)
    assert found.mean_length == 5.0


def test_an_update_that_changes_nothing_has_no_direction() -> None:
    path = np.array([[0, 0], [1, 0], [1, 0], [2, 0], [2, 1.0]])
    assert statistics(path, optimum=ZERO, radius=0.1).turn_degrees == pytest.approx(90.0)


def test_motion_at_constant_speed_does_not_count_as_unsettled() -> None:
    line = np.linspace([0.0, 0.0], [9.0, 3.0], 90)
    assert statistics(line, optimum=ZERO, radius=0.1).spread == pytest.approx(0.0, abs=1e-12)
    swings = line + 0.2 * np.outer((-1.0) ** np.arange(90), [0, 1])
    assert statistics(swings, optimum=ZERO, radius=0.1).spread == pytest.approx(0.2, rel=0.01)


def test_the_finite_part_of_a_diverged_path_is_measured() -> None:
    path = np.vstack([np.array([[0, 0], [1, 0], [1, 1.0]]), np.full((5, 2), np.nan)])
    found = statistics(path, optimum=ZERO, radius=0.1)
    assert found.turn_degrees == pytest.approx(90.0)
    assert found.mean_length == 1.0


# What the pictures teach.


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_at_one_rate_the_small_batch_turns_more_and_takes_longer_strides(name: str, seed: int) -> None:
    problem = PROBLEMS[name]()
    small, large = (
        statistics(
            trajectory(problem, batch_size=size, rate=0.1, updates=256, seed=seed),
            optimum=problem.optimum,
            radius=problem.radius,
        )
        for size in (8, 128)
    )
    assert small.turn_degrees > large.turn_degrees + 10
    assert small.mean_length > 2 * large.mean_length
    assert small.spread > 2 * large.spread


def test_the_spread_at_rest_matches_the_closed_form() -> None:
    """Along each direction the variance of independent batches is rate c / (B h (2 - rate h)), with c = 4 h."""
    curvature = np.diag([0.5, 1.0])
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((4_000, 2)) * 2 / np.sqrt(np.diag(curvature))
    problem = Quadratic(curvature, centres - centres.mean(0), ZERO, Window(-1, -1, 3.2), 0.1)
    path = trajectory(problem, batch_size=4, rate=0.5, updates=30_000, seed=1, sampling="iid")
    variance = np.var(path[100:], axis=0)
    noise = np.var(problem.example_gradients(ZERO), axis=0) / 4
    steep = np.diag(curvature)
    np.testing.assert_allclose(variance, 0.5 * noise / (steep * (2 - 0.5 * steep)), rtol=0.05)


def test_a_rate_for_each_update_is_used_in_its_turn() -> None:
    """A path at one rate goes on at another as a path that starts there."""
    problem = PROBLEMS["quadratic"]()
    whole = trajectory(problem, batch_size=problem.examples, rate=[0.5] * 4 + [0.1] * 3, updates=7, seed=0)
    first = trajectory(problem, batch_size=problem.examples, rate=0.5, updates=4, seed=0)
    second = trajectory(problem, batch_size=problem.examples, rate=0.1, updates=3, seed=0, start=first[-1])
    np.testing.assert_allclose(whole, np.concatenate([first, second[1:]]))

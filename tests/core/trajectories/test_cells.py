"""Two batch sizes crossed with two rates: the four paths, and which factor shapes them."""

from __future__ import annotations

import numpy as np
import pytest

from core.trajectories.cells import Cell, Effect, effects, two_by_two
from core.trajectories.paths import Statistics, trajectory
from core.trajectories.problems import PROBLEMS, largest_rate, quadratic


def cell(length: float, spread: float) -> Cell:
    return Cell(1, 0.1, np.zeros((1, 2)), Statistics(0.0, 0.0, length, 1.0, None, spread))


def test_the_four_cells_share_the_start_and_the_order() -> None:
    problem = quadratic()
    cells = two_by_two(problem, batch_sizes=(4, 64), rates=(0.1, 1.0), updates=30, seed=3)
    assert [(each.batch_size, each.rate) for each in cells] == [(4, 0.1), (4, 1.0), (64, 0.1), (64, 1.0)]
    for each in cells:
        expected = trajectory(problem, batch_size=each.batch_size, rate=each.rate, updates=30, seed=3)
        np.testing.assert_array_equal(each.path, expected)
        assert each.path[0].tolist() == problem.start.tolist()


def test_an_effect_is_the_geometric_mean_over_the_other_factor() -> None:
    found = effects([cell(1, 1), cell(8, 1), cell(0.5, 2), cell(1, 8)])
    assert found["mean_length"].by_rate == pytest.approx(4.0)  # 8 and 2
    assert found["mean_length"].by_batch == pytest.approx(0.25)  # 1/2 and 1/8
    assert found["spread"].by_rate == pytest.approx(2.0)
    assert found["spread"].by_batch == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("by_rate", "by_batch", "factor"),
    [
        (16, 4.0, "rate"),
        (16, 0.25, "rate"),
        (16, 0.05, "rate"),
        (1.5, 9.0, "batch"),
        (15, 4.0, "both"),
        (0.2, 5.0, "batch"),
        (0.5, 0.5, "none"),
    ],
)
def test_one_factor_counts_alone_if_it_is_twice_as_strong_on_a_logarithmic_scale(
    by_rate: float, by_batch: float, factor: str
) -> None:
    assert Effect(by_rate, by_batch).made_by == factor


def test_a_factor_within_25_percent_is_no_effect() -> None:
    assert Effect(1.2, 0.005).made_by == "none"
    assert Effect(1.3, 1.22).made_by == "rate"
    assert Effect(1.3, 0.82).made_by == "rate"


def test_a_full_batch_at_rest_counts_as_no_swing() -> None:
    found = effects([cell(1, 0.1), cell(1, 1.6), cell(1, 1e-13), cell(1, 1e-14)])["spread"]
    assert found.by_rate == pytest.approx(4.0)  # 16 and 1
    assert found.by_batch == pytest.approx(0.0025)  # 1/100 and 1/1,600
    assert found.made_by == "rate"


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rate_makes_strides_long_and_the_batch_size_makes_them_shorter(name: str, seed: int) -> None:
    problem = PROBLEMS[name]()
    rates = 0.03 * largest_rate(problem), 0.8 * largest_rate(problem)
    found = effects(two_by_two(problem, batch_sizes=(8, 128), rates=rates, updates=256, seed=seed))
    assert found["mean_length"].by_rate > 10
    assert 0.2 < found["mean_length"].by_batch < 0.7
    assert found["mean_length"].made_by == "rate"
    assert found["spread"].by_rate > 5
    assert found["spread"].by_batch < 0.5

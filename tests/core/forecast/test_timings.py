"""Epochs are timed in turns; an interval holds their mean, and only a significant lead makes one the fastest."""

from __future__ import annotations

import numpy as np
import pytest

from core.forecast import timings
from core.forecast.predict import new_trainer
from core.forecast.timings import ROUNDS, fastest, intervals, time_in_turns
from core.run.config import RunConfig
from core.train.trainer import Trainer

ROWS = np.geomspace(1.0, 1.1, ROUNDS)  # a machine that becomes slower by a tenth


def test_the_interval_holds_the_geometric_mean_and_grows_with_the_noise() -> None:
    (calm, noisy) = intervals(np.array([ROWS, ROWS**20]))
    assert calm[0] < 1.1**0.5 < calm[1]
    assert noisy[0] < 1.1**10 < noisy[1]
    assert noisy[1] / noisy[0] == pytest.approx((calm[1] / calm[0]) ** 20)
    assert intervals(np.full((1, ROUNDS), 0.25)) == [(pytest.approx(0.25), pytest.approx(0.25))]


def test_one_that_is_faster_in_every_round_is_the_fastest_though_the_rounds_differ_more() -> None:
    assert fastest(np.array([1.02 * ROWS, ROWS, 1.01 * ROWS])) == 1


@pytest.mark.parametrize("others", [1, 7])
def test_ten_rounds_won_are_significant_against_up_to_seven_others(others: int) -> None:
    # All ten signs agree by chance in 2 of 1,024 cases; Holm multiplies this by the number of others.
    assert 2 / 1_024 * 7 < 0.05
    assert fastest(np.array([ROWS, *[1.01 * ROWS] * others])) == 0


def test_one_that_wins_seven_of_ten_rounds_is_not_called_the_fastest() -> None:
    # Of the 1,024 choices of signs, 120 + 45 + 10 + 1 leave at least seven wins, and as many at least seven losses.
    assert 2 * 176 / 1_024 > 0.05
    signs = np.array([1, 1, 1, 1, 1, 1, 1, -1, -1, -1])
    assert fastest(np.array([ROWS, ROWS * 1.01**signs])) is None


def test_one_that_leads_two_options_but_not_the_third_is_not_called_the_fastest() -> None:
    signs = np.array([1, -1] * (ROUNDS // 2))
    assert fastest(np.array([ROWS, 1.5 * ROWS, 1.5 * ROWS, ROWS * 1.001**signs])) is None


def test_a_single_option_and_none_at_all_have_no_fastest() -> None:
    assert fastest(np.array([ROWS])) is None
    assert fastest(np.zeros((0, ROUNDS))) is None


def test_fewer_rounds_have_a_range_and_no_fastest() -> None:
    seconds = np.array([[1.0, 1.2, 1.1], [2.0, 2.4, 2.2]])
    assert intervals(seconds) == [(pytest.approx(1.0), pytest.approx(1.2)), (pytest.approx(2.0), pytest.approx(2.4))]
    assert fastest(seconds) is None


@pytest.mark.parametrize(("most_s", "rounds"), [(0.0, 2), (1e9, 10)])
@pytest.mark.parametrize("accumulate", [1, 8])
def test_a_slow_option_costs_three_windows_and_a_fast_one_at_most_eleven(
    accumulate: int, most_s: float, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timings, "TIMED_S", 0.0)
    monkeypatch.setattr(timings, "MOST_S", most_s)
    small = RunConfig(dataset="digits", batch_size=50, accumulate=accumulate, hidden=(4,), norm="batch")
    sizes: dict[int, list[int]] = {50: [], 100: []}

    def make(config: RunConfig) -> Trainer:
        trainer = new_trainer(config)
        ran = sizes[config.batch_size]
        trainer.model.register_forward_pre_hook(lambda model, inputs: ran.append(len(inputs[0])))
        return trainer

    found = time_in_turns([small, small.replace(batch_size=100)], [2**20, 2**20], make)
    assert found.shape == (2, rounds)
    assert (found > 0).all()
    micro_batches = min(accumulate, 4)
    assert sizes == {size: [2] + [size] * micro_batches * (1 + rounds) for size in (50, 100)}


@pytest.mark.parametrize(("free", "built"), [(2**40, 2), (0, 2 * ROUNDS)])
def test_each_round_times_all_and_models_that_do_not_fit_together_are_built_for_each_turn(
    free: int, built: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [RunConfig(dataset="digits", batch_size=size, hidden=(4,)) for size in (10, 100)]
    made, turns = [], []

    def make(config: RunConfig) -> Trainer:
        made.append(config.batch_size)
        return new_trainer(config)

    def seconds(trainer: Trainer) -> float:
        turns.append(trainer.config.batch_size)
        return 0.001

    monkeypatch.setattr(timings, "free_memory_bytes", lambda: free)
    monkeypatch.setattr(timings, "_seconds_an_update", seconds)
    found = time_in_turns(configs, [2**20, 2**20], make)
    assert found == pytest.approx(np.array([[0.144] * ROUNDS, [0.015] * ROUNDS]))  # 1,437 examples
    assert turns == [10, 100, 100, 10] * (ROUNDS // 2)
    assert len(made) == built

"""The standing of arms by each budget."""

from __future__ import annotations

import numpy as np
import pytest

from core.comparison.course import Course
from core.comparison.result import standing, standings

SEEDS = np.array([0.98, 0.99, 1.0, 1.01, 1.02, 1.03])


def arm(losses: list[float], *, per_epoch: int, at: list[float], second_s: float = 1.0, seeds: int = 6) -> Course:
    """Return the course of an arm with batch size 1,000 / per_epoch."""
    rows = np.array(losses)[:, None] * SEEDS[None, :seeds]
    return Course(
        state="finished",
        planned=int(at[-1]),
        per_epoch=per_epoch,
        examples_per_epoch=1_000,
        effective_batch_size=1_000 // per_epoch,
        seconds_per_update=second_s,
        checked=np.array(at),
        checks={"training_loss": rows},
        diverged=np.zeros(seeds, dtype=bool),
    )


# At equal epochs the small batch is ahead (0.1 against 0.4 after one epoch), at equal updates the large one.
SMALL = arm([4.0, 1.0, 0.1], per_epoch=10, at=[0, 5, 10])
LARGE = arm([4.0, 0.4, 0.05], per_epoch=1, at=[0, 1, 5])


def test_the_winner_depends_on_what_is_equal() -> None:
    by_epochs, by_updates = standing([SMALL, LARGE], "epochs"), standing([SMALL, LARGE], "updates")
    assert by_epochs is not None
    assert by_updates is not None
    assert (by_epochs.at, by_epochs.best, by_epochs.second) == (1.0, 0, 1)
    assert by_epochs.ratio == pytest.approx(4.0)
    assert (by_updates.at, by_updates.best) == (5.0, 1)
    assert by_updates.ratio == pytest.approx(1.0 / 0.05)
    middle = float(np.exp(np.log(SEEDS).mean()))
    assert by_epochs.losses == pytest.approx((0.1 * middle, 0.4 * middle))
    for found in (by_epochs, by_updates):
        assert found.p == pytest.approx(2 / 64)
        assert found.is_clear
        assert not found.equal


def test_the_logarithm_of_the_loss_is_interpolated_between_evaluations() -> None:
    one, other = arm([4.0, 1.0], per_epoch=1, at=[0, 4]), arm([4.0, 0.5], per_epoch=1, at=[0, 2])
    found = standing([one, other], "updates")
    assert found is not None
    assert found.losses[0] == pytest.approx(
        2.0 * np.exp(np.log(SEEDS).mean())
    )  # halfway between 4 and 1 in the logarithm


def test_seconds_are_those_of_one_run() -> None:
    slow = arm([4.0, 0.1], per_epoch=10, at=[0, 10], second_s=10.0)
    quick = arm([4.0, 0.4], per_epoch=10, at=[0, 10], second_s=1.0)
    found = standing([slow, quick], "seconds")
    assert found is not None
    assert (found.at, found.best) == (10.0, 1)  # when the fast arm ends, the slow arm has made one update


def test_identical_arms_are_equivalent_and_not_different() -> None:
    found = standing([SMALL, SMALL], "updates")
    assert found is not None
    assert found.equal
    assert not found.is_clear
    assert (found.ratio, found.p) == (1.0, 1.0)


def test_arms_within_25_percent_are_equivalent_even_if_the_difference_is_significant() -> None:
    near = arm([4.0, 1.0, 0.11], per_epoch=10, at=[0, 5, 10])
    found = standing([SMALL, near], "epochs")
    assert found is not None
    assert found.equal
    assert not found.is_clear
    assert found.p == pytest.approx(2 / 64)
    assert found.ratio == pytest.approx(1.1)


def test_three_seeds_never_show_a_significant_difference() -> None:
    arms = [arm([4.0, loss], per_epoch=1, at=[0, 1], seeds=3) for loss in (0.1, 2.0)]
    found = standing(arms, "epochs")
    assert found is not None
    assert found.p == pytest.approx(0.25)
    assert not found.is_clear


def test_one_seed_has_no_p() -> None:
    arms = [arm([4.0, loss], per_epoch=1, at=[0, 1], seeds=1) for loss in (0.1, 2.0)]
    found = standing(arms, "epochs")
    assert found is not None
    assert found.p is None
    assert not found.is_clear


def test_an_arm_that_diverged_loses_and_is_not_dropped() -> None:
    lost = arm([4.0], per_epoch=10, at=[0])
    lost.diverged[:] = True
    found = standing([lost, SMALL], "epochs")
    assert found is not None
    assert (found.at, found.best, found.second) == (1.0, 1, 0)
    assert found.losses[0] == np.inf
    assert found.ratio is None
    assert not found.equal


def test_a_single_seed_that_diverged_makes_an_arm_lose() -> None:
    half = arm([4.0, 1.0, 0.01], per_epoch=10, at=[0, 5, 10])
    half.diverged[2] = True
    found = standing([half, SMALL], "epochs")
    assert found is not None
    assert found.best == 1
    assert found.ratio is None


def test_there_is_no_standing_before_the_first_evaluation() -> None:
    assert standing([Course(), Course()], "epochs") is None
    assert standing([arm([4.0], per_epoch=1, at=[0]), SMALL], "epochs") is None
    assert standings([SMALL]) == []


def test_the_best_of_three_arms_is_tested_against_the_next() -> None:
    third = arm([4.0, 1.0, 0.2], per_epoch=10, at=[0, 5, 10])
    found = standing([LARGE, third, SMALL], "epochs")
    assert found is not None
    assert (found.best, found.second) == (2, 1)
    assert found.ratio == pytest.approx(2.0)


def test_an_arm_that_was_not_trained_is_left_out_and_the_others_keep_their_numbers() -> None:
    found = standing([Course(state="out_of_memory"), LARGE, SMALL], "epochs")
    assert found is not None
    assert (found.best, found.second) == (2, 1)
    assert found.losses[0] == np.inf


def test_the_arm_with_fewer_diverged_seeds_is_ahead() -> None:
    one, five = arm([4.0, 1.0, 0.2], per_epoch=10, at=[0, 5, 10]), arm([4.0, 1.0, 0.1], per_epoch=10, at=[0, 5, 10])
    one.diverged[0] = True
    five.diverged[:5] = True
    found = standing([five, one], "epochs")
    assert found is not None
    assert (found.best, found.diverged) == (1, (5, 1))
    assert np.isfinite(found.losses).all()


def test_a_loss_of_zero_can_be_compared() -> None:
    found = standing([arm([4.0, 0.0], per_epoch=1, at=[0, 1]), arm([4.0, 1.0], per_epoch=1, at=[0, 1])], "epochs")
    assert found is not None
    assert found.best == 0


def test_a_lead_in_time_counts_only_if_it_survives_less_time() -> None:
    one, far = arm([4.0, 0.1], per_epoch=10, at=[0, 10]), arm([4.0, 0.4], per_epoch=10, at=[0, 10])
    near = arm([4.0, 0.11], per_epoch=10, at=[0, 10])  # 10% less time is a factor of 1.45 in the loss here
    by_updates, by_clock = standing([one, near], "updates"), standing([one, near], "seconds")
    assert by_updates is not None
    assert by_clock is not None
    assert by_updates.p == pytest.approx(2 / 64)
    assert by_clock.p == 1.0
    clear = standing([one, far], "seconds")
    assert clear is not None
    assert clear.p == pytest.approx(2 / 64)
    assert clear.is_clear

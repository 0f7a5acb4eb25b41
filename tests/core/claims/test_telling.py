"""What is said of a result, to the letter."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from core.claims.telling import arm_name, conditions, finding, fixed
from core.science.judge import Outcome
from core.science.trials import Arm, Exact, Pair
from core.words.catalogue import catalogue
from tests.core.claims.arms import judged, noise, pair

SOME = Outcome(
    "C9",
    "equal_epochs",
    ("data", "epochs"),
    "SUPPORTED",
    False,
    0.5,
    "excess_loss",
    "higher",
    {"batch_size": 16, "lr": 1.0},
    {"batch_size": 256, "lr": 1.0},
    p=0.001953125,
    p_adjusted=0.041015625,
    seeds=10,
)


say = catalogue().say


def with_effect(ratio: float, low: float, high: float, **more: Any) -> Outcome:
    return replace(SOME, effect_ratio=ratio, low=low, high=high, **more)


@pytest.mark.parametrize(
    ("ratio", "low", "high", "told"),
    [
        (1.26, 1.2, 1.325, "B = 256 is 26% higher (20 to 32)"),
        (0.85, 0.837, 0.865, "B = 256 is 15% lower (14 to 16)"),
        (1.05, 0.99, 1.12, "B = 256 is 5.0% higher (\u22121.0 to 12)"),
        (0.982, 0.948, 1.016, "B = 256 is 1.8% lower (\u22121.6 to 5.2)"),
        (1.0, 0.98, 1.02, "B = 256 is 0.0% higher (\u22122.0 to 2.0)"),
        (1.0, 1.0, 1.0, "B = 256 is the same to the digit"),
        (2.0, 1.9, 2.1, "B = 256 is 2 times higher (1.9 to 2.1)"),
        (0.4, 0.25, 0.5, "B = 256 is 2.5 times lower (2 to 4)"),
        (227.3848, 201.873, 252.958, "B = 256 is 227 times higher (202 to 253)"),
        (999.6, 999.4, 12_345.6, "B = 256 is 1,000 times higher (999 to 12,346)"),
        (1 / 1_500, 1 / 2_000, 1 / 400, "B = 256 is 1,500 times lower (400 to 2,000)"),
    ],
)
def test_an_effect_is_told_with_its_interval_p_and_seeds(ratio: float, low: float, high: float, told: str) -> None:
    assert (
        finding(with_effect(ratio, low, high), say)
        == f"Loss above the optimum: {told}, p = 0.002 (0.041 corrected), 10 seeds"
    )


def test_both_results_are_told_of_what_is_equivalent_and_significant() -> None:
    (found,) = judged(pair([0.84, 0.86] * 5))
    assert finding(found, say) == (
        "Loss above the optimum: within 25%; B = 256, rate 16 is 15% lower (14 to 16), p = 0.002 (0.002 corrected), 10 "
        "seeds"
    )


def test_what_is_equal_to_the_digit_is_told_so() -> None:
    (found,) = judged(pair([1.0] * 10, "equal"))
    assert finding(found, say) == (
        "Loss above the optimum: within 25%; B = 256, rate 16 is the same to the digit, p = 1 (1 corrected), 10 seeds"
    )


def test_what_diverged_is_told_in_numbers_of_both_arms() -> None:
    (found,) = judged(pair([0.5] * 9 + [math.inf]))
    assert finding(found, say) == (
        "Loss above the optimum: diverged: 0 of 10 against 1 of 10, p = 0.021 (0.021 corrected), 10 seeds"
    )


@pytest.mark.parametrize(
    ("claim", "arm", "facts", "told"),
    [
        (
            "C3",
            "accumulated",
            {"batches": 15, "changes": 4, "predicted": 4, "accumulate": 4},
            "4 changes of the weights in 15 batches, 4 predicted",
        ),
        (
            "C1",
            "photos_at_once",
            {"examples": 10_000, "peak_bytes": 26_050_048, "limit_bytes": 4 * 2**20, "batch_bytes": 0},
            "10,000 examples need 24.8 MiB of 4 MiB",
        ),
        (
            "C8",
            "at_the_limit",
            {"largest": 75, "r_squared": 0.99996, "fits": True, "next_fits": False},
            "75 a batch, the largest that is predicted to fit, gets through, and 76 runs out; peak on a straight line, "
            "R\u00b2 = 1",
        ),
        (
            "C11",
            "batch_of_two",
            {"away": 3e-7, "smallest": 0.99981141, "largest": 1.0000002},
            "every value becomes plus or minus 0.9998 to 1, whatever it was",
        ),
        (
            "C11",
            "scatter",
            {"batches": 4_000, "errors": 1.4144, "within": 4.0},
            "within 1.4 standard errors of sqrt(2/(B-1)) at every size (4 allowed)",
        ),
    ],
)
def test_an_exact_result_is_told_by_its_numbers(claim: str, arm: str, facts: dict[str, Any], told: str) -> None:
    (found,) = judged(Exact(arm, (), True, 0.1, facts), claim=claim)
    assert finding(found, say) == told


def test_an_arm_is_named_by_what_tells_it_from_the_other() -> None:
    one, other = {"batch_size": 16, "lr": 8.0, "schedule": "constant"}, {"batch_size": 2_048, "lr": 8.0}
    assert arm_name(other, one, say) == "B = 2,048"
    assert arm_name(one, other, say) == "B = 16, constant"
    assert arm_name({"norm": "noisy"}, {"norm": "none"}, say) == "batch norm, moved about"
    assert arm_name({"lr": 0.02, "momentum": 0.9}, {"lr": 0.2}, say) == "rate 0.02, momentum 0.9"


def test_what_was_held_fixed_is_told_and_nothing_where_nothing_was() -> None:
    assert fixed(SOME, say) == "Fixed: data, epochs."
    assert fixed(replace(SOME, held_fixed=()), say) == ""


def test_conditions_say_where_a_claim_holds_where_it_does_not_and_where_that_is_open() -> None:
    even = [1.0] * 10
    found = judged(
        pair([2.0] * 10, arm="equal_epochs"),
        pair(even, arm="scaled_rate"),
        pair(noise(0), arm="equal_updates"),
        pair([3.0] * 10, arm="beyond_curvature"),
        pair(even, arm="equal_updates_high_rate", is_contrast=True),
    )
    assert conditions(found, say) == (
        "Holds: Equal epochs, one rate; Rate scaled beyond the curvature. "
        "Does not: Equal epochs, rate scaled. Open: Equal updates, low rate."
    )
    assert conditions(found[:1], say) == "Holds: Equal epochs, one rate."


def test_seconds_and_other_figures_are_told_alike() -> None:
    timed = Pair(
        "clock",
        "seconds",
        ("machine",),
        Arm({"batch_size": 100}, (2.0,) * 10),
        Arm({"batch_size": 1_000}, (0.5,) * 10),
        "lower",
        0.1,
    )
    (found,) = judged(timed, claim="C5")
    assert finding(found, say) == (
        "Seconds an epoch: B = 1,000 is 4 times lower (4 to 4), p = 0.002 (0.002 corrected), 10 seeds"
    )
    assert fixed(found, say) == "Fixed: this machine."

"""How the catalogue describes a result, to the letter."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from core.claims.telling import against, arm_name, conditions, finding, fixed
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


words = catalogue()


def with_effect(ratio: float, low: float, high: float, **more: Any) -> Outcome:
    return replace(SOME, effect_ratio=ratio, low=low, high=high, **more)


@pytest.mark.parametrize(
    ("ratio", "low", "high", "expected"),
    [
        (1.26, 1.2, 1.325, "26% higher with batch size 256 (95% CI 20% to 32%)"),
        (0.85, 0.837, 0.865, "15% lower with batch size 256 (95% CI 14% to 16%)"),
        (1.05, 0.99, 1.12, "5.0% higher with batch size 256 (95% CI \u22121.0% to 12%)"),
        (0.982, 0.948, 1.016, "1.8% lower with batch size 256 (95% CI \u22121.6% to 5.2%)"),
        (1.0, 0.98, 1.02, "0.0% higher with batch size 256 (95% CI \u22122.0% to 2.0%)"),
        (1.0, 1.0, 1.0, "exactly the same with batch size 256"),
        (2.0, 1.9, 2.1, "2 times as high with batch size 256 (95% CI 1.9 to 2.1)"),
        (0.4, 0.25, 0.5, "2.5 times lower with batch size 256 (95% CI 2 to 4)"),
        (227.3848, 201.873, 252.958, "227 times as high with batch size 256 (95% CI 202 to 253)"),
        (999.6, 999.4, 12_345.6, "1,000 times as high with batch size 256 (95% CI 999 to 12,346)"),
        (1 / 1_500, 1 / 2_000, 1 / 400, "1,500 times lower with batch size 256 (95% CI 400 to 2,000)"),
    ],
)
def test_an_effect_has_its_interval_p_and_seeds(ratio: float, low: float, high: float, expected: str) -> None:
    assert finding(with_effect(ratio, low, high), words) == (
        f"Loss above the optimum: {expected}. p = 0.002 (0.041 corrected), 10 seeds."
    )


def test_a_result_that_is_equivalent_and_significant_says_both() -> None:
    (found,) = judged(pair([0.84, 0.86] * 5))
    assert finding(found, words) == (
        "Loss above the optimum: 15% lower with batch size 256 and rate 16 (95% CI 14% to 16%). Equivalent within 25%. "
        "p = 0.002 (0.002 corrected), 10 seeds."
    )


def test_equal_figures_have_no_interval() -> None:
    (found,) = judged(pair([1.0] * 10, "equal"))
    assert finding(found, words) == (
        "Loss above the optimum: exactly the same with batch size 256 and rate 16. Equivalent within 25%. "
        "p = 1 (1 corrected), 10 seeds."
    )


def test_diverged_runs_are_counted_for_both_arms() -> None:
    (found,) = judged(pair([0.5] * 9 + [math.inf]))
    assert finding(found, words) == (
        "Loss above the optimum: no ratio, because runs diverged (0 of 10 in the first arm, 1 of 10 in the second). "
        "p = 0.021 (0.021 corrected), 10 seeds."
    )


@pytest.mark.parametrize(
    ("claim", "arm", "facts", "expected"),
    [
        (
            "C3",
            "accumulated",
            {"batches": 15, "changes": 4, "predicted": 4, "accumulate": 4},
            "The weights changed 4 times in 15 batches; 4 changes were predicted.",
        ),
        (
            "C1",
            "photos_at_once",
            {"examples": 10_000, "peak_bytes": 26_050_048, "limit_bytes": 4 * 2**20, "batch_bytes": 0},
            "10,000 examples need 24.84 MiB; the limit is 4 MiB.",
        ),
        (
            "C8",
            "at_the_limit",
            {"largest": 75, "r_squared": 0.99996, "fits": True, "next_fits": False},
            "Batch size 75, the largest predicted to fit, fits. The peak is a straight line (R\u00b2 = 1). Batch size "
            "76 runs out of memory.",
        ),
        (
            "C11",
            "batch_of_two",
            {"away": 3e-7, "smallest": 0.99981141, "largest": 1.0000002},
            "Every value becomes \u00b10.9998 to \u00b11, whatever it was.",
        ),
        (
            "C11",
            "scatter",
            {"batches": 4_000, "errors": 1.4144, "within": 4.0},
            "Within 1.4 standard errors of sqrt(2/(B\u22121)) at every size (4 allowed).",
        ),
    ],
)
def test_an_exact_result_gives_its_numbers(claim: str, arm: str, facts: dict[str, Any], expected: str) -> None:
    (found,) = judged(Exact(arm, (), True, 0.1, facts), claim=claim)
    assert finding(found, words) == expected


@pytest.mark.parametrize(
    ("fits", "sentence"), [(True, "Batch size 100 fits."), (False, "Batch size 100 runs out of memory.")]
)
def test_what_fits_and_what_runs_out_of_memory_have_sentences_of_their_own(fits: bool, sentence: str) -> None:
    (found,) = judged(Exact("half_precision", (), True, 0.1, {"batch_size": 100, "fits": fits}), claim="C8")
    assert finding(found, words) == sentence


def test_an_arm_is_named_by_the_settings_that_differ() -> None:
    one, other = {"batch_size": 16, "lr": 8.0, "schedule": "constant"}, {"batch_size": 2_048, "lr": 8.0}
    assert arm_name(other, one, words) == "batch size 2,048"
    assert arm_name(one, other, words) == "batch size 16 and a constant rate"
    assert arm_name({"norm": "noisy"}, {"norm": "none"}, words) == "noisy batch norm"
    assert arm_name({"lr": 0.02, "momentum": 0.9}, {"lr": 0.2}, words) == "rate 0.02 and momentum 0.9"


def test_a_ratio_names_the_settings_of_both_arms() -> None:
    assert against(replace(SOME, second={"batch_size": 2_048, "lr": 16.0}), words) == (
        "batch size 2,048 / 16 and rate 16 / 1"
    )
    norms = replace(SOME, first={"norm": "none"}, second={"norm": "batch"})
    assert against(norms, words) == "batch norm / no normalisation"
    heavy = replace(SOME, first={"lr": 0.2}, second={"lr": 0.02, "momentum": 0.9})
    assert against(heavy, words) == "rate 0.02 / 0.2 and momentum 0.9"


def test_shared_conditions_are_listed_unless_there_are_none() -> None:
    assert fixed(SOME, words) == "Held fixed: data and epochs."
    assert fixed(replace(SOME, held_fixed=()), words) == ""


def test_conditions_say_where_a_claim_holds_where_it_fails_and_where_it_is_undecided() -> None:
    even = [1.0] * 10
    found = judged(
        pair([2.0] * 10, arm="equal_epochs"),
        pair(even, arm="scaled_rate"),
        pair(noise(0), arm="equal_updates"),
        pair([3.0] * 10, arm="beyond_curvature"),
        pair(even, arm="equal_updates_high_rate", is_contrast=True),
    )
    assert conditions(found, words) == (
        "Holds for \u201cEqual epochs at one rate\u201d and \u201cRate beyond the curvature limit\u201d. "
        "Fails for \u201cEqual epochs at a scaled rate\u201d. Undecided for \u201cEqual updates at a low rate\u201d."
    )
    assert conditions(found[:1], words) == "Holds for \u201cEqual epochs at one rate\u201d."


def test_every_figure_is_described_the_same_way() -> None:
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
    assert finding(found, words) == (
        "Seconds per epoch: 4 times lower with batch size 1,000 (95% CI 4 to 4). p = 0.002 (0.002 corrected), 10 seeds."
    )
    assert fixed(found, words) == "Held fixed: this machine."

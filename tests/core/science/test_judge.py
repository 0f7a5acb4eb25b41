"""Check verdicts on synthetic measurements, alone and in a family of tests."""

from __future__ import annotations

import json
import math

import pytest

from core.science.judge import Outcome, headline, judge
from core.science.trials import Arm, Claimed, Exact, Pair
from tests.core.claims.arms import SEEDS, judged, noise, pair

INFINITE = math.inf
LEAST = 2 / 1024  # the lowest p-value that ten seeds allow
TWICE = [1.98, 2.02] * 5
A_LITTLE_LOWER = [0.84, 0.86] * 5  # within 25%, and lower for every seed


@pytest.mark.parametrize(("claimed", "verdict"), [("higher", "SUPPORTED"), ("lower", "REFUTED"), ("equal", "REFUTED")])
def test_a_clear_difference_supports_only_the_claim_of_its_direction(claimed: Claimed, verdict: str) -> None:
    (found,) = judged(pair(TWICE, claimed))
    assert (found.verdict, found.p, found.p_adjusted, found.equivalent) == (verdict, LEAST, LEAST, False)
    assert found.effect_ratio == pytest.approx(math.sqrt(1.98 * 2.02), rel=1e-12)
    assert found.low is not None
    assert found.high is not None
    assert 1.98 < found.low < found.effect_ratio < found.high < 2.02
    assert (found.seeds, found.diverged) == (10, (0, 0))


def test_the_direction_describes_the_second_arm() -> None:
    (found,) = judged(pair([1 / ratio for ratio in TWICE], "lower"))
    assert found.verdict == "SUPPORTED"
    assert found.effect_ratio == pytest.approx(1 / math.sqrt(1.98 * 2.02), rel=1e-12)


@pytest.mark.parametrize(("claimed", "verdict"), [("equal", "SUPPORTED"), ("higher", "REFUTED"), ("lower", "REFUTED")])
def test_equal_arms_are_equivalent_and_never_different(claimed: Claimed, verdict: str) -> None:
    (found,) = judged(pair([1.0] * SEEDS, claimed, first=[0.5 + seed for seed in range(SEEDS)]))
    assert (found.verdict, found.p, found.p_equivalence, found.equivalent) == (verdict, 1.0, 0.0, True)
    assert (found.effect_ratio, found.low, found.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("claimed", "verdict"), [("equal", "SUPPORTED"), ("higher", "REFUTED"), ("lower", "REFUTED")])
def test_a_significant_but_small_difference_counts_as_equal(claimed: Claimed, verdict: str) -> None:
    (found,) = judged(pair(A_LITTLE_LOWER, claimed))
    assert (found.verdict, found.p, found.equivalent) == (verdict, LEAST, True)
    assert found.effect_ratio == pytest.approx(math.sqrt(0.84 * 0.86), rel=1e-12)


@pytest.mark.parametrize("claimed", ["higher", "lower", "equal"])
def test_arms_neither_different_nor_equivalent_are_inconclusive(claimed: Claimed) -> None:
    (found,) = judged(pair(noise(0), claimed))
    assert (found.verdict, found.equivalent) == ("INCONCLUSIVE", False)
    assert found.p is not None
    assert found.p > 0.5


# Families of tests.


def test_a_difference_significant_among_25_tests_is_not_among_26() -> None:
    """25 x 2/1024 is below 0.05, and 26 x 2/1024 is above it."""
    others = [pair(noise(number)) for number in range(25)]
    among_25, among_26 = judged(pair(TWICE), *others[:24])[0], judged(pair(TWICE), *others)[0]
    assert (among_25.verdict, among_25.p_adjusted) == ("SUPPORTED", 25 * LEAST)
    assert (among_26.verdict, among_26.p_adjusted) == ("INCONCLUSIVE", 26 * LEAST)
    assert among_25.p == among_26.p == LEAST


def test_the_family_includes_the_tests_of_all_claims() -> None:
    trials = {f"C{number}": [pair(noise(number))] for number in range(25)} | {"C30": [pair(TWICE)]}
    assert judge(trials)["C30"][0].p_adjusted == 26 * LEAST


def test_the_same_runs_in_two_claims_count_as_one_test() -> None:
    found = judge({"C5": [pair(TWICE, "lower")], "C9": [pair(TWICE, "higher")], "C1": [pair(noise(1))]})
    assert [found[claim][0].p_adjusted for claim in ("C5", "C9")] == [2 * LEAST] * 2
    assert [found[claim][0].verdict for claim in ("C5", "C9")] == ["REFUTED", "SUPPORTED"]


def test_an_exact_result_does_not_count_in_the_correction() -> None:
    others = [Exact(f"exact_{number}", (), True, 0.1) for number in range(25)]
    assert judged(pair(TWICE), *others)[0].p_adjusted == LEAST


def test_equivalence_is_corrected_too() -> None:
    """Alone p is about 0.002; among 30 tests without equivalence it is thirty times as large."""
    near = pair([1.22, 0.98] * 5, "equal")
    alone = judged(near)[0]
    assert alone.p_equivalence is not None
    assert 0.05 / 30 < alone.p_equivalence < 0.05
    assert alone.verdict == "SUPPORTED"
    among = judged(near, *(pair(noise(number)) for number in range(29)))[0]
    assert among.p_equivalence == alone.p_equivalence
    assert (among.verdict, among.equivalent) == ("INCONCLUSIVE", False)


def test_outcomes_are_in_the_order_of_the_trials() -> None:
    trials = [pair(noise(0), arm="b"), Exact("c", (), True, 0.1), pair(TWICE, arm="a"), Exact("d", (), False, 0.1)]
    assert [found.arm for found in judged(*trials)] == ["b", "c", "a", "d"]


# Diverged runs.


def test_a_diverged_arm_is_the_worst_and_has_no_ratio() -> None:
    (found,) = judged(pair([INFINITE] * SEEDS, "higher"))
    assert (found.verdict, found.p, found.diverged) == ("SUPPORTED", LEAST, (0, 10))
    assert (found.effect_ratio, found.low, found.high, found.equivalent) == (None, None, None, False)
    assert found.second_values == (INFINITE,) * SEEDS


def test_a_diverged_first_arm_makes_the_second_the_lower() -> None:
    diverged = Pair("clock", "x", (), Arm({}, (INFINITE,) * SEEDS), Arm({}, (1.0,) * SEEDS), "lower", 0.1)
    (found,) = judged(diverged)
    assert (found.verdict, found.diverged, found.effect_ratio) == ("SUPPORTED", (10, 0), None)


def test_one_diverged_run_is_counted_and_not_dropped() -> None:
    """Nine seeds are lower and one diverged: 22 of 1,024 sums of ten signs are as far from 0 as 8."""
    (found,) = judged(pair([0.5] * 9 + [INFINITE], "lower"))
    assert (found.p, found.seeds, found.diverged) == (22 / 1024, 10, (0, 1))
    assert (found.verdict, found.effect_ratio) == ("SUPPORTED", None)


def test_two_fully_diverged_arms_are_not_equivalent() -> None:
    both = Pair("clock", "x", (), Arm({}, (INFINITE,) * SEEDS), Arm({}, (INFINITE,) * SEEDS), "equal", 0.1)
    (found,) = judged(both)
    assert (found.verdict, found.p, found.equivalent, found.diverged) == ("INCONCLUSIVE", 1.0, False, (10, 10))


# Exact results, and the verdict on a whole claim.


@pytest.mark.parametrize(("holds", "verdict"), [(True, "SUPPORTED"), (False, "REFUTED")])
def test_an_exact_result_has_a_verdict_without_p(holds: bool, verdict: str) -> None:
    (found,) = judged(Exact("every_batch", ("data",), holds, 0.2, {"batches": 15}), claim="C3")
    assert (found.claim, found.arm, found.verdict, found.held_fixed) == ("C3", "every_batch", verdict, ("data",))
    assert (found.p, found.p_adjusted, found.seeds, found.metric, found.effect_ratio) == (None,) * 5
    assert (found.facts, found.seconds) == ({"batches": 15}, 0.2)


@pytest.mark.parametrize(
    ("trials", "verdict"),
    [
        ([(True, False), (True, False)], "SUPPORTED"),
        ([(False, False), (False, False)], "REFUTED"),
        ([(True, False), (False, False)], "CONDITIONAL"),
        ([(True, False), (None, False)], "INCONCLUSIVE"),
        ([(False, False), (None, False)], "INCONCLUSIVE"),
        ([(True, False), (None, False), (False, False)], "CONDITIONAL"),
        ([(None, False)], "INCONCLUSIVE"),
        ([(True, False), (False, True)], "SUPPORTED"),  # a contrast
        ([(False, False), (True, True)], "REFUTED"),
        ([(False, False), (None, True)], "REFUTED"),
        ([(True, True)], "INCONCLUSIVE"),  # contrasts alone decide nothing
        ([], "INCONCLUSIVE"),
    ],
)
def test_the_verdict_of_a_claim_is_the_common_verdict_of_its_trials(
    trials: list[tuple[bool | None, bool]], verdict: str
) -> None:
    made = [
        pair(noise(0), is_contrast=is_contrast) if holds is None else Exact("x", (), holds, 0.1, {}, is_contrast)
        for holds, is_contrast in trials
    ]
    assert headline(judged(*made)) == verdict


def test_a_contrast_has_a_verdict_of_its_own_and_counts_in_the_family() -> None:
    found = judged(pair(TWICE, is_contrast=True), pair(noise(0)))
    assert (found[0].is_contrast, found[0].verdict, found[0].p_adjusted) == (True, "SUPPORTED", 2 * LEAST)


# JSON.


def test_an_outcome_survives_json() -> None:
    trials = [
        pair(TWICE),
        pair([0.5] * 9 + [INFINITE], "lower"),
        pair(noise(1), is_contrast=True),
        Exact("every_batch", ("data",), True, 0.2, {"batches": 15, "r_squared": 0.5}),
    ]
    for found in judged(*trials):
        assert Outcome.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_judging_no_pairs_gives_no_outcomes() -> None:
    assert judge({"C2": []}) == {"C2": []}

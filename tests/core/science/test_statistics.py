"""The statistics of paired results, against SciPy's, closed forms and a second implementation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from core.science.statistics import (
    LOWEST,
    MARGIN,
    equivalence,
    geometric_mean,
    holm,
    interval,
    log_ratios,
    sign_flip,
)

Floats = NDArray[np.float64]


def drawn(seed: int, count: int, *, shift: float = 0.3) -> Floats:
    return np.random.default_rng(seed).standard_normal(count) + shift


# A difference.


def permutation_p(differences: Floats) -> float:
    """Return SciPy's p of the same test: signs exchanged at random, here in all ways that there are."""
    found = stats.permutation_test(
        (differences,),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    return float(found.pvalue)


@pytest.mark.parametrize("count", [2, 5, 9, 10])
@pytest.mark.parametrize("seed", range(5))
def test_the_test_of_a_difference_is_scipys_permutation_test(seed: int, count: int) -> None:
    differences = drawn(seed, count)
    assert sign_flip(differences) == pytest.approx(permutation_p(differences), rel=1e-12)


@pytest.mark.parametrize(
    "differences",
    [
        [1.0, 1.0, 1.0, -1.0, -1.0, 2.0],  # ties
        [0.0, 0.0, 0.5, 0.5, 0.5],  # and zeros
        [0.1, 0.2, 0.3, -0.6],  # a mean of 0 that rounding makes another
        [0.1] * 7 + [-0.1] * 3,
        [1e-12, 2e-12, -1e-12, 5e-12],
        [1e9, 2e9, -3e9, 1e9, 1e9],
    ],
)
def test_ties_zeros_and_rounding_count_as_they_do_in_scipy(differences: list[float]) -> None:
    assert sign_flip(differences) == pytest.approx(permutation_p(np.array(differences)), rel=1e-12)


@pytest.mark.parametrize(("count", "p"), [(1, 1.0), (2, 0.5), (8, 0.0078125), (10, 0.001953125), (20, 2 / 2**20)])
def test_differences_of_one_sign_have_the_smallest_p_that_so_many_pairs_can_have(count: int, p: float) -> None:
    values = np.linspace(0.1, 3, count)
    assert sign_flip(values) == sign_flip(-values) == p


def test_one_exchange_of_ten_makes_p_larger_by_closed_form() -> None:
    """Of the sums of ten signs those of 8 and 10, and of -8 and -10, are as far: 2 (1 + 10) of 1,024."""
    assert sign_flip([1.0] * 9 + [-1.0]) == 22 / 1024


def test_no_difference_at_all_has_p_of_1() -> None:
    assert sign_flip([0.0] * 10) == 1.0


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=8))
def test_whole_differences_are_counted_exactly(values: list[int]) -> None:
    seen = abs(sum(values))
    ways = [
        sum(value * sign for value, sign in zip(values, signs, strict=True))
        for signs in np.ndindex(*[2] * len(values))
        for signs in [[2 * sign - 1 for sign in signs]]
    ]
    assert sign_flip(np.array(values) / 7) == sum(abs(way) >= seen for way in ways) / len(ways)


@pytest.mark.parametrize("differences", [[], [1.0] * 21, [math.nan, 1.0], [math.inf, 1.0], [[1.0, 2.0]], 3.0])
def test_what_cannot_be_tested_is_refused(differences: object) -> None:
    with pytest.raises(ValueError, match="pairs|differences"):
        sign_flip(differences)  # type: ignore[arg-type]


# Equivalence.


def two_one_sided(differences: Floats, margin: float) -> float:
    above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
    return float(max(above, below))


@pytest.mark.parametrize("shift", [-0.4, -0.1, 0.0, 0.05, 0.21, 0.5])
@pytest.mark.parametrize("count", [2, 5, 10])
def test_equivalence_is_the_larger_p_of_two_one_sided_t_tests(count: int, shift: float) -> None:
    differences = 0.1 * drawn(count, count, shift=0.0) + shift
    assert equivalence(differences) == pytest.approx(two_one_sided(differences, math.log(1.25)), rel=1e-9)
    assert equivalence(differences, margin=0.03) == pytest.approx(two_one_sided(differences, 0.03), rel=1e-9)


def test_the_margin_is_25_per_cent_either_way() -> None:
    assert pytest.approx(math.log(1.25)) == MARGIN
    at_the_margin = MARGIN + np.array([-0.01, 0.01] * 5)
    assert equivalence(at_the_margin) == pytest.approx(0.5)
    assert equivalence(-at_the_margin) == pytest.approx(0.5)


def test_arms_without_any_difference_are_equivalent_and_never_different() -> None:
    assert (equivalence([0.0] * 10), sign_flip([0.0] * 10)) == (0.0, 1.0)


@pytest.mark.parametrize(("difference", "p"), [(0.25, 1.0), (-0.25, 1.0), (0.125, 0.0), (-0.125, 0.0)])
def test_differences_that_are_all_the_same_are_within_the_margin_or_not(difference: float, p: float) -> None:
    assert equivalence([difference] * 10) == p


def test_one_pair_says_nothing_on_equivalence() -> None:
    assert equivalence([0.0]) == 1.0


# An interval.


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_scipys_bootstrap_of_percentiles(seed: int, confidence: float) -> None:
    differences = drawn(seed, 10)
    theirs = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=100_000,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    allowed = 0.05 * (theirs.high - theirs.low)
    low, high = interval(differences, confidence=confidence)
    assert low == pytest.approx(theirs.low, abs=allowed)
    assert high == pytest.approx(theirs.high, abs=allowed)


def test_the_same_differences_have_the_same_interval_each_time_and_other_resamples_another() -> None:
    differences = drawn(1, 10)
    assert interval(differences) == interval(differences)
    assert interval(differences, seed=1) != interval(differences)


def test_the_interval_of_one_value_is_that_value() -> None:
    assert interval([0.5] * 10) == (0.5, 0.5)


def test_the_interval_moves_and_stretches_with_the_differences() -> None:
    differences = drawn(2, 10)
    low, high = interval(differences)
    assert interval(3 * differences + 1) == pytest.approx((3 * low + 1, 3 * high + 1))
    assert low < differences.mean() < high


# A family of tests.


def test_holms_correction_of_an_example_by_hand() -> None:
    # 0.01 x 4; 0.02 x 3; 0.03 x 2 is not above 0.06; 0.04 x 1 is raised to it.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_of_four_values_the_smallest_two_are_significant_at_5_per_cent() -> None:
    """4 x 0.005 and 3 x 0.01 are below 0.05, and 2 x 0.03 is not; so 0.04 is not either, which is alone below it."""
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_corrected_values_never_exceed_1_and_nothing_is_nothing() -> None:
    assert holm([0.9, 0.4, 0.8]) == [1.0, 1.0, 1.0]
    assert holm([]) == []
    assert holm([0.03]) == [0.03]


def stepped_down(values: Sequence[float], level: float) -> set[int]:
    """Return which hypotheses Holm rejects at a level, by his own steps: the k-th smallest p against level/(n - k)."""
    rejected = set()
    for rank, place in enumerate(sorted(range(len(values)), key=lambda place: values[place])):
        if values[place] > level / (len(values) - rank):
            break
        rejected.add(place)
    return rejected


@given(st.lists(st.integers(1, 1024), min_size=1, max_size=30), st.sampled_from([0.01, 0.05, 0.2]))
def test_what_is_corrected_is_below_a_level_where_the_steps_reject(counts: list[int], level: float) -> None:
    values = [count / 1024 for count in counts]
    assert {place for place, p in enumerate(holm(values)) if p <= level} == stepped_down(values, level)


# Ratios.


def test_ratios_are_those_of_the_second_to_the_first() -> None:
    np.testing.assert_allclose(log_ratios([1.0, 4.0, 0.5], [math.e, 2.0, 0.5]), [1.0, -math.log(2), 0.0], atol=1e-15)


def test_where_an_arm_diverged_signs_alone_are_left() -> None:
    first, second = [1.0, 2.0, math.inf, math.inf, 3.0], [math.inf, 1.0, 1.0, math.inf, 3.0]
    assert log_ratios(first, second).tolist() == [1.0, -1.0, -1.0, 0.0, 0.0]
    assert log_ratios(second, first).tolist() == [-1.0, 1.0, 1.0, 0.0, 0.0]


# A mean of losses.


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_of_losses_is_scipys_geometric_mean_of_those_that_did_not_diverge(seed: int) -> None:
    losses = np.exp(3 * drawn(seed, 10))
    assert geometric_mean(losses) == pytest.approx(float(stats.gmean(losses)), rel=1e-12)
    assert geometric_mean([*losses, np.inf, np.nan]) == pytest.approx(float(stats.gmean(losses)), rel=1e-12)


def test_no_loss_has_no_mean_and_a_loss_of_nothing_counts_as_the_lowest() -> None:
    assert geometric_mean([]) == geometric_mean([np.inf]) == np.inf
    assert geometric_mean([0.0, 1.0]) == pytest.approx(math.sqrt(LOWEST), rel=1e-12)

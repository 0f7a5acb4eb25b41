"""Compare the statistics of paired results with SciPy's, closed forms and a second implementation."""

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


# Differences.


def permutation_p(differences: Floats) -> float:
    """Return SciPy's p-value of the permutation test over all sign flips."""
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
def test_the_sign_flip_test_equals_scipys_permutation_test(seed: int, count: int) -> None:
    differences = drawn(seed, count)
    assert sign_flip(differences) == pytest.approx(permutation_p(differences), rel=1e-12)


@pytest.mark.parametrize(
    "differences",
    [
        [1.0, 1.0, 1.0, -1.0, -1.0, 2.0],  # values with ties
        [0.0, 0.0, 0.5, 0.5, 0.5],  # values with zeros
        [0.1, 0.2, 0.3, -0.6],  # a mean of 0 that rounding changes
        [0.1] * 7 + [-0.1] * 3,
        [1e-12, 2e-12, -1e-12, 5e-12],
        [1e9, 2e9, -3e9, 1e9, 1e9],
    ],
)
def test_ties_zeros_and_rounding_count_as_they_do_in_scipy(differences: list[float]) -> None:
    assert sign_flip(differences) == pytest.approx(permutation_p(np.array(differences)), rel=1e-12)


@pytest.mark.parametrize(("count", "p"), [(1, 1.0), (2, 0.5), (8, 0.0078125), (10, 0.001953125), (20, 2 / 2**20)])
def test_differences_of_one_sign_have_the_lowest_possible_p(count: int, p: float) -> None:
    values = np.linspace(0.1, 3, count)
    assert sign_flip(values) == sign_flip(-values) == p


def test_p_with_one_opposite_sign_among_ten_follows_a_closed_form() -> None:
    """Sums of ten signs that are 8, 10, -8 or -10 are as far from 0: 2 (1 + 10) of 1,024."""
    assert sign_flip([1.0] * 9 + [-1.0]) == 22 / 1024


def test_identical_arms_have_p_1() -> None:
    assert sign_flip([0.0] * 10) == 1.0


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=8))
def test_integer_differences_are_counted_exactly(values: list[int]) -> None:
    seen = abs(sum(values))
    ways = [
        sum(value * sign for value, sign in zip(values, signs, strict=True))
        for signs in np.ndindex(*[2] * len(values))
        for signs in [[2 * sign - 1 for sign in signs]]
    ]
    assert sign_flip(np.array(values) / 7) == sum(abs(way) >= seen for way in ways) / len(ways)


@pytest.mark.parametrize("differences", [[], [1.0] * 21, [math.nan, 1.0], [math.inf, 1.0], [[1.0, 2.0]], 3.0])
def test_invalid_differences_are_refused(differences: object) -> None:
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


def test_identical_arms_are_equivalent_and_not_different() -> None:
    assert (equivalence([0.0] * 10), sign_flip([0.0] * 10)) == (0.0, 1.0)


@pytest.mark.parametrize(("difference", "p"), [(0.25, 1.0), (-0.25, 1.0), (0.125, 0.0), (-0.125, 0.0)])
def test_constant_differences_are_either_within_the_margin_or_not(difference: float, p: float) -> None:
    assert equivalence([difference] * 10) == p


def test_one_pair_says_nothing_about_equivalence() -> None:
    assert equivalence([0.0]) == 1.0


# Intervals.


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_equals_scipys_percentile_bootstrap(seed: int, confidence: float) -> None:
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


def test_the_interval_is_reproducible_and_depends_on_the_resampling_seed() -> None:
    differences = drawn(1, 10)
    assert interval(differences) == interval(differences)
    assert interval(differences, seed=1) != interval(differences)


def test_the_interval_of_one_value_is_that_value() -> None:
    assert interval([0.5] * 10) == (0.5, 0.5)


def test_the_interval_shifts_and_scales_with_the_differences() -> None:
    differences = drawn(2, 10)
    low, high = interval(differences)
    assert interval(3 * differences + 1) == pytest.approx((3 * low + 1, 3 * high + 1))
    assert low < differences.mean() < high


# Families of tests.


def test_holms_correction_equals_an_example_by_hand() -> None:
    # 0.01 x 4; 0.02 x 3; 0.03 x 2 is not above 0.06; 0.04 x 1 is raised to it.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_the_two_lowest_of_four_p_values_are_significant_at_5_percent() -> None:
    """4 x 0.005 and 3 x 0.01 are below 0.05, 2 x 0.03 is not; so 0.04, below 0.05 on its own, is not either."""
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_corrected_values_never_exceed_1_and_an_empty_family_is_empty() -> None:
    assert holm([0.9, 0.4, 0.8]) == [1.0, 1.0, 1.0]
    assert holm([]) == []
    assert holm([0.03]) == [0.03]


def stepped_down(values: Sequence[float], level: float) -> set[int]:
    """Return which hypotheses Holm's step-down procedure rejects: it compares the k-th lowest p to level/(n - k)."""
    rejected = set()
    for rank, place in enumerate(sorted(range(len(values)), key=lambda place: values[place])):
        if values[place] > level / (len(values) - rank):
            break
        rejected.add(place)
    return rejected


@given(st.lists(st.integers(1, 1024), min_size=1, max_size=30), st.sampled_from([0.01, 0.05, 0.2]))
def test_corrected_values_are_below_a_level_where_the_step_down_procedure_rejects(
    counts: list[int], level: float
) -> None:
    values = [count / 1024 for count in counts]
    assert {place for place, p in enumerate(holm(values)) if p <= level} == stepped_down(values, level)


# Ratios.


def test_ratios_divide_the_second_arm_by_the_first() -> None:
    np.testing.assert_allclose(log_ratios([1.0, 4.0, 0.5], [math.e, 2.0, 0.5]), [1.0, -math.log(2), 0.0], atol=1e-15)


def test_a_diverged_arm_leaves_only_signs() -> None:
    first, second = [1.0, 2.0, math.inf, math.inf, 3.0], [math.inf, 1.0, 1.0, math.inf, 3.0]
    assert log_ratios(first, second).tolist() == [1.0, -1.0, -1.0, 0.0, 0.0]
    assert log_ratios(second, first).tolist() == [-1.0, 1.0, 1.0, 0.0, 0.0]


# Means of losses.


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_of_losses_equals_scipys_geometric_mean_of_finite_losses(seed: int) -> None:
    losses = np.exp(3 * drawn(seed, 10))
    assert geometric_mean(losses) == pytest.approx(float(stats.gmean(losses)), rel=1e-12)
    assert geometric_mean([*losses, np.inf, np.nan]) == pytest.approx(float(stats.gmean(losses)), rel=1e-12)


def test_the_mean_without_losses_is_infinite_and_a_zero_loss_counts_as_the_lowest() -> None:
    assert geometric_mean([]) == geometric_mean([np.inf]) == np.inf
    assert geometric_mean([0.0, 1.0]) == pytest.approx(math.sqrt(LOWEST), rel=1e-12)

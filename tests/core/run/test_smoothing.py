import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.run.smoothing import DebiasedEMA

betas = st.sampled_from([0.01, 0.5, 0.9, 0.98, 0.999, 0.99999])
losses = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300)


def plain_loop(beta: float, values: list[float]) -> list[float]:
    average, averages = 0.0, []
    for t, value in enumerate(values):
        average = beta * average + (1 - beta) * value
        averages.append(average / (1 - beta ** (t + 1)))
    return averages


@given(beta=betas, values=losses)
def test_the_average_equals_a_plain_loop(beta: float, values: list[float]) -> None:
    np.testing.assert_allclose(DebiasedEMA(beta).update(values), plain_loop(beta, values), rtol=1e-9)


def test_the_first_averages_equal_a_computation_by_hand() -> None:
    # (1), (0.5 x 1 + 4) / 1.5, (0.25 x 1 + 0.5 x 4 + 4) / 1.75
    np.testing.assert_allclose(DebiasedEMA(0.5).update([1, 4, 4]), [1, 3, 25 / 7], rtol=1e-15)


@pytest.mark.parametrize("beta", [0.01, 0.9, 0.99, 0.9999])
def test_a_hundred_thousand_values_equal_the_loop_without_underflow(beta: float) -> None:
    values = np.random.default_rng(0).lognormal(size=100_000)
    np.testing.assert_allclose(DebiasedEMA(beta).update(values), plain_loop(beta, values.tolist()), rtol=1e-9)


@given(beta=betas, values=losses, cuts=st.lists(st.integers(0, 300), max_size=5))
def test_averaging_in_blocks_equals_averaging_at_once(beta: float, values: list[float], cuts: list[int]) -> None:
    average = DebiasedEMA(beta)
    blocks = np.split(np.array(values), sorted(min(cut, len(values)) for cut in cuts))
    pieces = np.concatenate([average.update(block) for block in blocks])
    np.testing.assert_allclose(pieces, DebiasedEMA(beta).update(values), rtol=1e-9)


@given(value=st.floats(1e-6, 1e6), beta=betas)
def test_a_constant_series_has_a_constant_average(value: float, beta: float) -> None:
    np.testing.assert_allclose(DebiasedEMA(beta).update([value] * 50), value, rtol=1e-9)


@given(values=losses)
def test_beta_zero_is_the_identity(values: list[float]) -> None:
    assert DebiasedEMA(0).update(values).tolist() == values


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_a_gap_and_does_not_affect_its_neighbours(bad: float) -> None:
    for beta in (0, 0.9):
        average, clean = DebiasedEMA(beta), DebiasedEMA(beta).update([3, 1, 2, 5])
        first, second = average.update([3, 1, bad]), average.update([bad, 2, 5])
        np.testing.assert_allclose(first, [clean[0], clean[1], np.nan])
        np.testing.assert_allclose(second, [np.nan, clean[2], clean[3]])


def test_the_largest_float32_losses_do_not_overflow() -> None:
    values = [1.0, 3e38, 3e38, 1.0] * 10_000
    np.testing.assert_allclose(DebiasedEMA(0.98).update(values), plain_loop(0.98, values), rtol=1e-9)


@pytest.mark.parametrize("beta", [-0.1, 1.0, float("nan")])
def test_a_beta_outside_its_bounds_is_refused(beta: float) -> None:
    with pytest.raises(ValueError, match="less than 1"):
        DebiasedEMA(beta)

import numpy as np
import pytest

from core.store.columns import Columns, Smoothed, choose


def test_columns_grow_together_and_returned_views_do_not_change() -> None:
    columns = Columns({"small": "i8", "large": "f4"})
    given, total = columns["small"], 0
    for count in (3, 0, 300, 70_000, 5, 20_000):
        numbers = np.arange(total, total + count)
        columns.extend({"small": numbers, "large": numbers * 10})
        assert given.tolist() == list(range(len(given)))
        total += count
        given = columns["small"]
    assert len(columns) == total
    np.testing.assert_array_equal(given, np.arange(total))
    np.testing.assert_array_equal(columns["large"], np.arange(total) * 10)
    assert 12 * total <= columns.nbytes <= 12 * total * 9 / 8
    with pytest.raises(ValueError, match="read-only"):
        given[0] = 7


def test_a_long_series_smoothed_at_once_equals_one_smoothed_as_it_grows() -> None:
    values = np.cos(np.arange(150_000) / 1_000)
    followed = Smoothed(0.9)
    for end in (1, 2, 70_000, 70_000, 150_000):
        averages = followed.follow(values[:end])
        assert len(averages) == end
    np.testing.assert_allclose(averages, Smoothed(0.9).follow(values), rtol=1e-6, atol=1e-6)
    weights = 0.9 ** np.arange(300)  # older ones weigh less than 1e-13
    for t in (1_000, 65_535, 65_536, 149_999):
        assert averages[t] == pytest.approx(weights @ values[t - 299 : t + 1][::-1] / weights.sum(), abs=1e-6)


@pytest.mark.parametrize("extremes", [True, False])
def test_the_first_and_the_last_value_are_chosen_and_no_more_than_asked_for(extremes: bool) -> None:
    values = np.sin(np.arange(5_000) / 100)
    for points in (5, 6, 40, 400):
        chosen = choose(values, points, extremes=extremes)
        assert (chosen[0], chosen[-1]) == (0, 4_999)
        assert points / 2 <= len(chosen) <= points
        assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(choose(values, 5_000, extremes=extremes), np.arange(5_000))


def test_every_spike_is_chosen_if_extremes_are_requested() -> None:
    values = np.zeros(5_000)
    values[[1_234, 4_321]] = 9, -9
    assert {1_234, 4_321} <= set(choose(values, 400, extremes=True).tolist())

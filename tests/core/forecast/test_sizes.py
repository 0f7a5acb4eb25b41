"""Valid batch sizes of a run: the largest, and the nearest above and below."""

from __future__ import annotations

import pytest

from core.forecast.sizes import largest_size, next_size, with_size
from core.run.config import MAX_UPDATES, RunConfig

DIGITS = RunConfig(dataset="digits", batch_size=100)  # 1,437 examples
NORM = DIGITS.replace(norm="batch")
DROPPING = DIGITS.replace(drop_last=True, accumulate=2)


@pytest.mark.parametrize(
    ("config", "largest"), [(DIGITS, 1_437), (DIGITS.replace(accumulate=2), 1_437), (DROPPING, 718)]
)
def test_the_largest_size_leaves_one_whole_window_if_short_ones_are_dropped(config: RunConfig, largest: int) -> None:
    assert largest_size(config) == largest


@pytest.mark.parametrize(
    ("config", "size", "above"),
    [
        (DIGITS, 358, 359),
        (NORM, 358, 360),  # 1,437 = 4 x 359 + 1
        (NORM, 0, 3),  # neither 1 nor 2, which leaves 1
        (DIGITS, 1_437, None),
        (DROPPING, 718, None),  # no window of 2 x 719
    ],
)
def test_the_next_size_is_valid_for_the_run(config: RunConfig, size: int, above: int | None) -> None:
    assert next_size(config, size) == above


@pytest.mark.parametrize(
    ("config", "size", "below"),
    [(DIGITS, 359, 359), (NORM, 359, 358), (NORM, 2, None), (DIGITS, 5_000, 1_437), (DROPPING, 719, 718)],
)
def test_an_invalid_size_becomes_the_next_smaller_valid_one(config: RunConfig, size: int, below: int | None) -> None:
    run = with_size(config, size)
    assert run == (config.replace(batch_size=below) if below else None)


def test_too_many_updates_make_no_size_invalid() -> None:
    run = with_size(RunConfig(batch_size=10_000, budget_value=10_000), 1)
    assert run is not None
    assert (run.batch_size, run.budget, run.budget_value) == (1, "updates", MAX_UPDATES)

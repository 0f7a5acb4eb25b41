"""Which batch size checks that the largest that was found is the largest."""

from __future__ import annotations

import pytest

from core.config import RunConfig
from ui.memory_depth import _next_size

DIGITS = RunConfig(dataset="digits", batch_size=100)  # 1,437 examples


@pytest.mark.parametrize(
    ("config", "size", "most", "above"),
    [
        (DIGITS, 358, 1_437, 359),
        (DIGITS.replace(norm="batch"), 358, 1_437, 360),  # 1,437 = 4 x 359 + 1
        (DIGITS, 1_437, 1_437, None),
        (DIGITS.replace(drop_last=True, accumulate=2), 718, 718, None),  # no window of 2 x 719
        (DIGITS.replace(norm="batch"), 0, 1_437, 3),  # neither 1 nor 2, which leaves 1
    ],
)
def test_the_size_above_is_the_next_that_the_run_may_have(
    config: RunConfig, size: int, most: int, above: int | None
) -> None:
    assert _next_size(config, size, most) == above

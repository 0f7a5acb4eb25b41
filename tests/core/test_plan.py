"""What a run says it will do, in numbers that can be checked by hand."""

from __future__ import annotations

import pytest

from core.config import RunConfig
from core.plan import Plan, plan

DIGITS = RunConfig(dataset="digits", batch_size=100, budget_value=3)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (RunConfig(batch_size=100, budget_value=1), Plan(10_000, 100, 100, 100, 10_000, 100)),
        (RunConfig(batch_size=1_000, budget_value=1), Plan(10_000, 10, 1_000, 10, 10_000, 10)),
        (DIGITS, Plan(1_437, 15, 37, 15, 1_437, 45)),
        (DIGITS.replace(drop_last=True), Plan(1_437, 14, 100, 14, 1_400, 42)),
        (DIGITS.replace(accumulate=4), Plan(1_437, 15, 37, 4, 1_437, 12)),
        (DIGITS.replace(accumulate=4, drop_last=True), Plan(1_437, 14, 100, 3, 1_200, 9)),
        (DIGITS.replace(budget="updates", budget_value=8), Plan(1_437, 15, 37, 15, 1_437, 8)),
        (DIGITS.replace(budget="examples", budget_value=1_438), Plan(1_437, 15, 37, 15, 1_437, 16)),
        (DIGITS.replace(budget="seconds", budget_value=2), Plan(1_437, 15, 37, 15, 1_437, None)),
    ],
)
def test_a_plan_counts_batches_updates_and_examples(config: RunConfig, expected: Plan) -> None:
    assert plan(config) == expected

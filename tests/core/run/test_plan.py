"""Check the planned counts of a run against numbers computed by hand."""

from __future__ import annotations

import pytest

from core.run.config import RunConfig
from core.run.plan import Plan, plan, rate_factor, schedule_horizon

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


@pytest.mark.parametrize(
    ("config", "updates", "horizon"),
    [
        (RunConfig(), 500, 500),
        (RunConfig(schedule_batch_size=100), 500, 500),
        (RunConfig(schedule_batch_size=1_000), 500, 50),
        (RunConfig(batch_size=1_000, schedule_batch_size=100), 50, 500),
        (RunConfig(schedule_batch_size=1_000, accumulate=4), 125, 15),
        (RunConfig(schedule_batch_size=1_000, accumulate=4, drop_last=True), 125, 10),
        (RunConfig(schedule_batch_size=1_000, budget="examples", budget_value=2_500), 25, 3),
        (RunConfig(schedule_batch_size=1_000, budget="updates", budget_value=70), 70, 70),
        (RunConfig(schedule_batch_size=1, budget_value=10_000), 1_000_000, 100_000_000),
        (RunConfig(budget="seconds", budget_value=2), 1_234, 1_234),  # the timed horizon
    ],
)
def test_a_schedule_is_planned_for_the_updates_at_its_own_batch_size(
    config: RunConfig, updates: int, horizon: int
) -> None:
    assert plan(config).total_updates in (updates, None)
    assert schedule_horizon(config, updates) == horizon


LINEAR = RunConfig(schedule="linear", batch_size=1_000, budget_value=1)  # 10 updates


@pytest.mark.parametrize(
    ("config", "factors"),
    [
        (LINEAR, [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        (LINEAR.replace(schedule_batch_size=2_500), [1, 0.75, 0.5, 0.25, 0, 0, 0, 0, 0, 0]),
        (LINEAR.replace(schedule_batch_size=2_500, warmup=0.5), [0.5, 1, 1, 0.5, 0, 0, 0, 0, 0, 0]),
        (LINEAR.replace(schedule_batch_size=2_500, warmup=0.9), [0.25, 0.5, 0.75, 1, 0, 0, 0, 0, 0, 0]),
        (LINEAR.replace(schedule_batch_size=10_000), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (LINEAR.replace(schedule_batch_size=500), [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55]),
    ],
)
def test_a_schedule_with_its_own_batch_size_ends_early_or_is_cut_off(config: RunConfig, factors: list[float]) -> None:
    assert [rate_factor(config, t, 10) for t in range(10)] == pytest.approx(factors, rel=1e-12, abs=0)


def test_the_last_rate_stays_past_the_timed_horizon_of_a_budget_of_seconds() -> None:
    config = RunConfig(schedule="linear", budget="seconds", budget_value=2)
    assert [rate_factor(config, t, 4) for t in range(6)] == [1, 0.75, 0.5, 0.25, 0.25, 0.25]

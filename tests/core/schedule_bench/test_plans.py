"""The plan of each arm: equal examples, and rates and batch sizes in literals."""

from __future__ import annotations

import numpy as np
import pytest

from core.run.choices.schedules import SCHEDULES
from core.schedule_bench.arms import ARMS, BATCH_SIZES, TWIN
from core.schedule_bench.plans import rate_plan


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("arm", [*ARMS, TWIN])
def test_every_arm_sees_the_same_number_of_examples(arm: str, batch_size: int) -> None:
    plan = rate_plan(arm, batch_size)
    assert plan.batch_sizes.sum() == 16 * 2_048 == plan.seen[-1]
    assert plan.seen[0] == 0
    assert len(plan.shares) == len(plan.batch_sizes) == plan.updates


@pytest.mark.parametrize(("batch_size", "updates", "ramp"), [(16, 2_048, 1_184), (64, 512, 296), (256, 128, 76)])
def test_the_growing_batch_makes_the_fewest_updates(batch_size: int, updates: int, ramp: int) -> None:
    assert {rate_plan(arm, batch_size).updates for arm in (*SCHEDULES, TWIN)} == {updates}
    assert rate_plan("ramp", batch_size).updates == ramp


def test_the_batch_grows_by_four_where_the_step_schedule_falls() -> None:
    plan, step = rate_plan("ramp", 16), rate_plan("step", 16)
    falls = step.seen[:-1][np.flatnonzero(np.diff(step.shares, prepend=1.0))]
    grows = plan.seen[:-1][np.flatnonzero(np.diff(plan.batch_sizes, prepend=16))]
    assert falls.tolist() == grows.tolist() == [8 * 2_048, 12 * 2_048]
    assert np.unique(plan.batch_sizes).tolist() == [16, 64, 256]
    assert (plan.shares == 1).all()


def test_a_batch_stops_growing_at_all_examples_and_the_rate_falls_instead() -> None:
    plan = rate_plan("ramp", 256)
    stages = dict(zip(plan.batch_sizes.tolist(), plan.shares.tolist(), strict=True))
    assert stages == {256: 1.0, 1_024: 1.0, 2_048: 0.5}


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_the_twin_has_the_same_rate_per_batch_size_after_the_same_examples(batch_size: int) -> None:
    ramp, twin = rate_plan("ramp", batch_size), rate_plan(TWIN, batch_size)
    assert set(twin.batch_sizes.tolist()) == {batch_size}
    there = np.searchsorted(ramp.seen, twin.seen[:-1], side="right") - 1
    np.testing.assert_allclose((ramp.shares / ramp.batch_sizes)[there], twin.shares / batch_size)
    assert sorted(set(twin.shares.tolist())) == [1 / 16, 1 / 4, 1]


def test_the_planned_rates_are_those_of_the_schedules() -> None:
    shares = {arm: rate_plan(arm, 256).shares for arm in SCHEDULES}
    assert shares["cosine"][[0, 64]].tolist() == pytest.approx([1.0, 0.5])
    assert shares["linear"][[0, 32, 127]].tolist() == [1.0, 0.75, 1 / 128]
    assert shares["step"][[63, 64, 95, 96]].tolist() == [1.0, 0.1, 0.1, 0.01]
    assert shares["exponential"][64] == pytest.approx(0.1)
    assert shares["wsd"][[102, 127]].tolist() == pytest.approx([1.0, 1 / 25.6])
    assert set(shares["constant"]) == set(shares["plateau"]) == {1.0}


def test_a_curve_has_points_evenly_spaced_in_examples() -> None:
    assert np.diff(rate_plan("cosine", 16).seen[rate_plan("cosine", 16).marks]).tolist() == [512] * 64
    marks = rate_plan("ramp", 256).marks
    assert (marks[0], marks[-1]) == (0, 76)
    assert len(marks) < 64  # an update is 2,048 examples in the end

"""Compare learning-rate schedules with PyTorch's own at every update."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as theirs

from core.run.choices.schedules import PLATEAU, SCHEDULES, factor

LENGTHS = (1, 2, 3, 4, 5, 7, 10, 37, 100, 500)
PEAK = 0.3

Make = Callable[[SGD, int], theirs.LRScheduler]
PYTORCH: dict[str, Make] = {
    "constant": lambda optimizer, total: theirs.ConstantLR(optimizer, factor=1.0, total_iters=total),
    "step": lambda optimizer, total: theirs.MultiStepLR(
        optimizer, milestones=[math.ceil(total / 2), math.ceil(3 * total / 4)], gamma=0.1
    ),
    "exponential": lambda optimizer, total: theirs.ExponentialLR(optimizer, gamma=0.01 ** (1 / total)),
    "linear": lambda optimizer, total: theirs.LinearLR(optimizer, 1.0, 0.0, total_iters=total),
    "cosine": lambda optimizer, total: theirs.CosineAnnealingLR(optimizer, T_max=total),
    "one-cycle": lambda optimizer, total: theirs.OneCycleLR(optimizer, PEAK, total_steps=total, cycle_momentum=False),
}


def pytorch_rates(make: Make, total: int) -> list[float]:
    """Return the learning rates of `total` updates as set by PyTorch's own class."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    scheduler = make(optimizer, total)
    rates = []
    for update in range(total):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if update < total - 1:
            scheduler.step()
    return rates


@pytest.mark.parametrize("total", LENGTHS)
@pytest.mark.parametrize("name", PYTORCH)
def test_a_schedule_equals_pytorchs_own_class_at_every_update(name: str, total: int) -> None:
    rates = [PEAK * factor(name, t, total) for t in range(total)]
    assert rates == pytest.approx(pytorch_rates(PYTORCH[name], total), rel=1e-9, abs=1e-12)


def test_every_schedule_is_checked_against_pytorch_or_by_literals() -> None:
    assert set(SCHEDULES) == {*PYTORCH, "wsd", PLATEAU}


# The factors at the first and the last of 100 updates.
ENDS = {
    "constant": (1, 1),
    "step": (1, 0.01),
    "exponential": (1, 0.01**0.99),
    "linear": (1, 0.01),
    "cosine": (1, (1 - math.cos(math.pi / 100)) / 2),
    "one-cycle": (1 / 25, 1 / 250_000),
    "wsd": (1, 0.05),
    PLATEAU: (1, 1),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_starts_and_ends_at_its_documented_rates(name: str) -> None:
    assert (factor(name, 0, 100), factor(name, 99, 100)) == pytest.approx(ENDS[name])


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("total", LENGTHS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_factor_is_between_0_and_1_and_depends_only_on_the_update(name: str, total: int, warmup: float) -> None:
    forwards = [factor(name, t, total, warmup=warmup) for t in range(total)]
    backwards = [factor(name, t, total, warmup=warmup) for t in reversed(range(total))]
    assert forwards == backwards[::-1]
    assert all(type(value) is float and 0 < value <= 1 for value in forwards)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_last_rate_stays_past_the_planned_updates(name: str) -> None:
    assert factor(name, 10, 10) == factor(name, 9, 10)
    assert factor(name, 10_000, 10, warmup=0.3) == factor(name, 9, 10, warmup=0.3)


# The factor at t = U, which a schedule that ends within its run keeps.
RUN_OUT = {
    "constant": 1,
    "step": 0.01,
    "exponential": 0.01,
    "linear": 0,
    "cosine": 0,
    "one-cycle": 1 / 250_000,
    "wsd": 0,
    PLATEAU: 1,
}


@pytest.mark.parametrize("warmup", [0.0, 0.3, 0.9])  # a warm-up of 0.9 fills all of a U below 5
@pytest.mark.parametrize("total", LENGTHS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_that_runs_out_keeps_its_final_rate(name: str, total: int, warmup: float) -> None:
    past = [factor(name, t, total, warmup=warmup, runs_out=True) for t in (total, total + 1, 100 * total)]
    assert past == pytest.approx([RUN_OUT[name]] * 3, rel=1e-12, abs=0)  # abs=0: a zero is exactly 0
    before = [factor(name, t, total, warmup=warmup, runs_out=True) for t in range(total)]
    assert before == [factor(name, t, total, warmup=warmup) for t in range(total)]


def test_warmup_stable_decay_is_constant_then_falls_over_the_last_fifth() -> None:
    assert [factor("wsd", t, 10) for t in range(10)] == pytest.approx([1] * 9 + [0.5])
    assert [factor("wsd", t, 20) for t in range(15, 20)] == pytest.approx([1, 1, 0.75, 0.5, 0.25])
    assert factor("wsd", 0, 1) == 1


def test_a_warm_up_climbs_in_equal_steps_and_the_schedule_covers_the_rest() -> None:
    warmed = [factor("linear", t, 10, warmup=0.4) for t in range(10)]
    assert warmed == pytest.approx([1 / 4, 2 / 4, 3 / 4, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert [factor("constant", t, 4, warmup=0.5) for t in range(4)] == [0.5, 1, 1, 1]


@pytest.mark.parametrize("total", [10, 37, 500])
def test_a_warm_up_before_a_cosine_equals_pytorchs_sequence(total: int) -> None:
    warm = round(0.2 * total)
    make: Make = lambda optimizer, total: theirs.SequentialLR(  # noqa: E731
        optimizer,
        [
            theirs.LambdaLR(optimizer, lambda t: (t + 1) / warm),
            theirs.LambdaLR(optimizer, lambda t: (1 + math.cos(math.pi * t / (total - warm))) / 2),
        ],
        milestones=[warm],
    )
    rates = [PEAK * factor("cosine", t, total, warmup=0.2) for t in range(total)]
    assert rates == pytest.approx(pytorch_rates(make, total), rel=1e-9)


def test_a_warm_up_that_rounds_to_zero_updates_has_no_effect() -> None:
    assert [factor("linear", t, 4, warmup=0.1) for t in range(4)] == [1, 0.75, 0.5, 0.25]

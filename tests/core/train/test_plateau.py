"""Compare reduce-on-plateau with PyTorch's own class on the same losses, and the rates of all schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from core.datasets.tensors import Data
from core.run.choices.schedules import SCHEDULES, factor
from core.run.config import RunConfig
from core.run.events import Epoch
from core.train.trainer import Trainer

STALLING = RunConfig(
    dataset="digits", batch_size=480, optimizer="sgd", lr=2.0, schedule="plateau", budget_value=40, seed=1
)
Run = Callable[..., Any]


def optimizer_at(rate: float) -> SGD:
    return SGD([torch.nn.Parameter(torch.zeros(()))], lr=rate)


@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_the_rate_falls_when_pytorchs_own_rule_says_so(warmup: float, run: Run) -> None:
    recorded = run(STALLING.replace(warmup=warmup))
    epochs = recorded.of(Epoch)
    assert all(epoch.validation_loss is not None for epoch in epochs)  # the rule needs a loss after every epoch
    optimizer = optimizer_at(2.0)
    theirs = ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    expected = []
    for number, epoch in enumerate(epochs):
        for update in range(3 * number, 3 * number + 3):  # 1,437 examples at batch size 480 give three updates
            warm = 120 * warmup
            expected.append(optimizer.param_groups[0]["lr"] * min(1.0, (update + 1) / warm if warm else 1.0))
        theirs.step(epoch.validation_loss)
    assert recorded.column("rates").tolist() == pytest.approx(expected, rel=1e-12)
    peaks = [rate / min(1.0, (t + 1) / (120 * warmup or 1)) for t, rate in enumerate(expected)]
    assert peaks[-1] <= 2.0 / 4  # the rate fell at least twice, so the comparison means something


def test_a_plateau_with_warm_up_is_still_lowered_while_the_rate_rises(run: Run) -> None:
    """The rule watches the loss from the first epoch on, even during the warm-up."""
    rates = run(STALLING.replace(warmup=0.9)).column("rates")
    assert rates.max() < 1.0  # the ratio would be 2.0 without a reduction


@pytest.mark.parametrize("warmup", [0.0, 0.25])
@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "plateau"])
def test_every_update_is_made_and_recorded_at_the_rate_that_lambdalr_would_set(
    name: str, warmup: float, run: Run, datasets: Callable[[str], Data]
) -> None:
    config = RunConfig(
        dataset="digits", model="linear", batch_size=100, schedule=name, warmup=warmup, lr=0.3, budget_value=2
    )
    trainer = Trainer(config, datasets("digits"))
    used = []
    trainer.optimizer.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    recorded = run(trainer).column("rates").tolist()
    assert used == recorded == [0.3 * factor(name, t, 30, warmup=warmup) for t in range(30)]

    optimizer = optimizer_at(0.3)
    scheduler = LambdaLR(optimizer, lambda t: factor(name, t, 30, warmup=warmup))
    theirs = []
    for _ in range(30):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert recorded == theirs

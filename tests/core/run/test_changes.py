"""Check which settings may change in a run that keeps its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from core.datasets.tensors import Data
from core.run.changes import differences, is_spent, lasting, position, state_bytes
from core.run.config import FIELDS, RunConfig
from core.run.fields import CHOICES
from core.train.trainer import Trainer

BASE = RunConfig(dataset="digits")
OTHERWISE: dict[str, Any] = {
    "dataset": "mixture",
    "model": "linear",
    "hidden": (32,),
    "norm": "layer",
    "batch_size": 50,
    "accumulate": 2,
    "drop_last": True,
    "sampling": "iid",
    "optimizer": "adam",
    "lr": 0.1,
    "momentum": 0.5,
    "weight_decay": 0.1,
    "schedule": "linear",
    "warmup": 0.1,
    "schedule_batch_size": 10,
    "budget": "updates",
    "budget_value": 9,
    "seed": 1,
    "memory_limit_mb": 2.0,
    "memory_margin_mb": 0.5,
    "target_loss": 0.1,
    "checkpointing": True,
    "precision": "bfloat16",
    "keep_losses": True,
    "evaluate_with_grad": True,
    "zero_in_place": True,
    "validate_whole": True,
}
MUST_STAY = {"dataset", "model", "hidden", "norm", "sampling", "seed"}


@pytest.mark.parametrize("name", FIELDS)
def test_all_settings_but_those_of_the_weights_and_the_order_may_change(name: str) -> None:
    other = BASE.replace(**{name: OTHERWISE[name]})
    assert lasting(BASE, other) == ([name] if name in MUST_STAY else [])


def test_only_an_mlp_must_keep_its_widths() -> None:
    linear = RunConfig(dataset="digits", model="linear")
    assert lasting(linear, linear.replace(hidden=(32,))) == []


def test_differences_have_both_values_as_stored() -> None:
    other = BASE.replace(batch_size=400, hidden=(32, 16))
    assert differences(BASE, other) == {"hidden": ([128, 64], [32, 16]), "batch_size": (100, 400)}
    assert differences(BASE, BASE) == {}


@pytest.mark.parametrize("optimizer", CHOICES["optimizer"])
def test_the_size_of_a_state_is_known_in_advance(optimizer: str, datasets: Callable[[str], Data]) -> None:
    config = BASE.replace(optimizer=optimizer, lr=0.01)
    trainer = Trainer(config, datasets("digits"))
    trainer.update(0.01, torch.zeros(()), torch.zeros(()))
    parameters = sum(parameter.numel() for parameter in trainer.parameters)
    assert state_bytes(config, parameters) == pytest.approx(trainer.state_bytes(), abs=100)  # Adam's step counts


@pytest.mark.parametrize(
    ("budget", "value", "spent"),
    [
        ("epochs", 2, False),
        ("epochs", 1, True),
        ("examples", 2_001, False),
        ("examples", 2_000, True),
        ("updates", 31, False),
        ("updates", 30, True),
        ("seconds", 1.6, False),
        ("seconds", 1.5, True),
    ],
)
def test_a_budget_is_spent_once_the_run_reaches_it(budget: str, value: float, *, spent: bool) -> None:
    config = BASE.replace(budget=budget, budget_value=value)
    assert is_spent(config, updates=30, examples=2_000, epochs=1, seconds=1.5) == spent


def test_a_position_counts_updates_of_the_runs_own_batch_size() -> None:
    config = BASE.replace(batch_size=400)  # an epoch of 1,437 examples has 4 updates, the last of 237
    assert [position(config, examples) for examples in (0, 1, 400, 1_437, 1_438, 1_937)] == [0, 1, 1, 4, 5, 6]

"""Check that runs unsuitable for an ensemble are refused with a reason before anything is built."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from core.ensemble import Ensemble, problem_with
from core.run.config import RunConfig
from tests.core.ensemble.singly import random_data

CONFIG = RunConfig(dataset="digits", hidden=(8,))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"budget": "seconds", "budget_value": 2.0}, "budget in seconds"),
        ({"schedule": "plateau"}, "plateau"),
        ({"precision": "bfloat16"}, "bfloat16"),
        ({"checkpointing": True}, "checkpointing"),
        ({"keep_losses": True}, "keep_losses"),
        ({"evaluate_with_grad": True}, "evaluate_with_grad"),
        ({"zero_in_place": True}, "zero_in_place"),
    ],
)
def test_features_of_single_runs_are_refused(changes: dict[str, Any], reason: str) -> None:
    config = CONFIG.replace(**changes)
    problem = problem_with(config)
    assert problem is not None
    assert reason in problem
    with pytest.raises(ValueError, match=reason):
        Ensemble([CONFIG, config] if "budget" not in changes else [config], random_data(CONFIG))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "batch"},
        {"model": "cnn", "norm": "batch"},
        {"memory_limit_mb": 1.0, "target_loss": 0.1, "validate_whole": True},
        {"accumulate": 4, "drop_last": True, "sampling": "iid", "weight_decay": 0.1, "warmup": 0.1},
    ],
)
def test_all_other_runs_can_be_trained(changes: dict[str, Any]) -> None:
    assert problem_with(CONFIG.replace(**changes)) is None


@pytest.mark.parametrize(
    "changes",
    [{"batch_size": 50}, {"optimizer": "adam"}, {"hidden": (9,)}, {"weight_decay": 0.1}, {"budget_value": 6}],
)
def test_runs_of_different_shape_are_refused(changes: dict[str, Any]) -> None:
    (name, value), *_ = changes.items()
    with pytest.raises(ValueError, match=f"must have the same {name}, got") as refused:
        Ensemble([CONFIG, CONFIG.replace(**changes)], random_data(CONFIG))
    assert str(value) in str(refused.value)


def test_an_empty_list_of_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        Ensemble([], random_data(CONFIG))


def test_data_must_be_one_shared_set_or_one_set_of_equal_shape_per_run() -> None:
    data, configs = random_data(CONFIG), [CONFIG, CONFIG.replace(seed=1), CONFIG.replace(seed=2)]
    with pytest.raises(ValueError, match="one each of 3 runs, got 2"):
        Ensemble(configs, [data, data])
    shorter = replace(data, train_inputs=data.train_inputs[1:], train_targets=data.train_targets[1:])
    with pytest.raises(ValueError, match="equal shapes and types"):
        Ensemble(configs, [data, data, shorter])
    with pytest.raises(ValueError, match="equal shapes and types"):
        Ensemble(configs, [data, data, random_data(CONFIG, torch.float32)])


def test_a_start_must_have_a_value_for_every_parameter() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        Ensemble([CONFIG], random_data(CONFIG), start=[torch.zeros(())])

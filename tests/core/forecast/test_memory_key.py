"""The key of a prediction includes every field that changes it, so that a cached peak belongs to the same run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from core.forecast.predict import predict
from core.forecast.workspace import Reach
from core.run.choices.optimizers import OPTIMIZERS, OptimizerSpec
from core.run.config import FIELDS, RunConfig
from core.run.events import Prediction
from core.run.fields import FIELD_SPECS

DIGITS = RunConfig(dataset="digits")
ONE_CHUNK = DIGITS.replace(batch_size=10, hidden=(64, 64, 64), validate_whole=True)  # the evaluation needs most
# For each field marked as deciding memory, a run and another value that changes its prediction.
DECIDING: dict[str, tuple[RunConfig, Any]] = {
    "dataset": (DIGITS, "photos10k"),
    "model": (DIGITS, "linear"),
    "hidden": (DIGITS, (32,)),
    "norm": (DIGITS, "layer"),
    "batch_size": (DIGITS, 50),
    "accumulate": (DIGITS, 2),
    "drop_last": (DIGITS.replace(accumulate=2), True),  # no batch size then lets a short window be all there is
    "optimizer": (DIGITS, "adam"),
    "momentum": (DIGITS, 0.0),  # PyTorch keeps no velocity
    "budget": (DIGITS.replace(batch_size=700, budget_value=1), "updates"),  # a single update finds no state
    "budget_value": (DIGITS.replace(batch_size=700, budget="updates", budget_value=1), 2),
    "memory_limit_mb": (DIGITS, 2.0),
    "memory_margin_mb": (DIGITS.replace(memory_limit_mb=1), 0.25),
    "checkpointing": (DIGITS.replace(batch_size=1_000), True),
    "precision": (DIGITS, "bfloat16"),
    "keep_losses": (DIGITS, True),
    "evaluate_with_grad": (ONE_CHUNK, True),
    "zero_in_place": (ONE_CHUNK, True),
    "validate_whole": (DIGITS.replace(batch_size=10), True),
}
# For each other field, another value, which must not change the prediction.
OTHERS: dict[str, Any] = {
    "sampling": "iid",
    "lr": 0.01,
    "weight_decay": 0.1,
    "schedule": "plateau",
    "warmup": 0.5,
    "schedule_batch_size": 10,
    "seed": 1,
    "target_loss": 0.1,
}
CNN = RunConfig(dataset="digits", model="cnn", norm="batch", optimizer="adamw", memory_limit_mb=4.0)


@cache
def predicted(config: RunConfig) -> Prediction:
    return predict(config, reach=Reach.NONE)


def test_every_field_is_tried_on_one_side_or_the_other() -> None:
    assert {*DECIDING, *OTHERS} == set(FIELDS)
    assert set(DECIDING) == {name for name, spec in FIELD_SPECS.items() if spec.memory}


@pytest.mark.slow
@pytest.mark.parametrize("name", DECIDING)
def test_a_field_that_decides_memory_changes_the_prediction_and_its_key(name: str) -> None:
    config, value = DECIDING[name]
    changed = config.replace(**{name: value})
    assert predicted(changed) != predicted(config)
    assert changed.memory_key() != config.memory_key()


@pytest.mark.slow
@pytest.mark.parametrize("config", [DIGITS, CNN], ids=["mlp", "cnn"])
@pytest.mark.parametrize("name", OTHERS)
def test_any_other_field_changes_neither(name: str, config: RunConfig) -> None:
    changed = config.replace(**{name: OTHERS[name]})
    assert changed.memory_key() == config.memory_key()
    assert predicted(changed) == predicted(config)


@pytest.mark.parametrize("code", OPTIMIZERS)
def test_no_optimizer_needs_memory_for_a_field_left_out_of_its_key(code: str) -> None:
    plain = DIGITS.replace(optimizer=code)
    changed = plain.replace(**OTHERS)
    assert (changed.memory_key() == plain.memory_key()) == OPTIMIZERS[code].is_fused
    assert (changed.memory_key() != plain.memory_key()) or predicted(changed) == predicted(plain)


def test_weight_decay_decides_the_memory_of_an_optimizer_that_is_not_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    rmsprop = OptimizerSpec(code="rmsprop", torch_class="torch.optim.RMSprop", states=1, is_fused=False)
    monkeypatch.setitem(OPTIMIZERS, "rmsprop", rmsprop)
    monkeypatch.setitem(FIELD_SPECS, "optimizer", replace(FIELD_SPECS["optimizer"], choices=tuple(OPTIMIZERS)))
    plain = DIGITS.replace(optimizer="rmsprop", batch_size=1)
    decayed = plain.replace(weight_decay=0.1)
    assert predict(decayed, reach=Reach.NONE) != predict(plain, reach=Reach.NONE)  # gradient + decay x weights
    assert decayed.memory_key() != plain.memory_key()


@pytest.mark.parametrize("name", FIELDS)
def test_the_key_of_a_curve_leaves_out_the_place_of_a_run_on_it(name: str) -> None:
    config, value = DECIDING.get(name) or (DIGITS, OTHERS[name])
    changed = config.replace(**{name: value})
    moves = changed.memory_key(at_any_size=True) != config.memory_key(at_any_size=True)
    places = {"batch_size", "drop_last", "budget", "budget_value", "memory_limit_mb", "memory_margin_mb"}
    assert moves == (name in DECIDING and name not in places)

"""Check every optimizer's record against PyTorch: its state, the settings it uses, and its ensemble rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from core.comparison.trainings import OneByOne, Together, open_training
from core.ensemble import Ensemble, problem_with
from core.forecast.own_model import OwnModel
from core.run.changes import state_bytes
from core.run.choices.optimizers import OPTIMIZERS, OptimizerSpec
from core.run.config import RunConfig
from core.run.fields import FIELD_SPECS
from core.train.optimizers import build_any_optimizer
from core.train.trainer import Trainer
from core.words.errors import ConfigError
from tests.core.ensemble.singly import random_data

CONFIG = RunConfig(dataset="digits", hidden=(8,), lr=0.005, weight_decay=0.02, batch_size=50)
PARAMETERS = 64 * 8 + 8 + 8 * 10 + 10
RMSPROP = OptimizerSpec(code="rmsprop", torch_class="torch.optim.RMSprop", states=1, is_fused=False)


@pytest.fixture
def rmsprop(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunConfig]:
    """Register another optimizer by adding only its record, and return a run that uses it."""
    monkeypatch.setitem(OPTIMIZERS, "rmsprop", RMSPROP)
    monkeypatch.setitem(FIELD_SPECS, "optimizer", replace(FIELD_SPECS["optimizer"], choices=tuple(OPTIMIZERS)))
    return CONFIG.replace(optimizer="rmsprop")


def updated(config: RunConfig, updates: int = 3) -> Trainer:
    data = random_data(config, torch.float32)
    trainer = Trainer(config, data)
    for _ in range(updates):
        trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
    return trainer


@pytest.mark.parametrize("code", OPTIMIZERS)
def test_an_optimizer_keeps_the_number_of_state_tensors_in_its_record(code: str) -> None:
    trainer = updated(CONFIG.replace(optimizer=code), updates=1)
    for parameter in trainer.parameters:
        state = trainer.optimizer.state[parameter].values()
        assert sum(value.shape == parameter.shape for value in state if isinstance(value, torch.Tensor)) == (
            OPTIMIZERS[code].states
        )


@pytest.mark.parametrize("name", ["weight_decay", "momentum"])
@pytest.mark.parametrize("code", OPTIMIZERS)
def test_a_setting_affects_the_weights_if_the_record_says_so(code: str, name: str) -> None:
    config = CONFIG.replace(optimizer=code)
    ends = [updated(config.replace(**{name: value})).model.state_dict() for value in (0.3, 0.6)]
    alike = all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])
    assert alike == (name not in OPTIMIZERS[code].uses)


@pytest.mark.parametrize("code", [code for code, spec in OPTIMIZERS.items() if spec.ensemble_rule])
def test_the_ensemble_rule_moves_the_weights_like_the_optimizer(code: str) -> None:
    config = CONFIG.replace(optimizer=code)
    trainer, ensemble = updated(config), Ensemble([config], random_data(config, torch.float32))
    for _ in range(3):
        ensemble.update()
    for parameter, stack in zip(trainer.parameters, ensemble.parameters, strict=True):
        assert torch.allclose(stack[0], parameter, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("code", "offered"),
    [
        ("sgd", ()),
        ("momentum", ("sgd",)),
        ("nesterov", ("sgd",)),
        ("adam", ("momentum", "sgd")),
        ("adamw", ("momentum", "sgd")),
    ],
)
def test_optimizers_with_less_state_are_offered_to_save_memory(code: str, offered: tuple[str, ...]) -> None:
    assert OPTIMIZERS[code].with_less_state == offered


@pytest.mark.parametrize("code", OPTIMIZERS)
def test_an_optimizer_continues_only_from_its_own_state(code: str) -> None:
    assert [other for other in OPTIMIZERS if OPTIMIZERS[code].continues(other)] == [code]


# An optimizer needs only its record.


def test_an_optimizer_added_by_its_record_trains_like_pytorchs_own(rmsprop: RunConfig) -> None:
    trainer = updated(rmsprop, updates=1)
    assert type(trainer.optimizer) is torch.optim.RMSprop
    assert trainer.optimizer.defaults["weight_decay"] == 0.02
    assert state_bytes(rmsprop, PARAMETERS) == 4 * PARAMETERS * 2
    assert trainer.state_bytes() == pytest.approx(4 * PARAMETERS * 2, abs=100)  # PyTorch also stores step counts


def test_an_optimizer_without_an_ensemble_rule_is_trained_one_by_one(rmsprop: RunConfig) -> None:
    assert problem_with(rmsprop) == "an ensemble has no update rule for rmsprop"
    data = random_data(rmsprop, torch.float32)
    assert isinstance(open_training([rmsprop, rmsprop.replace(seed=1)], data), OneByOne)
    assert isinstance(open_training([CONFIG, CONFIG.replace(seed=1)], data), Together)


@pytest.mark.parametrize(("implementation", "foreach"), [("default", None), ("foreach", True), ("loop", False)])
def test_an_own_model_trains_with_an_added_optimizer_in_every_implementation_it_has(
    rmsprop: RunConfig, implementation: str, *, foreach: bool | None
) -> None:
    own = OwnModel(model="torch.nn:Identity", input=(3,), optimizer=rmsprop.optimizer, implementation=implementation)
    parameters = [torch.nn.Parameter(torch.ones(3))]
    built = build_any_optimizer(own.optimizer, parameters, own, implementation=own.implementation)
    assert built.defaults["foreach"] is foreach


def test_an_own_model_cannot_use_a_fused_implementation_that_pytorch_lacks(rmsprop: RunConfig) -> None:
    with pytest.raises(ConfigError) as refused:
        OwnModel(model="torch.nn:Identity", input=(3,), optimizer=rmsprop.optimizer, implementation="fused")
    (problem,) = refused.value.problems
    assert (problem.code, problem.values["choices"]) == ("not_a_choice", "default, foreach, loop")

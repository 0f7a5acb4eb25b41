"""Check that optimizers are PyTorch's own, fused, with PyTorch's defaults for everything a run does not set."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig
from core.run.fields import CHOICES
from core.train.optimizers import build_optimizer

PYTORCH: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "sgd": (SGD, {}),
    "momentum": (SGD, {"momentum": 0.8}),
    "nesterov": (SGD, {"momentum": 0.8, "nesterov": True}),
    "adam": (Adam, {}),
    "adamw": (AdamW, {}),
}


def test_every_optimizer_is_compared() -> None:
    assert set(PYTORCH) == set(OPTIMIZERS) == set(CHOICES["optimizer"])


@pytest.mark.parametrize("weight_decay", [0.0, 0.03])
@pytest.mark.parametrize("name", PYTORCH)
def test_an_optimizer_is_pytorchs_with_the_runs_rate_momentum_and_weight_decay(name: str, weight_decay: float) -> None:
    kind, options = PYTORCH[name]
    config = RunConfig(optimizer=name, lr=0.07, momentum=0.8, weight_decay=weight_decay)
    ours = build_optimizer(config, [nn.Parameter(torch.ones(3))])
    theirs = kind([nn.Parameter(torch.ones(3))], lr=0.07, weight_decay=weight_decay, fused=True, **options)
    assert type(ours) is kind
    assert ours.defaults == theirs.defaults


def minimised(optimizer_of: Any, updates: int = 30) -> Tensor:
    """Return the point an optimizer reaches in a valley 50 times as steep in one direction as in the other."""
    place = nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer = optimizer_of([place])
    for _ in range(updates):
        optimizer.zero_grad()
        (torch.tensor([1.0, 50.0]) * place**2).sum().backward()
        optimizer.step()
    return place.detach()


@pytest.mark.parametrize("name", PYTORCH)
def test_a_fused_optimizer_takes_the_path_of_pytorchs_unfused_one(name: str) -> None:
    kind, options = PYTORCH[name]
    config = RunConfig(optimizer=name, lr=0.005, momentum=0.8, weight_decay=0.1)
    ours = minimised(lambda parameters: build_optimizer(config, parameters))
    theirs = minimised(lambda parameters: kind(parameters, lr=0.005, weight_decay=0.1, **options))
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_no_two_optimizers_take_the_same_path() -> None:
    config = RunConfig(lr=0.005, momentum=0.8, weight_decay=0.1)
    ends = [
        tuple(minimised(lambda parameters, name=name: build_optimizer(config.replace(optimizer=name), parameters)))
        for name in PYTORCH
    ]
    assert len(set(ends)) == len(PYTORCH)


def test_nesterov_with_zero_momentum_is_plain_sgd() -> None:
    config = RunConfig(optimizer="nesterov", momentum=0.0, lr=0.005)
    plain = config.replace(optimizer="sgd")
    ends = [minimised(lambda parameters, of=of: build_optimizer(of, parameters)) for of in (config, plain)]
    assert torch.equal(*ends)

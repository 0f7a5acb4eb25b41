"""Build PyTorch's own optimizers, fused: one call updates every parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from core.config import RunConfig

OPTIMIZERS: dict[str, tuple[Callable[..., Optimizer], Callable[[RunConfig], dict[str, Any]]]] = {
    "sgd": (torch.optim.SGD, lambda config: {}),
    "momentum": (torch.optim.SGD, lambda config: {"momentum": config.momentum}),
    "nesterov": (torch.optim.SGD, lambda config: {"momentum": config.momentum, "nesterov": config.momentum > 0}),
    "adam": (torch.optim.Adam, lambda config: {}),
    "adamw": (torch.optim.AdamW, lambda config: {}),
}


def build_optimizer(config: RunConfig, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Return the config's optimizer over `parameters`; only the rate changes while it runs."""
    kind, options = OPTIMIZERS[config.optimizer]
    return kind(parameters, lr=config.lr, weight_decay=config.weight_decay, fused=True, **options(config))

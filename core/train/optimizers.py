"""Build PyTorch's own optimizers, fused: one call updates every parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Variable
from torch.optim import Optimizer

from core.run.config import RunConfig

OPTIMIZERS: dict[str, tuple[Callable[..., Optimizer], Callable[[float], dict[str, Any]]]] = {  # options by momentum
    "sgd": (torch.optim.SGD, lambda momentum: {}),
    "momentum": (torch.optim.SGD, lambda momentum: {"momentum": momentum}),
    "nesterov": (torch.optim.SGD, lambda momentum: {"momentum": momentum, "nesterov": momentum > 0}),
    "adam": (torch.optim.Adam, lambda momentum: {}),
    "adamw": (torch.optim.AdamW, lambda momentum: {}),
}
IMPLEMENTATIONS: dict[str, dict[str, bool]] = {
    "default": {},
    "fused": {"fused": True},
    "foreach": {"foreach": True},
    "loop": {"foreach": False, "fused": False},
}


def build_optimizer(config: RunConfig, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Return the config's optimizer over `parameters`; only the rate changes while it runs."""
    kind, options = OPTIMIZERS[config.optimizer]
    return kind(parameters, lr=config.lr, weight_decay=config.weight_decay, fused=True, **options(config.momentum))


def build_any_optimizer(
    name: str, parameters: Iterable[nn.Parameter], *, momentum: float, weight_decay: float, implementation: str
) -> Optimizer:
    """Return an optimizer for parameters of any kind; its rate is for show.

    `implementation` is fused, foreach, loop, or default: what PyTorch picks by itself.
    """
    kind, options = OPTIMIZERS[name]
    chosen = IMPLEMENTATIONS[implementation]
    return kind(parameters, lr=1e-3, weight_decay=weight_decay, **chosen, **options(momentum))


def bare_backward() -> Callable[[Tensor], None]:
    """Return `Tensor.backward` of a scalar loss, without the checks around it (see docs/decisions/0006)."""
    run = Variable._execution_engine.run_backward

    def bare(loss: Tensor) -> None:
        run((loss,), (torch.ones_like(loss),), False, False, (), allow_unreachable=True, accumulate_grad=True)

    return bare


def bare_step(optimizer: Optimizer) -> Callable[[], None]:
    """Return the optimizer's own step with its hooks, without the profiler's label that PyTorch puts around it.

    The label costs as much time as the fused step of a small model (see docs/decisions/0006).
    """
    step: Callable[[Optimizer], None] = type(optimizer).step.__wrapped__  # type: ignore[attr-defined]
    before, after = optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks

    def bare() -> None:
        for hook in before.values():
            hook(optimizer, (), {})
        step(optimizer)
        for hook in after.values():
            hook(optimizer, (), {})

    return bare

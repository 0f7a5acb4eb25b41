"""Build PyTorch's own optimizers, fused where available: one call then updates every parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.autograd import Variable
from torch.optim import Optimizer

from core.run.choices.named import loaded
from core.run.choices.optimizers import OPTIMIZERS, OptimizerSpec, Settings
from core.run.config import RunConfig

IMPLEMENTATIONS: dict[str, dict[str, bool]] = {
    "default": {},
    "fused": {"fused": True},
    "foreach": {"foreach": True},
    "loop": {"foreach": False, "fused": False},
}


def build_optimizer(config: RunConfig, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Return the config's optimizer over `parameters`, fused if PyTorch supports it. Only the rate changes later."""
    spec = OPTIMIZERS[config.optimizer]
    return _built(spec, parameters, config, lr=config.lr, implementation="fused" if spec.is_fused else "default")


def build_any_optimizer(
    name: str, parameters: Iterable[nn.Parameter], settings: Settings, *, implementation: str
) -> Optimizer:
    """Return an optimizer for any parameters, with a learning rate of 0.001: memory does not depend on it.

    `implementation` is "fused", "foreach", "loop" or "default", which leaves the choice to PyTorch.
    """
    return _built(OPTIMIZERS[name], parameters, settings, lr=1e-3, implementation=implementation)


def _built(
    spec: OptimizerSpec, parameters: Iterable[nn.Parameter], settings: Settings, *, lr: float, implementation: str
) -> Optimizer:
    options = IMPLEMENTATIONS[implementation] | spec.keywords(settings)
    if not spec.is_fused:  # the class has no `fused` argument
        options.pop("fused", None)
    optimizer: Optimizer = loaded(spec.torch_class)(parameters, lr=lr, **options)
    return optimizer


def bare_backward() -> Callable[[Tensor], None]:
    """Return a `Tensor.backward` for scalar losses that skips PyTorch's argument checks (see docs/decisions/0006)."""
    run = Variable._execution_engine.run_backward

    def bare(loss: Tensor) -> None:
        run((loss,), (torch.ones_like(loss),), False, False, (), allow_unreachable=True, accumulate_grad=True)

    return bare


def bare_step(optimizer: Optimizer) -> Callable[[], None]:
    """Return the optimizer's step with its hooks, without the profiler label that PyTorch wraps around it.

    The label takes as long as the fused step of a small model (see docs/decisions/0006).
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

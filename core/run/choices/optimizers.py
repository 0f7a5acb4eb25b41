"""Define the optimizers, one record each: how they are built and what state they keep. No torch.

To add one, add its record. `weight_decay` and `momentum` are passed to PyTorch's class under these names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Settings(Protocol):
    """The settings that an optimizer may use, from a RunConfig or an OwnModel."""

    @property
    def momentum(self) -> float: ...

    @property
    def weight_decay(self) -> float: ...


def _no_options(settings: Settings) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec:
    """Every fact about an optimizer.

    code                name in a config, a URL and the store
    torch_class         dotted name of the class in PyTorch
    states              number of state tensors for each parameter, all allocated by the first update
    uses                settings it takes besides the learning rate
    options             further keyword arguments
    is_fused            whether PyTorch can update all parameters in one call; other implementations allocate temporary
                        tensors, and their memory may depend on every setting in `uses`
    decouples_decay     whether weight decay is separate from the gradient, so that the loss has no penalty term
    usual_rate          learning rate that its authors propose; `core/run/cautions.py` warns of far more
    ensemble_rule       dotted name of the update rule for many models at once (see `core.ensemble.rules`); None if
                        there is none, and the runs are then trained one by one
    """

    code: str
    torch_class: str
    states: int
    uses: tuple[str, ...] = ("weight_decay",)
    options: Callable[[Settings], dict[str, Any]] = _no_options
    is_fused: bool = True
    decouples_decay: bool = False
    usual_rate: float | None = None
    ensemble_rule: str | None = None

    def keywords(self, settings: Settings) -> dict[str, Any]:
        """Return the keyword arguments for the class, except learning rate and implementation."""
        return {name: getattr(settings, name) for name in self.uses} | self.options(settings)

    def continues(self, code: str) -> bool:
        """Return whether this optimizer can continue from the state of the optimizer with this code.

        It can if both are the same optimizer, whatever their settings.
        """
        return code == self.code

    @property
    def with_less_state(self) -> tuple[str, ...]:
        """The optimizers that need less memory: the first in the registry for each smaller number of states."""
        first: dict[int, str] = {}
        for spec in OPTIMIZERS.values():
            first.setdefault(spec.states, spec.code)
        return tuple(first[states] for states in sorted(first, reverse=True) if states < self.states)


OPTIMIZERS: dict[str, OptimizerSpec] = {
    spec.code: spec
    for spec in (
        OptimizerSpec(
            code="sgd",
            torch_class="torch.optim.SGD",
            states=0,
            ensemble_rule="core.ensemble.rules.plain",
        ),
        OptimizerSpec(
            code="momentum",
            torch_class="torch.optim.SGD",
            states=1,
            uses=("weight_decay", "momentum"),
            ensemble_rule="core.ensemble.rules.heavy_ball",
        ),
        OptimizerSpec(
            code="nesterov",
            torch_class="torch.optim.SGD",
            states=1,
            uses=("weight_decay", "momentum"),
            options=lambda settings: {"nesterov": settings.momentum > 0},  # PyTorch rejects Nesterov without momentum
            ensemble_rule="core.ensemble.rules.nesterov",
        ),
        OptimizerSpec(
            code="adam",
            torch_class="torch.optim.Adam",
            states=2,
            usual_rate=0.001,
            ensemble_rule="core.ensemble.rules.adam",
        ),
        OptimizerSpec(
            code="adamw",
            torch_class="torch.optim.AdamW",
            states=2,
            decouples_decay=True,
            usual_rate=0.001,
            ensemble_rule="core.ensemble.rules.adam",
        ),
    )
}

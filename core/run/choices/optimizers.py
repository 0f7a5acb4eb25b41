"""The optimizers, one record each: how they are built, what they remember, what they cost. No torch.

To add one, add its record; `weight_decay` and `momentum` are passed to PyTorch's class under their own names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Settings(Protocol):
    """The settings that an optimizer may use: a run's, or those of a training of somebody's own model."""

    @property
    def momentum(self) -> float: ...

    @property
    def weight_decay(self) -> float: ...


def _no_options(settings: Settings) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec:
    """Every fact about an optimizer.

    code                its name in a config, a URL and the store
    torch_class         the dotted name of its class in PyTorch
    states              how many tensors of a parameter's size it keeps, all of them from the first update on
    uses                the settings it takes besides the learning rate
    options             further keyword arguments
    is_fused            PyTorch can update every parameter in one call; other implementations allocate temporary
                        tensors, and what they need may depend on every setting in `uses`
    decouples_decay     its weight decay is not part of the gradient, so the loss it minimises has no penalty term
    high_rate           above this learning rate a run is cautioned
    ensemble_rule       the dotted name of its update rule for many models at once (see `core.ensemble.rules`); None
                        where there is none, and an ensemble's runs are trained one by one
    """

    code: str
    torch_class: str
    states: int
    uses: tuple[str, ...] = ("weight_decay",)
    options: Callable[[Settings], dict[str, Any]] = _no_options
    is_fused: bool = True
    decouples_decay: bool = False
    high_rate: float | None = None
    ensemble_rule: str | None = None

    def keywords(self, settings: Settings) -> dict[str, Any]:
        """Return the keyword arguments for its class, without rate and implementation."""
        return {name: getattr(settings, name) for name in self.uses} | self.options(settings)

    def continues(self, code: str) -> bool:
        """Return whether it can go on from the state of another optimizer; it can from its own at any settings."""
        return code == self.code

    @property
    def with_less_state(self) -> tuple[str, ...]:
        """The optimizers to offer where memory is short: the first with each smaller number of states."""
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
            options=lambda settings: {"nesterov": settings.momentum > 0},  # PyTorch refuses it without momentum
            ensemble_rule="core.ensemble.rules.nesterov",
        ),
        OptimizerSpec(
            code="adam",
            torch_class="torch.optim.Adam",
            states=2,
            high_rate=0.02,
            ensemble_rule="core.ensemble.rules.adam",
        ),
        OptimizerSpec(
            code="adamw",
            torch_class="torch.optim.AdamW",
            states=2,
            decouples_decay=True,
            high_rate=0.02,
            ensemble_rule="core.ensemble.rules.adam",
        ),
    )
}

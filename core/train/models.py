"""Build models from their records and choose the loss function of each task."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from core.run.choices.models import MODELS
from core.run.config import RunConfig

Loss = Callable[[Tensor, Tensor], Tensor]


def build_model(config: RunConfig) -> nn.Module:
    """Return the config's model, (B, *input_shape(config)) to (B, outputs), with PyTorch's default initialisation."""
    layers = MODELS[config.model].layers_for(config.spec, config.hidden, config.norm)
    return nn.Sequential(OrderedDict((name, layer.made()) for name, layer in layers))


def input_shape(config: RunConfig) -> tuple[int, ...]:
    """Return the shape of one example for the config's model: an image for a CNN, a row for the others."""
    return MODELS[config.model].input_shape(config.spec)


def half_mean_squared_error(output: Tensor, target: Tensor) -> Tensor:
    """Return mean((output - target)^2) / 2, whose gradient is the residual itself."""
    # The scalar of mse_loss's own mean keeps a storage of the whole batch alive, which fake tensors do not show.
    return functional.mse_loss(output, target, reduction="none").mean() * 0.5


LOSSES: dict[str, Loss] = {
    "classification": functional.cross_entropy,
    "regression": half_mean_squared_error,
}

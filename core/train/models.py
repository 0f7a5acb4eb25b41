"""Build the models: linear, MLP and CNN, with their normalisations and losses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import prod

from torch import Tensor, nn
from torch.nn import functional

from core.run.config import RunConfig

Loss = Callable[[Tensor, Tensor], Tensor]

CHANNELS = (16, 32)


def build_model(config: RunConfig) -> nn.Module:
    """Return the config's model with PyTorch's own initialisation: (B, *input_shape(config)) to (B, outputs)."""
    return MODELS[config.model](config)


def input_shape(config: RunConfig) -> tuple[int, ...]:
    """Return the shape in which the config's model takes an example: a CNN as an image, the others as a row."""
    shape = config.spec.input_shape
    return shape if config.model == "cnn" else (prod(shape),)


def _linear(config: RunConfig) -> nn.Module:
    (features,) = input_shape(config)
    bias = config.spec.task == "classification" and not config.spec.has_constant
    return _named(linear=nn.Linear(features, config.spec.outputs, bias=bias))


def _mlp(config: RunConfig) -> nn.Module:
    norms: dict[str, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
    layers: dict[str, nn.Module] = {}
    (width,) = input_shape(config)
    for number, hidden in enumerate(config.hidden, 1):
        layers[f"linear{number}"] = nn.Linear(width, hidden)
        if config.norm != "none":
            layers[f"norm{number}"] = norms[config.norm](hidden)
        layers[f"relu{number}"] = nn.ReLU()
        width = hidden
    return _named(**layers, output=nn.Linear(width, config.spec.outputs))


def _cnn(config: RunConfig) -> nn.Module:
    norms: dict[str, Callable[[int], nn.Module]] = {
        "batch": nn.BatchNorm2d,
        "group": lambda channels: nn.GroupNorm(4, channels),
        "layer": lambda channels: nn.GroupNorm(1, channels),
    }
    channels, height, width = input_shape(config)
    layers: dict[str, nn.Module] = {}
    for number, out in enumerate(CHANNELS, 1):
        layers[f"conv{number}"] = nn.Conv2d(channels, out, 3, padding=1)
        if config.norm != "none":
            layers[f"norm{number}"] = norms[config.norm](out)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"pool{number}"] = nn.MaxPool2d(2)
        channels, height, width = out, height // 2, width // 2
    return _named(**layers, flatten=nn.Flatten(), output=nn.Linear(channels * height * width, config.spec.outputs))


def _named(**layers: nn.Module) -> nn.Module:
    """Return the layers in sequence, under names that a person can read."""
    return nn.Sequential(OrderedDict(layers))


MODELS: dict[str, Callable[[RunConfig], nn.Module]] = {"linear": _linear, "mlp": _mlp, "cnn": _cnn}


def half_mean_squared_error(output: Tensor, target: Tensor) -> Tensor:
    """Return mean((output - target)^2) / 2, whose gradient is the residual itself."""
    # Not the built-in mean: its scalar keeps a storage of the whole batch, which fake tensors do not know of.
    return functional.mse_loss(output, target, reduction="none").mean() * 0.5


LOSSES: dict[str, Loss] = {
    "classification": functional.cross_entropy,
    "regression": half_mean_squared_error,
}

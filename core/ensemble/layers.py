"""Run and differentiate the layers of many models as one computation, each model on its own examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from core.ensemble.differentiated import DIFFERENTIATED, Function
from core.ensemble.stack import Matrices, Stack

MATRIX = 2  # only the weights of linear layers have this many dimensions
IMAGES = 5  # dimensions: model, example, channel, height, width


class Layers:
    """The layers of M models of one shape: (M, B, *input shape) to (M, B, outputs).

    Intermediate values are (M, B, features). For images they are (B, M x channels, height, width): M models on images
    run as one model with M groups of channels.
    """

    def __init__(self, models: Sequence[Iterable[nn.Module]]) -> None:
        self.stacks: list[Stack] = []  # one for each parameter, in the order of `nn.Module.parameters`
        self._layers: list[_Layer] = []
        for same in zip(*models, strict=True):
            parameters = zip(*(layer.parameters() for layer in same), strict=True)
            stacks = [(Matrices if each[0].dim() == MATRIX else Stack)(each) for each in parameters]
            self._layers.append(_layer(same[0], len(models), stacks, is_first=not self._layers))
            self.stacks += stacks

    @torch.no_grad()
    def forward(self, inputs: Tensor, *, is_training: bool) -> Tensor:
        """Return the outputs; in training, keep what `backward` needs."""
        values = inputs
        if inputs.dim() == IMAGES:  # channels-last makes grouped convolutions a third faster
            values = inputs.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        for layer in self._layers:
            values = layer.forward(values, is_training=is_training)
        return values

    @torch.no_grad()
    def backward(self, errors: Tensor) -> None:
        """Add to the gradients in the stacks, given the derivative of the loss by the outputs of the last `forward`."""
        for layer in reversed(self._layers):
            errors = layer.backward(errors)


class _Layer(Protocol):
    def forward(self, values: Tensor, *, is_training: bool) -> Tensor: ...

    def backward(self, errors: Tensor) -> Tensor:
        """Store the parameters' gradients; return the derivative by the values, which the first layer may skip."""
        ...


def _layer(layer: nn.Module, models: int, stacks: list[Stack], *, is_first: bool) -> _Layer:
    match stacks:
        case [Matrices() as weights, *bias]:
            return _Linear(weights, *bias, is_first=is_first)
    if isinstance(layer, nn.ReLU):
        return _Relu()
    return _Differentiated(DIFFERENTIATED[type(layer)](layer, models, *stacks), is_first=is_first)


class _Linear:
    """A linear layer without autograd, because its weight gradient stays factored (see `Matrices`)."""

    def __init__(self, weights: Matrices, bias: Stack | None = None, *, is_first: bool) -> None:
        self.weights, self.bias, self.is_first = weights, bias, is_first

    def forward(self, values: Tensor, *, is_training: bool) -> Tensor:
        self._values = values
        if self.bias is None:
            return torch.bmm(values, self.weights.values)
        return torch.baddbmm(self.bias.values.unsqueeze(1), values, self.weights.values)

    def backward(self, errors: Tensor) -> Tensor:
        self.weights.note_factors(self._values, errors)
        if self.bias is not None:
            self.bias.note(errors.sum(1))
        return errors if self.is_first else torch.bmm(errors, self.weights.values.mT)


class _Relu:
    """A ReLU without autograd, so that it can run in place: no layer needs its own outputs, only its inputs."""

    def forward(self, values: Tensor, *, is_training: bool) -> Tensor:
        self._outputs = values.relu_()
        return self._outputs

    def backward(self, errors: Tensor) -> Tensor:
        return torch.ops.aten.threshold_backward(errors, self._outputs, 0)  # type: ignore[no-any-return]


class _Differentiated:
    """Any other layer, differentiated by autograd."""

    def __init__(self, function: Function, *, is_first: bool) -> None:
        self._function, self.is_first = function, is_first

    def forward(self, values: Tensor, *, is_training: bool) -> Tensor:
        if not is_training:
            return self._function(values, False)
        with torch.enable_grad():
            self._values = values.detach().requires_grad_(not self.is_first)
            self._outputs = self._function(self._values, True)
        return self._outputs.detach()

    def backward(self, errors: Tensor) -> Tensor:
        self._outputs.backward(errors)  # type: ignore[no-untyped-call]
        return errors if self._values.grad is None else self._values.grad

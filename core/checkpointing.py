"""Forget activations in the forward pass and compute them again in the backward pass, segment by segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

MATRIX = 2  # dimensions: from here on a parameter is a weight, not a bias or a scale


def checkpoint_segments(model: nn.Module) -> None:
    """Make a model keep only what its segments take in, and compute the rest again when it goes back.

    The segments of a sequence begin at each of its layers with weights and reach to the next; the last one is not
    worth it, since it is the first to be needed again. Of any other model each child is one. Same numbers, same names,
    one more forward pass.
    Source: torch.utils.checkpoint, non-reentrant; Chen et al. 2016, arXiv 1604.06174.
    """
    if isinstance(model, nn.Sequential):
        *segments, last = _segments(model)

        def forward(value: Any) -> Any:
            for segment in segments:
                value = _kept_small(segment)(value)
            return last(value)

        model.forward = forward  # type: ignore[method-assign]
        return
    for child in model.children():
        if not isinstance(child, nn.ModuleList | nn.ModuleDict | nn.ParameterList | nn.ParameterDict):
            child.forward = _kept_small(child.forward)


def _kept_small(function: Callable[..., Any]) -> Callable[..., Any]:
    def forward(*args: Any, **kwargs: Any) -> Any:
        return checkpoint(function, *args, use_reentrant=False, **kwargs)

    return forward


def _segments(model: nn.Sequential) -> Iterator[Callable[[Any], Any]]:
    layers: list[nn.Module] = []
    for layer in model:
        has_weights = any(parameter.dim() >= MATRIX for parameter in layer.parameters())
        if layers and has_weights:
            yield _in_order(layers)
            layers = []
        layers.append(layer)
    yield _in_order(layers)


def _in_order(layers: list[nn.Module]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        for layer in layers:
            value = layer(value)
        return value

    return run

"""Drop activations in the forward pass and recompute them in the backward pass, segment by segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

MATRIX = 2  # a parameter with at least this many dimensions is a weight, not a bias or a scale


def checkpoint_segments(model: nn.Module) -> None:
    """Make a model keep only the inputs of its segments and recompute the rest in the backward pass.

    In an `nn.Sequential` a segment runs from one layer with weights up to the next. The last segment is not
    checkpointed: the backward pass needs its activations first. In any other model each child is a segment. Results
    and parameter names do not change, the forward pass runs once more, and that second pass does not update running
    statistics.

    Source: torch.utils.checkpoint, non-reentrant; Chen et al. 2016, arXiv 1604.06174.
    """
    if isinstance(model, nn.Sequential) and type(model).forward is nn.Sequential.forward:
        *segments, last = _segments(model)
        checkpointed = [_checkpointed(_in_order(layers), layers) for layers in segments]

        def forward(value: Any) -> Any:
            for segment in checkpointed:
                value = segment(value)
            return _in_order(last)(value)

        model.forward = forward  # type: ignore[method-assign]
        return
    for child in model.children():
        if not isinstance(child, nn.ModuleList | nn.ModuleDict | nn.ParameterList | nn.ParameterDict):
            child.forward = _checkpointed(child.forward, [child])


def _checkpointed(function: Callable[..., Any], layers: Iterable[nn.Module]) -> Callable[..., Any]:
    norms = [module for layer in layers for module in layer.modules() if isinstance(module, _BatchNorm)]

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _unchanged(norms)

    def forward(*args: Any, **kwargs: Any) -> Any:
        return checkpoint(function, *args, use_reentrant=False, context_fn=contexts, **kwargs)

    return forward


@contextmanager
def _unchanged(norms: list[_BatchNorm]) -> Iterator[None]:
    """Let batch normalisation process a batch again without updating its running statistics."""
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, tracked) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, tracked


def _segments(model: nn.Sequential) -> Iterator[list[nn.Module]]:
    layers: list[nn.Module] = []
    for layer in model:
        has_weights = any(parameter.dim() >= MATRIX for parameter in layer.parameters())
        if layers and has_weights:
            yield layers
            layers = []
        layers.append(layer)
    yield layers


def _in_order(layers: list[nn.Module]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        for layer in layers:
            value = layer(value)
        return value

    return run

"""Run layers other than linear ones for many models at once, in functions that autograd can differentiate.

Each is built from one model's layer, the number of models M, and the stacks of the layer's parameters.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.ensemble.stack import Stack

Function = Callable[[Tensor, bool], Tensor]  # takes the values and whether the models are in training mode


def _layer_norm(layer: nn.LayerNorm, models: int, weight: Stack, bias: Stack) -> Function:
    def run(values: Tensor, is_training: bool) -> Tensor:
        normal = functional.layer_norm(values, layer.normalized_shape, eps=layer.eps)
        return torch.addcmul(bias.values.unsqueeze(1), normal, weight.values.unsqueeze(1))

    return run


def _batch_norm(layer: nn.BatchNorm2d, models: int, weight: Stack, bias: Stack) -> Function:
    mean, variance = torch.zeros_like(weight.shaped).flatten(), torch.ones_like(weight.shaped).flatten()

    def run(values: Tensor, is_training: bool) -> Tensor:
        scale, shift = weight.values.flatten(), bias.values.flatten()
        return functional.batch_norm(
            values, mean, variance, scale, shift, training=is_training, momentum=layer.momentum or 0.0, eps=layer.eps
        )

    return run


def _batch_norm_of_rows(layer: nn.BatchNorm2d, models: int, weight: Stack, bias: Stack) -> Function:
    side_by_side = _batch_norm(layer, models, weight, bias)

    def run(values: Tensor, is_training: bool) -> Tensor:
        rows = side_by_side(values.transpose(0, 1).flatten(1), is_training)
        return rows.view(len(rows), models, -1).transpose(0, 1)

    return run


def _convolution(layer: nn.Conv2d, models: int, kernels: Stack, bias: Stack) -> Function:
    def run(values: Tensor, is_training: bool) -> Tensor:
        weights, shift = kernels.values.flatten(0, 1), bias.values.flatten()
        return functional.conv2d(values, weights, shift, padding=layer.padding, groups=models)

    return run


def _group_norm(layer: nn.GroupNorm, models: int, weight: Stack, bias: Stack) -> Function:
    def run(values: Tensor, is_training: bool) -> Tensor:
        scale, shift = weight.values.flatten(), bias.values.flatten()
        return functional.group_norm(values, models * layer.num_groups, scale, shift, layer.eps)

    return run


def _max_pool(layer: nn.MaxPool2d, models: int) -> Function:
    return lambda values, is_training: functional.max_pool2d(values, layer.kernel_size)


def _flatten(layer: nn.Flatten, models: int) -> Function:
    return lambda values, is_training: values.reshape(len(values), models, -1).transpose(0, 1)


DIFFERENTIATED: dict[type[nn.Module], Callable[..., Function]] = {
    nn.LayerNorm: _layer_norm,
    nn.BatchNorm1d: _batch_norm_of_rows,
    nn.Conv2d: _convolution,
    nn.BatchNorm2d: _batch_norm,
    nn.GroupNorm: _group_norm,
    nn.MaxPool2d: _max_pool,
    nn.Flatten: _flatten,
}

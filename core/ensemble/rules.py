"""Compute the direction in which each of PyTorch's optimizers moves the weights, for tensors of any shape.

A rule takes a gradient, which it may overwrite, the weights, its state and the update number (from 1), and returns
the direction D of the change -rate x D. Every rule works element by element, so no model affects another. The records
in `core.run.choices.optimizers` name the functions that build rules.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

from core.run.choices.named import loaded
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig

State = tuple[Tensor, ...]  # each has the shape of the weights and starts at zero
Rule = Callable[[Tensor, Tensor, State, int], Tensor]

AVERAGING, AVERAGING_SQUARES, EPSILON = 0.9, 0.999, 1e-8  # defaults of torch.optim.Adam and AdamW


def build_rule(config: RunConfig) -> tuple[Rule, int]:
    """Return the config's rule with its weight decay, and the number of tensors in its state."""
    spec = OPTIMIZERS[config.optimizer]
    assert spec.ensemble_rule  # `core.ensemble.suitability` rejects optimizers without a rule
    own: Rule = loaded(spec.ensemble_rule)(config)
    decay = config.weight_decay

    def with_decay(gradient: Tensor, weights: Tensor, state: State, update: int) -> Tensor:
        return own(gradient.add_(weights, alpha=decay), weights, state, update)

    def with_decoupled_decay(gradient: Tensor, weights: Tensor, state: State, update: int) -> Tensor:
        return own(gradient, weights, state, update).add_(weights, alpha=decay)

    decayed = with_decoupled_decay if spec.decouples_decay else with_decay
    return decayed if decay else own, spec.states


def plain(config: RunConfig) -> Rule:
    """Return the rule of stochastic gradient descent: D = gradient."""
    return lambda gradient, weights, state, update: gradient


def heavy_ball(config: RunConfig) -> Rule:
    """Return the rule of momentum: D = v with the velocity v <- momentum v + gradient."""
    momentum = config.momentum

    def direction(gradient: Tensor, weights: Tensor, state: State, update: int) -> Tensor:
        (velocity,) = state
        return torch.add(gradient, velocity, alpha=momentum, out=velocity)

    return direction


def nesterov(config: RunConfig) -> Rule:
    """Return the rule of Nesterov momentum: D = gradient + momentum v with the updated velocity v."""
    momentum = config.momentum

    def direction(gradient: Tensor, weights: Tensor, state: State, update: int) -> Tensor:
        (velocity,) = state
        return gradient.add_(torch.add(gradient, velocity, alpha=momentum, out=velocity), alpha=momentum)

    return direction


def adam(config: RunConfig) -> Rule:
    """Return the rule of Adam (Kingma and Ba 2015) with PyTorch's default coefficients."""

    def direction(gradient: Tensor, weights: Tensor, state: State, update: int) -> Tensor:
        mean, square = state
        mean.lerp_(gradient, 1 - AVERAGING)
        square.mul_(AVERAGING_SQUARES).addcmul_(gradient, gradient, value=1 - AVERAGING_SQUARES)
        # m / bias1 / (sqrt(v / bias2) + epsilon), with the corrections folded into two scalars to save passes.
        bias1, bias2 = 1 - AVERAGING**update, 1 - AVERAGING_SQUARES**update
        least = torch.tensor(bias1 * EPSILON, dtype=gradient.dtype)
        root = torch.sqrt(square, out=gradient)
        return torch.div(mean, torch.add(least, root, alpha=bias1 / sqrt(bias2), out=root), out=root)

    return direction

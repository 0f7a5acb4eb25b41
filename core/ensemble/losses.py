"""Compute the losses of many models and their derivatives without autograd, which would take twice as long."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Maps outputs (M, B, outputs) and targets to the loss of every example, (M, B), and its derivative by the outputs.
Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def cross_entropy(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropies for target classes (M, B), and softmax - 1 at the target."""
    right = targets.unsqueeze(1)
    logarithms = torch.log_softmax(outputs.mT, 1)  # transposed: rows of examples are longer than rows of classes
    losses = logarithms.gather(1, right).neg_()
    derivative = logarithms.exp_()
    derivative.scatter_add_(1, right, torch.full_like(losses, -1.0))
    return losses.squeeze(1), derivative.mT


def half_squared_error(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return half the squared errors for targets (M, B, 1), and the residuals."""
    residuals = outputs - targets
    return residuals.square().squeeze(2).mul_(0.5), residuals


LOSSES: dict[str, Loss] = {"classification": cross_entropy, "regression": half_squared_error}

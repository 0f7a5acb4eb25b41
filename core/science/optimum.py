"""Find the lowest loss of a linear classifier by solving the convex problem to machine precision."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from core.words.errors import BatchLabError, Problem

NEWTON_STEPS, PRECISION = 50, 1e-10  # upper bounds of the steps and of the gradient's largest entry


@dataclass(frozen=True)
class Optimum:
    """The minimiser of the objective, (classes, features) in float64, and its value."""

    weights: Tensor
    loss: float


def objective(weights: Tensor, inputs: Tensor, targets: Tensor, weight_decay: float) -> Tensor:
    """Return the mean cross-entropy of inputs @ weights.T plus weight_decay / 2 times the squared norm of the weights.

    An optimizer with this weight decay follows its gradient. `weights` (classes, features), `inputs` (N, features),
    `targets` (N,).
    """
    return cross_entropy(inputs @ weights.T, targets) + weight_decay / 2 * weights.square().sum()


def softmax_optimum(inputs: Tensor, targets: Tensor, classes: int, *, weight_decay: float) -> Optimum:
    """Return the optimum of `objective` by Newton's method with step halving.

    Raises BatchLabError without weight decay, because separable data then have no optimum.
    """
    if not weight_decay > 0:
        raise BatchLabError(Problem("no_optimum", {"weight_decay": weight_decay}))
    x, hot = inputs.double(), one_hot(targets, classes).double()
    weights = torch.zeros(classes, x.shape[1], dtype=torch.float64)
    loss = objective(weights, x, targets, weight_decay)
    for _ in range(NEWTON_STEPS):
        shares = (x @ weights.T).softmax(1)
        gradient = (shares - hot).T @ x / len(x) + weight_decay * weights
        if gradient.abs().max() < PRECISION:
            return Optimum(weights, float(loss))
        step = torch.linalg.solve(_hessian(x, shares, weight_decay), gradient.flatten()).view_as(weights)
        length = 1.0
        while (lower := objective(weights - length * step, x, targets, weight_decay)) > loss and length > 1e-6:
            length /= 2
        weights, loss = weights - length * step, lower
    raise BatchLabError(Problem("no_optimum", {"weight_decay": weight_decay}))


def largest_curvature(inputs: Tensor, weights: Tensor, *, weight_decay: float) -> float:
    """Return the largest eigenvalue of the objective's Hessian at `weights`; no rate above 2 / eigenvalue is stable."""
    return float(torch.linalg.eigvalsh(curvature(inputs, weights, weight_decay=weight_decay))[-1])


def curvature(inputs: Tensor, weights: Tensor, *, weight_decay: float) -> Tensor:
    """Return the objective's Hessian at `weights`, a square float64 matrix with classes x features rows."""
    x = inputs.double()
    return _hessian(x, (x @ weights.double().T).softmax(1), weight_decay)


def _hessian(x: Tensor, shares: Tensor, weight_decay: float) -> Tensor:
    """Return the Hessian; each block is a second moment of the inputs, weighted by the classes' covariance."""
    (count, features), classes = x.shape, shares.shape[1]
    hessian = torch.empty(classes, features, classes, features, dtype=torch.float64)
    for one in range(classes):
        for other in range(one, classes):
            weight = shares[:, one] * (float(one == other) - shares[:, other]) / count
            hessian[one, :, other] = hessian[other, :, one] = x.T @ (x * weight[:, None])
    square = hessian.view(classes * features, classes * features)
    square.diagonal().add_(weight_decay)
    return square

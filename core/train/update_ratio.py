"""Measure how far an update moves the weights, relative to their length."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def copy_of(weights: Sequence[Tensor]) -> list[Tensor]:
    """Return a copy of the weights, for `relative_change`."""
    return [each.detach().clone() for each in weights]


def relative_change(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    """Return the Euclidean length of all changes divided by that of all values before."""
    with torch.no_grad():
        changes = torch._foreach_sub(list(after), list(before))
        change, whole = (torch.stack(torch._foreach_norm(each)).norm() for each in (changes, list(before)))
        return float(change / whole)

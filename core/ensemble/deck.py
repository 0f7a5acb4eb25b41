"""Draw the batches of many runs in one tensor, each run in the order of its own seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.datasets.tensors import PARTS, Data
from core.run.config import RunConfig
from core.train.order import Window, deal, draw


def stacked(sets: Sequence[Data], runs: int) -> Data:
    """Stack the data sets of M runs into tensors (M, n, ...), or (1, n, ...) if all runs share one set.

    Separate sets are copied. Raises ValueError if their number is neither 1 nor M or their shapes or types differ.
    """
    if len(sets) not in (1, runs):
        raise ValueError(f"data must be one set for all or one each of {runs} runs, got {len(sets)}")
    parts = [[getattr(each, part) for each in sets] for part in PARTS]
    if any(len({(tensor.shape, tensor.dtype) for tensor in part}) > 1 for part in parts):
        raise ValueError("the data sets of an ensemble must be of equal shapes and types")
    return Data(*(part[0].unsqueeze(0) if len(sets) == 1 else torch.stack(part) for part in parts))


class Deck:
    """The training examples of M runs, and the next batch of each."""

    def __init__(self, configs: Sequence[RunConfig], data: Data) -> None:
        self._config = configs[0]
        sets, self._examples = data.train_targets.shape[:2]
        self._inputs, self._targets = data.train_inputs.flatten(0, 1), data.train_targets.flatten(0, 1)
        self._first = torch.arange(sets).unsqueeze(1) * self._examples  # offset of each run's own set
        self._generators = [torch.Generator().manual_seed(config.seed) for config in configs]
        self._windows: list[Window] = []  # remaining windows of the epoch in reverse order

    def window(self) -> Window:
        """Return the indices of the next window's micro-batches, each (M, B), and advance."""
        if not self._windows:
            orders = torch.stack([draw(self._config, self._examples, each) for each in self._generators])
            self._windows = deal(self._config, orders + self._first)[::-1]
        return self._windows.pop()

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs (M, B, ...) and targets (M, B, ...) of a micro-batch."""
        flat = indices.flatten()
        inputs, targets = self._inputs.index_select(0, flat), self._targets.index_select(0, flat)
        return inputs.view(*indices.shape, *inputs.shape[1:]), targets.view(*indices.shape, *targets.shape[1:])

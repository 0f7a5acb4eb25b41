"""The order in which a run meets its examples: one permutation, or N independent draws, an epoch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from core.run import batching
from core.run.choices.models import least_batch_size
from core.run.config import RunConfig

Window = tuple[Tensor, ...]


def left_in_epoch(config: RunConfig, examples: int, seen: int) -> int:
    """Return how many examples of an epoch are still to be met by a run that begins after the first `seen`.

    One fewer than there are where a batch of one would remain, which batch normalisation cannot train on.
    """
    left = examples - seen
    is_refused = least_batch_size(config.model, config.norm) > 1
    return left - 1 if seen and is_refused and left % config.batch_size == 1 else left


def draw(config: RunConfig, examples: int, generator: torch.Generator) -> Tensor:
    """Return the order of the next epoch: the indices of its N draws."""
    if config.sampling == "iid":
        return torch.randint(0, examples, (examples,), generator=generator)
    return torch.randperm(examples, generator=generator)


def deal(config: RunConfig, indices: Tensor) -> list[Window]:
    """Cut the order of an epoch, (N,) or a stack of them (M, N), into windows."""
    sizes = (indices.shape[-1], config.batch_size, config.accumulate)
    windows = batching.updates_per_epoch(*sizes, drop_last=config.drop_last) if indices.shape[-1] else 0
    batches: Window = indices.split(config.batch_size, dim=-1)  # type: ignore[no-untyped-call]
    return [
        batches[first : first + config.accumulate] for first in range(0, windows * config.accumulate, config.accumulate)
    ]


class Order:
    """Deal out the windows of one epoch after the other; a window is the index tensors of its micro-batches.

    Epochs come from an own generator, so that nothing else that draws numbers moves them.
    """

    def __init__(self, config: RunConfig, examples: int) -> None:
        self.config, self.examples = config, examples
        self.generator = torch.Generator().manual_seed(config.seed)
        self.epoch = 0  # complete ones
        self.position = 0  # windows dealt in this epoch, since the examples that another run had met in it
        self.skipped = 0  # those examples
        self._draw()

    def window(self) -> Window:
        """Return the next window; the position moves with `advance`, once its update is done."""
        return self._windows[self.position]

    def advance(self) -> bool:
        """Count the window as done; return whether that ended an epoch."""
        self.position += 1
        if self.position < len(self._windows):
            return False
        self._begin_epoch()
        return True

    @property
    def seen_in_epoch(self) -> int:
        """How many examples of the present epoch have been met."""
        return self.skipped + self.position * self.config.effective_batch_size

    def state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "position": self.position,
            "skipped": self.skipped,
            "indices": self._indices.clone(),
            "generator": self.generator.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.epoch, self.position, self.skipped = state["epoch"], state["position"], state["skipped"]
        self.generator.set_state(state["generator"])
        self._deal(state["indices"].clone())

    def take_over(self, state: dict[str, Any], seen_in_epoch: int) -> None:
        """Go on in the epoch of another order of the same examples, at the next that it has not dealt."""
        self.restore(state | {"position": 0, "skipped": seen_in_epoch})
        if not self._windows:
            self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.epoch, self.position, self.skipped = self.epoch + 1, 0, 0
        self._draw()

    def _draw(self) -> None:
        self._deal(draw(self.config, self.examples, self.generator))

    def _deal(self, indices: Tensor) -> None:
        self._indices = indices
        left = left_in_epoch(self.config, len(indices), self.skipped)
        self._windows = deal(self.config, indices[self.skipped :][:left])

"""Train the seeds of one arm, together as an ensemble where possible and otherwise one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from core.datasets.tensors import Data
from core.ensemble import Ensemble, problem_with
from core.run.config import RunConfig
from core.train.trainer import Trainer


class Figures(NamedTuple):
    """The figures of one update, each a tensor (seeds,). Cosines are NaN in the first update."""

    losses: Tensor
    gradient_norms: Tensor
    lengths: Tensor
    cosines: Tensor


class Training(Protocol):
    """The seeds of one arm."""

    def rate(self) -> float:
        """Return the rate of the next update. On a plateau, where rates may differ, it is the first seed's."""

    def update(self) -> Figures:
        """Make one update of every seed."""

    def validation(self) -> tuple[Tensor, Tensor | None]:
        """Return the loss and the accuracy on the validation set, each (seeds,)."""

    def loss_over(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of the current weights on a set, (seeds,)."""

    def squares(self) -> Tensor:
        """Return the sum of the squared weights, (seeds,)."""


def open_training(configs: Sequence[RunConfig], data: Data) -> Training:
    """Return the training of these configs, which may differ only in seed and learning rate."""
    configs = [config.replace(memory_limit_mb=None) for config in configs]
    if problem_with(configs[0]) is None:
        return Together(configs, data)
    return OneByOne(configs, data)


class Together:
    """All seeds in one computation."""

    def __init__(self, configs: Sequence[RunConfig], data: Data) -> None:
        self._ensemble = Ensemble(configs, data, geometry=True)

    def rate(self) -> float:
        return float(self._ensemble.rates()[0])

    def update(self) -> Figures:
        step = self._ensemble.update()
        assert step.lengths is not None  # because of geometry=True
        assert step.cosines is not None
        return Figures(step.losses, step.gradient_norms, step.lengths, step.cosines)

    def validation(self) -> tuple[Tensor, Tensor | None]:
        return self._ensemble.evaluate_validation()

    def loss_over(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self._ensemble.evaluate(inputs, targets).losses

    def squares(self) -> Tensor:
        parts = [parameter.detach().square().flatten(1).sum(1) for parameter in self._ensemble.parameters]
        return torch.stack(parts).sum(0)


class OneByOne:
    """One trainer for each seed, for configs that the ensemble cannot train (see `core.ensemble.problem_with`)."""

    def __init__(self, configs: Sequence[RunConfig], data: Data) -> None:
        self._trainers = [Trainer(config, data) for config in configs]
        self._before: list[Tensor | None] = [None] * len(configs)

    def rate(self) -> float:
        return self._trainers[0].rate()

    def update(self) -> Figures:
        return Figures(*map(torch.stack, zip(*map(self._update, range(len(self._trainers))), strict=True)))

    def _update(self, number: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        trainer, before = self._trainers[number], self._before[number]
        loss, norm = torch.zeros(()), torch.zeros(())
        start = _weights(trainer)
        epoch_done = trainer.update(trainer.rate(), loss, norm)
        if epoch_done and trainer.plateau:
            trainer.note_evaluation(trainer.evaluate())
        move = _weights(trainer) - start
        length = move.norm()
        cosine = move @ before / (length * before.norm()) if before is not None else torch.tensor(float("nan"))
        self._before[number] = move
        return loss, norm, length, cosine

    def validation(self) -> tuple[Tensor, Tensor | None]:
        found = [trainer.evaluate() for trainer in self._trainers]
        accuracies = [each.accuracy for each in found if each.accuracy is not None]
        losses = torch.tensor([each.loss for each in found])
        return losses, torch.tensor(accuracies) if accuracies else None

    def loss_over(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return torch.stack([_loss_over(trainer, inputs, targets) for trainer in self._trainers])

    def squares(self) -> Tensor:
        return torch.stack([_weights(trainer).square().sum() for trainer in self._trainers])


CHUNK = 1_000  # examples


def _loss_over(trainer: Trainer, inputs: Tensor, targets: Tensor) -> Tensor:
    inputs = inputs.view(-1, *trainer.data.train_inputs.shape[1:])
    total = torch.zeros((), dtype=torch.float64)
    with trainer.unseen():
        for first in range(0, len(inputs), CHUNK):
            some = targets[first : first + CHUNK]
            loss = trainer.loss_function(trainer.model(inputs[first : first + CHUNK].clone()), some.clone())
            total += loss * len(some)
    return (total / len(inputs)).float()


def _weights(trainer: Trainer) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.parameters])

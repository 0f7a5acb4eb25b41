"""Follow the weights of each arm, and project their paths onto their principal plane."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from core.comparison.paths import Path, WeightPaths
from core.comparison.setup import Comparison, differences
from core.datasets.tensors import Data
from core.run.choices.norms import NORMS
from core.run.config import RunConfig
from core.run.events import DIVERGED_AT
from core.run.fields import WEIGHTS
from core.science.plane import principal_plane
from core.train.trainer import Trainer
from core.words.errors import ConfigError, Problem

SNAPSHOTS = 40  # most snapshots of one arm
PROBE = 1_500  # most training examples on which a loss is measured
ACROSS, UP = 33, 21  # size of the grid on which the loss is measured
MARGIN = 0.15  # margin around the paths, as a share of their extent


def weight_paths(comparison: Comparison, data: Data, progress: Callable[[float], None]) -> WeightPaths:
    """Train the first seed of each arm, record its weights along the way, and return the paths in one plane.

    Raises ConfigError if the arms have different models, or if they use batch normalisation: the loss at a place of
    the plane would also depend on running statistics, which are not weights.
    """
    apart = [name for name in differences(comparison.arms) if name in WEIGHTS]
    if apart:
        raise ConfigError(Problem("weights_not_alike", {"fields": ", ".join(apart)}))
    if NORMS[comparison.arms[0].norm].mixes_examples:
        raise ConfigError(Problem("weights_not_all"))
    followed = []
    for number, config in enumerate(comparison.arms):
        followed.append(_followed(config, data))
        progress(0.5 * (number + 1) / len(comparison.arms))
    plane = principal_plane(np.concatenate([arm.snapshots for arm in followed]))
    x, y = (_places(column, count) for column, count in zip(plane.coordinates.T, (ACROSS, UP), strict=True))
    probe = followed[0]
    rows = []
    for row, up in enumerate(y):
        rows.append(
            [probe.loss_at(plane.mean + across * plane.directions[0] + up * plane.directions[1]) for across in x]
        )
        progress(0.5 + 0.5 * (row + 1) / len(y))
    paths, first = [], 0
    for arm in followed:
        places = plane.coordinates[first : first + len(arm.snapshots)]
        first += len(arm.snapshots)
        seen = [arm.loss_at(plane.mean + place @ plane.directions) for place in places]
        paths.append(Path(arm.updates, places[:, 0].tolist(), places[:, 1].tolist(), arm.losses, seen))
    return WeightPaths(paths, plane.shares.tolist(), x.tolist(), y.tolist(), rows, len(probe.targets))


class _Followed:
    """One run and its snapshots (n, P), with the loss at each."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        inputs, targets = trainer.data.train_inputs, trainer.data.train_targets
        every = math.ceil(len(inputs) / PROBE)
        self.inputs, self.targets = inputs[::every].clone(), targets[::every].clone()
        self.updates: list[int] = []
        self.losses: list[float] = []
        self._kept: list[Tensor] = []

    @property
    def snapshots(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return torch.stack(self._kept).double().numpy()

    def keep(self) -> bool:
        """Record the current weights and return True, or return False if the run has diverged."""
        loss = self._loss()
        if self.losses and not loss <= DIVERGED_AT * self.losses[0]:
            return False
        self.updates.append(self.trainer.updates)
        self.losses.append(loss)
        self._kept.append(parameters_to_vector(self.trainer.parameters).detach().clone())
        return True

    def loss_at(self, weights: np.ndarray[Any, Any]) -> float:
        """Return the loss with other weights. They replace the trainer's own, so call it after the run."""
        vector_to_parameters(torch.from_numpy(weights).float(), self.trainer.parameters)
        return self._loss()

    def _loss(self) -> float:
        with self.trainer.unseen():
            return float(self.trainer.loss_function(self.trainer.model(self.inputs), self.targets))


def _followed(config: RunConfig, data: Data) -> _Followed:
    trainer = Trainer(config.replace(memory_limit_mb=None), data)
    followed = _Followed(trainer)
    loss, norm = torch.zeros(()), torch.zeros(())
    every = math.ceil(trainer.horizon / SNAPSHOTS)
    followed.keep()
    while trainer.updates < trainer.horizon:
        epoch_done = trainer.update(trainer.rate(), loss, norm)
        if epoch_done and trainer.plateau:
            trainer.note_evaluation(trainer.evaluate())
        if (trainer.updates % every == 0 or trainer.updates == trainer.horizon) and not followed.keep():
            break
    return followed


def _places(coordinates: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    low, high = float(coordinates.min()), float(coordinates.max())
    room = MARGIN * (high - low) or 1.0
    return np.linspace(low - room, high + room, count)

"""What memory is tested with: random data of the right shapes, and data sets cut down to a few updates an epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch

from core.datasets.tensors import Data
from core.run.choices.datasets import DATASETS
from core.run.config import RunConfig
from core.train.trainer import Trainer

Resize = Callable[..., None]
MakeTrainer = Callable[..., Trainer]


@pytest.fixture
def resize(monkeypatch: pytest.MonkeyPatch) -> Resize:
    """Return a function that gives a data set another number of examples."""

    def resize(dataset: str, examples: int, validation_examples: int) -> None:
        spec = DATASETS[dataset]
        smaller = dataclasses.replace(spec, examples=examples, validation_examples=validation_examples)
        monkeypatch.setitem(DATASETS, dataset, smaller)

    return resize


@pytest.fixture(scope="session")
def make_trainer() -> MakeTrainer:
    """Return a function that builds a trainer of a config on random data: bytes do not depend on values."""

    def make_trainer(config: RunConfig, kind: type[Trainer] = Trainer) -> Trainer:
        spec = config.spec
        generator = torch.Generator().manual_seed(0)
        parts = []
        for count in (spec.examples, spec.validation_examples):
            parts.append(torch.rand(count, *spec.input_shape, generator=generator))
            if spec.task == "classification":
                parts.append(torch.randint(0, spec.outputs, (count,), generator=generator))
            else:
                parts.append(torch.rand(count, 1, generator=generator))
        return kind(config, Data(*parts))

    return make_trainer

"""Data sets built once, a run with everything it reported, and trainers on random data of the right shapes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.datasets.build import build
from core.datasets.tensors import Data, load
from core.run.choices.datasets import DATASETS
from core.run.config import RunConfig
from core.run.events import Ended, Event, Report, Updates
from core.train.loop import Loop
from core.train.trainer import Trainer

Kind = TypeVar("Kind", bound=Event)
Datasets = Callable[[str], Data]
Resize = Callable[..., None]
MakeTrainer = Callable[..., Trainer]


@dataclass(frozen=True)
class Recording:
    """A run that is over: its trainer, all events in order, and the end."""

    trainer: Trainer
    events: list[Event]
    ended: Ended

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def column(self, name: str) -> NDArray[Any]:
        """Return what was recorded of every update: losses, rates, gradient_norms, examples_seen or seconds."""
        return np.concatenate([getattr(block, name) for block in self.of(Updates)])


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the datasets of all tests are built, each once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def datasets(data_root: Path) -> Datasets:
    """Return a function that loads a dataset by name, building it the first time."""
    return cache(lambda name: load(build(name, data_root)))


@pytest.fixture(scope="session")
def run(datasets: Datasets) -> Callable[..., Recording]:
    """Return a function that trains a config, or a trainer made beforehand, to the end."""

    def run(run_of: RunConfig | Trainer, *, report: Report = lambda event: None) -> Recording:
        trainer = run_of if isinstance(run_of, Trainer) else Trainer(run_of, datasets(run_of.dataset))
        events: list[Event] = []

        def note(event: Event) -> None:
            events.append(event)
            report(event)

        return Recording(trainer, events, Loop(trainer, note).run())

    return run


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

"""Train runs one by one, each with a Trainer, as the reference for ensembles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from core.datasets.tensors import Data
from core.ensemble import Ensemble, Step
from core.run.config import RunConfig
from core.train.trainer import Trainer

EXAMPLES, VALIDATION = 150, 41


@contextmanager
def default_type(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def random_data(config: RunConfig, dtype: torch.dtype = torch.float64, *, seed: int = 0) -> Data:
    """Return a few random examples with the shape of the config's data set."""
    spec, generator = config.spec, torch.Generator().manual_seed(seed)

    def part(count: int) -> tuple[Tensor, Tensor]:
        inputs = torch.randn(count, *spec.input_shape, generator=generator, dtype=torch.float64)
        if spec.task == "classification":
            return inputs.to(dtype), torch.randint(0, spec.outputs, (count,), generator=generator)
        return inputs.to(dtype), torch.randn(count, 1, generator=generator, dtype=torch.float64).to(dtype)

    return Data(*part(EXAMPLES), *part(VALIDATION))


class Singly:
    """Runs trained one by one, with their losses, gradient norms and rates, each (updates, M)."""

    def __init__(
        self,
        configs: Sequence[RunConfig],
        sets: Sequence[Data],
        updates: int,
        *,
        start: Sequence[Tensor] | None = None,
    ) -> None:
        self.trainers: list[Trainer] = []
        losses, gradient_norms, rates = [], [], []
        with default_type(sets[0].train_inputs.dtype):
            for number, (config, data) in enumerate(zip(configs, sets, strict=True)):
                trainer = Trainer(config, data)
                for parameter, values in zip(trainer.parameters, start or (), strict=bool(start)):
                    with torch.no_grad():
                        parameter.copy_(values.expand(len(configs), *parameter.shape)[number])
                slots = torch.zeros(2, updates)
                rates.append([])
                for update in range(updates):
                    rates[-1].append(trainer.rate())
                    trainer.update(rates[-1][-1], slots[0, update], slots[1, update])
                losses.append(slots[0])
                gradient_norms.append(slots[1])
                self.trainers.append(trainer)
            self.evaluations = [trainer.evaluate() for trainer in self.trainers]
        self.losses, self.gradient_norms = torch.stack(losses, 1), torch.stack(gradient_norms, 1)
        self.rates = torch.tensor(rates, dtype=torch.float64).T

    def weights(self) -> list[Tensor]:
        """Return the parameters of all runs, each (M, *shape)."""
        every = zip(*(trainer.parameters for trainer in self.trainers), strict=True)
        return [torch.stack(same).detach() for same in every]


def updates_of(ensemble: Ensemble, updates: int) -> Step:
    """Make updates and return their results, each (updates, M)."""
    steps = [ensemble.update() for _ in range(updates)]
    return Step(*(torch.stack(values) for values in zip(*steps, strict=True) if values[0] is not None))

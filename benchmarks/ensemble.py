"""Time an update of 32 runs: as one ensemble, with and without geometry, and as 32 trainers one after the other.

All in one process and in turns: a round is a pair, and its ratio does not see what the machine does meanwhile. On one
thread, as in the app, and on two, which large products divide among them and small ones cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch

from core.datasets.tensors import Data
from core.ensemble import Ensemble
from core.run.config import DATASETS, RunConfig
from core.train.trainer import Trainer

RUNS, ROUNDS = 32, 15
THREADS = (1, 2)
SIZES = {8: 60, 32: 40, 128: 20}  # updates of a run in one round, by batch size: half a second of the trainers
WARM_UP = 5

Times = dict[str, dict[int, list[float]]]


def measure(threads: int) -> Times:
    """Return the seconds an update of all runs took in each round, by way and batch size; leaves the threads at one."""
    torch.set_num_threads(threads)
    data = examples()
    times: Times = {}
    for size, updates in SIZES.items():
        configs = [RunConfig(batch_size=size, lr=0.01, seed=seed) for seed in range(RUNS)]
        ways = {
            "trainers": trainers(configs, data),
            "ensemble": ensemble(configs, data, geometry=False),
            "with geometry": ensemble(configs, data, geometry=True),
        }
        for train in ways.values():
            train(WARM_UP)
        for _ in range(ROUNDS):
            for name, train in ways.items():
                began = perf_counter()
                train(updates)
                times.setdefault(name, {}).setdefault(size, []).append((perf_counter() - began) / updates)
    torch.set_num_threads(1)
    return times


def ratio(times: Times, one: str, other: str) -> dict[int, float]:
    """Return how many times as long the one takes as the other: the median over the rounds, each a pair of its own."""
    return {
        size: median(ours / theirs for ours, theirs in zip(times[one][size], times[other][size], strict=True))
        for size in SIZES
    }


def examples() -> Data:
    """Return random examples in the shape of photos10k: what they show does not change the time."""
    spec = DATASETS["photos10k"]
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(spec.examples, *spec.input_shape, generator=generator)
    targets = torch.randint(0, spec.outputs, (spec.examples,), generator=generator)
    return Data(inputs, targets, inputs[:1], targets[:1])


def trainers(configs: list[RunConfig], data: Data) -> Callable[[int], None]:
    """Return what makes so many updates of each run, one run after the other."""
    runs = [Trainer(config, data) for config in configs]
    loss, gradient_norm = torch.zeros(()), torch.zeros(())

    def train(updates: int) -> None:
        for run in runs:
            for _ in range(updates):
                run.update(run.rate(), loss.zero_(), gradient_norm)

    return train


def ensemble(configs: list[RunConfig], data: Data, *, geometry: bool) -> Callable[[int], None]:
    """Return what makes so many updates of all runs together."""
    runs = Ensemble(configs, data, geometry=geometry)

    def train(updates: int) -> None:
        for _ in range(updates):
            runs.update()

    return train

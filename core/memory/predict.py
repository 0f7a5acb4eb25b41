"""Predict memory by running the trainer's own update and evaluation on fake tensors: no byte is allocated."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch._subclasses.fake_tensor import FakeTensorMode

from core import batching
from core.config import MAX_UPDATES, RunConfig, planned_updates
from core.datasets.tensors import Data
from core.errors import ConfigError
from core.events import Peak, Prediction
from core.memory.ledger import Timeline, merge
from core.trainer import Trainer

Sizes = tuple[int, ...]

PROBES = (3, 5)  # bytes are straight lines in B: two batch sizes give all others
# Of a window's micro-batches the first finds no gradients, the second adds to them, the rest do as the second, and
# only the last may be short: two show the most bytes, three every timeline.
HEAVIEST, DISTINCT = 2, 3


def predict(config: RunConfig) -> Prediction:
    """Return what the live ledger of a run will see, to the byte, and the largest batch that fits."""
    trainer = _rehearse(config, _heaviest(config), [_chunks(config)[0]])
    parameters = sum(parameter.numel() for parameter in trainer.parameters)
    return Prediction(_peak(trainer.timelines), parameters, largest_batch_size(config))


def timelines(config: RunConfig) -> dict[Hashable, Timeline]:
    """Return the timeline of each distinct update and evaluation of a run, under the keys a live trainer uses.

    Of windows of more than three micro-batches the first two and the last are shown.
    """
    windows = [(*window[: DISTINCT - 1], *window[DISTINCT - 1 :][-1:]) for window in _windows(config)]
    return _rehearse(config, windows, _chunks(config)).timelines


def largest_batch_size(config: RunConfig) -> int:
    """Return the largest B such that it and all below it fit the memory limit (see Prediction).

    Where the run may not have that B (batch normalisation and a last batch of one), the next lower one it may.
    """
    most = config.spec.examples // (config.accumulate if config.drop_last else 1)
    limit = config.memory_limit_bytes
    if limit is None:
        return most
    lines = _Lines(config)

    def whole_is_too_large(size: int) -> bool:
        return lines.peak_bytes(_whole(config, size), min(size, config.spec.validation_examples)) > limit

    def is_too_large(size: int) -> bool:
        run = _with_batch_size(config, size)
        return run is not None and lines.peak_bytes(_heaviest(run), _chunks(run)[0]) > limit

    fits = bisect_left(range(1, most + 1), True, key=whole_is_too_large)
    # Whole windows are the heaviest there are. A run of one update, or of windows that are cut short because N < 2B,
    # may need less.
    fits += bisect_left(range(fits + 1, most + 1), True, key=is_too_large)
    largest = _with_batch_size(config, fits)
    return largest.batch_size if largest else 0


class _Lines:
    """Bytes at every point of a run's first update, second update and evaluation: a fixed part, and so much more an
    example of its micro-batches."""

    def __init__(self, config: RunConfig) -> None:
        self.config, self.micro_batches = config, min(config.accumulate, HEAVIEST)
        self._low, high = (self._live_bytes((probe,) * self.micro_batches, probe) for probe in PROBES)
        self.per_example = self._rise(high)
        self.fixed = [low - PROBES[0] * rise for low, rise in zip(self._low, self.per_example, strict=True)]

    @cached_property
    def per_example_of_first(self) -> list[NDArray[np.int64]]:
        """The part of `per_example` that comes from the first of two micro-batches."""
        small, large = PROBES
        return self._rise(self._live_bytes((large, small), small))

    def peak_bytes(self, windows: list[Sizes], chunk: int) -> int:
        """Return the peak of one or two updates on these windows and an evaluation of a chunk."""
        if any(len(window) != self.micro_batches for window in windows):  # of one, by B = N: it takes another course
            return _peak(_rehearse(self.config, windows, [chunk]).timelines).bytes
        *fixed, fixed_chunk = self.fixed
        *per_example, per_example_of_chunk = self.per_example
        peak = int((fixed_chunk + per_example_of_chunk * chunk).max())
        for update, sizes in enumerate(windows):
            live = fixed[update] + per_example[update] * sizes[-1]
            if sizes[0] != sizes[-1]:
                live = live + self.per_example_of_first[update] * (sizes[0] - sizes[-1])
            peak = max(peak, int(live.max()))
        return peak

    def _live_bytes(self, window: Sizes, chunk: int) -> list[NDArray[np.int64]]:
        seen = _rehearse(self.config, [window] * 2, [chunk]).timelines
        return [np.array(timeline.live_bytes()) for timeline in seen.values()]

    def _rise(self, high: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        apart = PROBES[1] - PROBES[0]
        return [(at_high - at_low) // apart for at_low, at_high in zip(self._low, high, strict=True)]


def _with_batch_size(config: RunConfig, batch_size: int) -> RunConfig | None:
    """Return the run with this batch size, or the next lower one that it may have."""
    for size in range(min(batch_size, config.spec.examples), 0, -1):
        try:
            return config.replace(batch_size=size)
        except ConfigError as error:
            if all(problem.code == "too_many_updates" for problem in error.problems):  # which takes no memory
                return config.replace(batch_size=size, budget="updates", budget_value=MAX_UPDATES)
    return None


# What a run meets: windows of updates, chunks of evaluations.


def _windows(config: RunConfig) -> list[Sizes]:
    """Return the window of a run's first update, then the distinct ones of its later updates in order."""
    shape = (config.spec.examples, config.batch_size, config.accumulate)
    first, *others = batching.window_sizes(*shape, drop_last=config.drop_last)
    planned = planned_updates(config) or len(others) + 2
    return [first, *dict.fromkeys([*others, first][: planned - 1])]


def _heaviest(config: RunConfig) -> list[Sizes]:
    """Return the windows of the first and the heaviest later update: more examples never need less."""
    first, *later = _windows(config)
    return [window[:HEAVIEST] for window in (first, *sorted(later, key=sum)[-1:])]


def _whole(config: RunConfig, batch_size: int) -> list[Sizes]:
    """Return the windows of two updates, `_heaviest` of a run whose windows are all whole."""
    return [(batch_size,) * min(config.accumulate, HEAVIEST)] * 2


def _chunks(config: RunConfig) -> list[int]:
    """Return the distinct chunks of an evaluation, the largest first."""
    chunks = batching.window_sizes(config.spec.validation_examples, config.batch_size)
    return list(dict.fromkeys(size for (size,) in chunks))


def _rehearse(config: RunConfig, windows: list[Sizes], chunks: list[int]) -> Trainer:
    """Return a trainer that made these updates and evaluated these chunks on fake tensors, without a limit."""
    with FakeTensorMode():
        trainer = Trainer(config.replace(memory_limit_mb=None), _fake_data(config))
        scalar = torch.zeros(())
        for sizes in windows:
            trainer.update_on(tuple(torch.zeros(size, dtype=torch.int64) for size in sizes), scalar, scalar)
        for chunk in chunks:
            trainer.evaluate_chunk(0, chunk)
    return trainer


def _fake_data(config: RunConfig) -> Data:
    spec = config.spec
    parts = []
    for count in (1, spec.validation_examples):  # what no order deals out needs no examples; dealing 10,000 is slow
        parts.append(torch.zeros(count, *spec.input_shape))
        classes = spec.task == "classification"
        parts.append(torch.zeros(count, dtype=torch.int64) if classes else torch.zeros(count, 1))
    return Data(*parts)


def _peak(seen: dict[Hashable, Timeline]) -> Peak:
    return merge(*(timeline.peak() for timeline in seen.values()))

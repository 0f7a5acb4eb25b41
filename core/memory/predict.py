"""Predict memory by running the trainer's own update and evaluation on fake tensors: no byte is allocated."""

from __future__ import annotations

from collections.abc import Hashable

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from core import batching
from core.config import RunConfig, planned_updates
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
    low = min(_largest_on_the_lines(config, limit), most)
    above = _with_batch_size(config, low + 1)
    # The lines are those of whole windows, the heaviest there are. A run of one update, or of windows that are cut
    # short because N < 2B, may need less: ask for each B on its own.
    high = low + 1 if above is None or _heaviest(above) == _whole(above, above.batch_size) else most + 1
    while high - low > 1:
        middle = (low + high) // 2
        run = _with_batch_size(config, middle)
        fits = run is None or _peak(_rehearse(run, _heaviest(run), [_chunks(run)[0]]).timelines).bytes <= limit
        low, high = (middle, high) if fits else (low, middle)
    largest = _with_batch_size(config, low)
    return largest.batch_size if largest else 0


def _largest_on_the_lines(config: RunConfig, limit: int) -> int:
    """Return the largest B that keeps every point of the timelines, each a straight line in B, under the limit."""
    near, far = (_rehearse(config, _whole(config, probe), [probe]).timelines for probe in PROBES)
    largest = config.spec.examples
    for one, other in zip(near.values(), far.values(), strict=True):
        for small, large in zip(one.live_bytes(), other.live_bytes(), strict=True):
            per_example = (large - small) // (PROBES[1] - PROBES[0])
            fixed = small - per_example * PROBES[0]
            if per_example:
                largest = min(largest, (limit - fixed) // per_example)
            elif fixed > limit:
                return 0
    return max(largest, 0)


def _with_batch_size(config: RunConfig, batch_size: int) -> RunConfig | None:
    """Return the run with this batch size, or the next lower one that it may have."""
    for size in range(min(batch_size, config.spec.examples), 0, -1):
        try:
            return config.replace(batch_size=size)
        except ConfigError:
            continue
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

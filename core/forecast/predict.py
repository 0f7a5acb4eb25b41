"""Predict the memory of a run by its own updates on fake tensors, and its workspace by small real updates."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from functools import partial

import torch

from core.datasets.tensors import Data
from core.forecast.lines import Extra, Lines
from core.forecast.records import Curve, Point
from core.forecast.rehearsal import SHOWN_MICRO_BATCHES, Sizes, rehearse
from core.forecast.sizes import largest_size, with_size
from core.forecast.workspace import Estimates, Reach
from core.run import batching
from core.run.config import RunConfig, planned_updates
from core.run.events import Peak, Prediction
from core.run.searching import largest_from
from core.run.timeline import Timeline
from core.train.trainer import Trainer

DISTINCT = 3  # micro-batches of a window are enough to show every timeline: the last one may be short
LOSS_BYTES = 4


class Forecast:
    """The memory forecast of a run at its own batch size and at every other, computed once.

    `reach` bounds the batches that are run for real to measure their workspace.
    """

    def __init__(self, config: RunConfig, *, reach: Reach) -> None:
        self.config = config
        self.lines = Lines(partial(new_trainer, config), min(config.accumulate, SHOWN_MICRO_BATCHES))
        self.most = config.spec.examples
        furthest = reach.furthest(
            lambda size: self._tensors(self._run(size)).bytes, parameters=self.lines.parameters, most=self.most
        )
        self.workspaces = Estimates(self._measured, furthest=furthest)

    def peak(self, batch_size: int) -> Peak:
        """Return the peak of the run with this batch size, which must be valid for it."""
        return self._tensors(self._run(batch_size)).with_workspace(self.workspaces.at(batch_size).bytes)

    def largest_batch_size(self) -> int:
        """Return the largest B such that B and all smaller sizes fit the memory limit (see Prediction).

        If losses are kept, only B itself has to fit, because smaller batches keep more losses. If B is invalid for the
        run (batch normalisation with a last batch of one example), return the next smaller valid size.
        """
        config = self.config
        most = largest_size(config)
        limit = config.memory_limit_bytes
        if limit is None:
            return most

        def whole_is_too_large(size: int) -> bool:
            return self.lines.peak(_whole(config, size), _chunk(config, size)).bytes > limit

        def is_too_large(size: int) -> bool:
            run = with_size(config, size)
            return run is not None and self._tensors(run, kept=False).bytes > limit

        fits = bisect_left(range(1, most + 1), True, key=whole_is_too_large)
        # Whole windows need the most memory. A run of one update, or with windows cut short because N < 2B, may need
        # less, and the last window shrinks as B grows. Between two of these edges the peak is convex in B, so the sizes
        # that fit form an interval that starts after the edge.
        for edge in _edges(config, most):
            if fits < edge and not is_too_large(fits + 1):
                fits += bisect_left(range(fits + 1, edge + 1), True, key=is_too_large)

        if config.keep_losses:  # smaller batches keep more losses, so the sizes that fit form an interval
            sizes = range(fits, 0, -1)
            fits = next((size for size in sizes if self._tensors(self._run(size)).bytes <= limit), 0)

        # Workspace takes the space of a few examples.
        fits = largest_from(lambda size: self._fits(size, limit), fits)
        run = with_size(config, fits)
        return run.batch_size if run else 0

    def _fits(self, size: int, limit: int) -> bool:
        run = with_size(self.config, size)
        return run is not None and self.peak(run.batch_size).bytes <= limit

    def curve(self, sizes: Sequence[int]) -> Curve:
        """Return the peak at these batch sizes and its linear pieces. Invalid sizes are left out."""
        points = []
        for size in sizes:
            run = with_size(self.config, size)
            if run and run.batch_size == size:
                workspace = self.workspaces.at(size, verify=size == self.config.batch_size)
                points.append(Point(size, self._tensors(run).with_workspace(workspace.bytes), workspace.verified))
        pieces = self.lines.pieces(self.most, partial(_chunk, self.config))
        return Curve(tuple(points), pieces, self.largest_batch_size(), dict(self.lines.timelines[1].before))

    def _run(self, batch_size: int) -> RunConfig:
        return with_size(self.config, batch_size) or self.config

    def _tensors(self, run: RunConfig, *, kept: bool = True) -> Peak:
        extra = _kept_bytes(run) if kept and run.keep_losses else None
        return self.lines.peak(heaviest_windows(run), chunks_of(run)[0], extra=extra)

    def _measured(self, batch_size: int) -> list[Timeline]:
        run = self._run(batch_size)
        seen = rehearse(partial(new_trainer, run), heaviest_windows(run), chunks_of(run)[:1], fake=False)
        return list(seen.timelines.values())


def predict(config: RunConfig, *, reach: Reach = Reach.FAR) -> Prediction:
    """Return the peak that the ledger of a run will measure, its workspace, and the largest batch size that fits.

    Tensors are exact to the byte.
    """
    forecast = Forecast(config, reach=reach)
    workspace = forecast.workspaces.at(config.batch_size)
    return Prediction(
        forecast.peak(config.batch_size),
        forecast.lines.parameters,
        forecast.largest_batch_size(),
        workspace.verified,
        workspace.operations,
    )


def curve(config: RunConfig, sizes: Sequence[int], *, reach: Reach = Reach.FAR) -> Curve:
    """Return the peak at these batch sizes and its linear pieces."""
    return Forecast(config, reach=reach).curve(sizes)


def largest_batch_size(config: RunConfig, *, reach: Reach = Reach.FAR) -> int:
    """Return the largest batch size that fits the memory limit, as in Prediction."""
    return Forecast(config, reach=reach).largest_batch_size()


def timelines(config: RunConfig) -> dict[Hashable, Timeline]:
    """Return the timeline of each distinct update and evaluation of a run, keyed as by a live trainer.

    A window of more than three micro-batches is represented by its first two and its last.
    """
    windows = [(*window[: DISTINCT - 1], *window[DISTINCT - 1 :][-1:]) for window in _windows(config)]
    return rehearse(partial(new_trainer, config), windows, chunks_of(config)).timelines


def new_trainer(config: RunConfig) -> Trainer:
    """Return a new trainer without a limit, on data in which one example is expanded to all."""
    spec = config.spec
    parts = []
    for count in (1, spec.validation_examples):
        parts.append(torch.zeros(1, *spec.input_shape).expand(count, *spec.input_shape))
        classes = spec.task == "classification"
        targets = torch.zeros(1, dtype=torch.int64) if classes else torch.zeros(1, 1)
        parts.append(targets.expand(count, *targets.shape[1:]))
    return Trainer(config.replace(memory_limit_mb=None), Data(*parts))


# The windows of a run's updates and the chunks of its evaluations.


def _windows(config: RunConfig) -> list[Sizes]:
    """Return the window of a run's first update and the distinct windows of later ones, in order."""
    shape = (config.spec.examples, config.batch_size, config.accumulate)
    first, *others = batching.window_sizes(*shape, drop_last=config.drop_last)
    planned = planned_updates(config) or len(others) + 2
    return [first, *dict.fromkeys([*others, first][: planned - 1])]


def heaviest_windows(config: RunConfig) -> list[Sizes]:
    """Return the windows of the first update and of the later one with most examples, which needs most memory."""
    first, *later = _windows(config)
    return [window[:SHOWN_MICRO_BATCHES] for window in (first, *sorted(later, key=sum)[-1:])]


def _edges(config: RunConfig, most: int) -> list[int]:
    """Return the batch sizes up to `most`, ascending, after which the heaviest windows are composed differently."""
    examples, micro_batches = config.spec.examples, config.accumulate
    # A window of three micro-batches needs as much as a whole one. Up to (N-1) // j there are more than j batches.
    edges = {(examples - 1) // batches for batches in (micro_batches + 2, micro_batches + 1, micro_batches, 2, 1)}
    edges |= {examples // (2 * micro_batches), most}  # two whole windows if a short one is dropped
    if config.budget == "examples":
        edges.add((int(config.budget_value) - 1) // micro_batches)  # two updates
    return sorted(edge for edge in edges if edge <= most)


def _whole(config: RunConfig, batch_size: int) -> list[Sizes]:
    """Return `heaviest_windows` of a run in which all windows are whole."""
    return [(batch_size,) * min(config.accumulate, SHOWN_MICRO_BATCHES)] * 2


def chunks_of(config: RunConfig) -> list[int]:
    """Return the distinct chunk sizes of an evaluation, largest first."""
    chunks = batching.window_sizes(config.spec.validation_examples, config.evaluation_size)
    return list(dict.fromkeys(size for (size,) in chunks))


def _chunk(config: RunConfig, batch_size: int) -> int:
    """Return the largest chunk of an evaluation in a run with this batch size."""
    validation = config.spec.validation_examples
    return validation if config.validate_whole else min(batch_size, validation)


def _kept_bytes(config: RunConfig) -> Extra:
    """Return the bytes of losses kept at the end of a run beyond those kept in a rehearsal of two updates.

    They are keyed by event and phase, and count up to the last whole micro-batch, preferably one that already finds
    gradients. Under a budget of seconds, the end of the first epoch stands for the end of the run.
    """
    shape = (config.spec.examples, config.batch_size, config.accumulate)
    windows = batching.window_sizes(*shape, drop_last=config.drop_last)
    epochs, rest = divmod(planned_updates(config) or len(windows), len(windows))
    made = epochs * sum(map(len, windows)) + sum(map(len, windows[:rest]))
    rehearsed = [len(window) for window in heaviest_windows(config)]
    last = windows[rest - 1]
    place, before = max(_heaviest_place(last, config), 0), made - len(last)
    if _heaviest_place(last, config) < 0 and len(windows) > 1:
        before -= len(windows[rest - 2])
        place = _heaviest_place(windows[rest - 2], config)
    if len(rehearsed) == 1:  # the only update is the first
        within = LOSS_BYTES * (place - min(place, rehearsed[0] - 1))
        return {
            ("first_update", "forward"): within,
            ("first_update", "backward"): within,
            ("first_update", "optimizer"): LOSS_BYTES * (made - rehearsed[0]),
            ("evaluation", "evaluation"): LOSS_BYTES * (made - rehearsed[0]),
        }
    within = LOSS_BYTES * (before + place - (rehearsed[0] + min(place, rehearsed[1] - 1)))
    whole = LOSS_BYTES * (made - sum(rehearsed))
    return {
        ("second_update", "forward"): within,
        ("second_update", "backward"): within,
        ("second_update", "optimizer"): whole,
        ("evaluation", "evaluation"): whole,
    }


def _heaviest_place(window: Sizes, config: RunConfig) -> int:
    """Return the index of the last whole micro-batch in a window that finds gradients, or -1 without one.

    Without accumulation no micro-batch finds gradients, so any whole one counts.
    """
    whole = [place for place, size in enumerate(window) if size == config.batch_size]
    found = [place for place in whole if place] if config.accumulate > 1 else whole
    return max(found, default=-1)

"""Choose how far the x axis of a run's chart reaches: as far as the run has come, in calm steps, or its whole plan."""

from __future__ import annotations

import math

from core.run.changes import position
from core.run.config import RunConfig
from core.run.plan import plan
from core.store.reader import Axis, RunReader

STEPS = (1.0, 2.0, 5.0, 10.0)
SHORTEST = 10  # updates: an axis that grew from a single update would not be calm
WHOLE_PLAN = 100_000  # updates: of a longer plan only this much is shown before the run has begun


def reach(
    config: RunConfig | None, reader: RunReader | None, planned: int | None, x: Axis, *, whole: bool = False
) -> float:
    """Return the end of the x axis, in the unit of `x`.

    Before its first update, or with `whole`, a run has its whole plan on the axis. While it trains, the axis ends at
    the next of 10, 20, 50, 100, 200, ... updates, though never beyond the plan. Once it has ended, the axis ends with
    its last update.
    """
    done = reader.updates if reader else 0
    record = reader.record if reader else None
    has_ended = bool(record and record.ended)
    if not done or whole:
        updates = max(done, _planned(done, planned))
    elif has_ended:
        updates = done
    else:
        updates = max(done, int(min(step(max(done, SHORTEST)), planned or math.inf)))
    if config is None or x == "updates":
        return float(updates)
    if x == "seconds":
        last = reader.last if reader else None
        seconds = last.seconds if last else 0.0
        budget = config.budget_value if config.budget == "seconds" else 0.0
        if not done or whole:
            return max(budget, seconds) or 1.0
        if has_ended:
            return seconds or 1.0
        return max(seconds, min(step(max(seconds, 1.0)), budget or math.inf))
    if reader and (inherited := reader.inherited):  # counted as if they had the run's own batch size
        updates += position(config, int(reader.examples_seen[inherited - 1])) - inherited
    counts = plan(config)
    if x == "epochs":
        return updates / counts.updates_per_epoch
    epochs, rest = divmod(updates, counts.updates_per_epoch)
    return float(epochs * counts.examples_per_epoch + rest * config.effective_batch_size)


def step(value: float) -> float:
    """Return the smallest of ..., 1, 2, 5, 10, 20, ... that is not below a positive value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * each for each in STEPS if power * each >= value)


def _planned(done: int, planned: int | None) -> int:
    """Return the planned updates or, in a very long run, a number that doubles as needed."""
    end = WHOLE_PLAN
    while end < done:
        end *= 2
    return min(planned, end) if planned else 1

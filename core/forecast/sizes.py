"""Find the batch sizes that are valid for a run. No torch."""

from __future__ import annotations

from core.run.config import MAX_UPDATES, RunConfig
from core.words.errors import ConfigError


def largest_size(config: RunConfig) -> int:
    """Return the largest valid batch size: N, or less where one whole window must remain."""
    return config.spec.examples // (config.accumulate if config.drop_last else 1)


def with_size(config: RunConfig, batch_size: int) -> RunConfig | None:
    """Return the run with this batch size or the next smaller valid one, or None if there is none.

    A number of updates above the allowed one is cut, because it does not affect memory.
    """
    for size in range(min(batch_size, config.spec.examples), 0, -1):
        try:
            return config.replace(batch_size=size)
        except ConfigError as error:
            if all(problem.code == "too_many_updates" for problem in error.problems):
                return config.replace(batch_size=size, budget="updates", budget_value=MAX_UPDATES)
    return None


def next_size(config: RunConfig, batch_size: int) -> int | None:
    """Return the next larger valid batch size, if necessary with fewer updates, or None if there is none."""
    for size in range(batch_size + 1, largest_size(config) + 1):
        run = with_size(config, size)
        if run and run.batch_size == size:
            return size
    return None

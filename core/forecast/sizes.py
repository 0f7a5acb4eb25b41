"""Tell which batch sizes a run may have. No torch."""

from __future__ import annotations

from core.run.config import MAX_UPDATES, RunConfig
from core.words.errors import ConfigError


def largest_size(config: RunConfig) -> int:
    """Return the largest there is: N, or the largest of which a window remains where a short one is dropped."""
    return config.spec.examples // (config.accumulate if config.drop_last else 1)


def with_size(config: RunConfig, batch_size: int) -> RunConfig | None:
    """Return the run with this batch size, or the next lower one that it may have; None if there is none.

    More updates than a run may have, which take no memory, are cut.
    """
    for size in range(min(batch_size, config.spec.examples), 0, -1):
        try:
            return config.replace(batch_size=size)
        except ConfigError as error:
            if all(problem.code == "too_many_updates" for problem in error.problems):
                return config.replace(batch_size=size, budget="updates", budget_value=MAX_UPDATES)
    return None


def next_size(config: RunConfig, batch_size: int) -> int | None:
    """Return the next larger batch size that the run may have, if need be with fewer updates; None if there is none."""
    for size in range(batch_size + 1, largest_size(config) + 1):
        run = with_size(config, size)
        if run and run.batch_size == size:
            return size
    return None

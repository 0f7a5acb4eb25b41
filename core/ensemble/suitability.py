"""Say whether runs can be trained as one ensemble. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from core.run.choices.optimizers import OPTIMIZERS
from core.run.choices.schedules import SCHEDULES
from core.run.config import RunConfig

# What the members of an ensemble may differ in; an ensemble takes no notice of the last three.
OWN = ("seed", "lr", "schedule", "warmup", "schedule_batch_size", "memory_limit_mb", "target_loss", "validate_whole")
HABITS = ("checkpointing", "keep_losses", "evaluate_with_grad", "zero_in_place")


def problem_with(config: RunConfig) -> str | None:
    """Return why a run cannot be trained in an ensemble, or None if it can.

    A memory limit and a target loss do not count: an ensemble trains on, and has no peak that were its members'.
    """
    if config.budget == "seconds":
        return "an ensemble has no budget of seconds, which a timing of the single run turns into updates"
    if SCHEDULES[config.schedule].is_feedback:
        return f"an ensemble has no {config.schedule} schedule, which reacts to the evaluations of the single run"
    if OPTIMIZERS[config.optimizer].ensemble_rule is None:
        return f"an ensemble has no update rule for {config.optimizer}"
    if config.precision != "float32":
        return f"an ensemble computes in the precision of its data, not in {config.precision}"
    habits = [habit for habit in HABITS if getattr(config, habit)]
    return f"an ensemble has no {habits[0]}, which changes the memory of the single run alone" if habits else None


def problem_among(configs: Sequence[RunConfig]) -> str | None:
    """Return why runs cannot be trained as one ensemble, or None if they can."""
    if not configs:
        return "an ensemble needs at least one run"
    shapes = [dataclasses.asdict(config) for config in configs]
    for name in shapes[0]:
        values = {shape[name] for shape in shapes}
        if name not in OWN and len(values) > 1:
            return f"the runs of an ensemble must have the same {name}, got {', '.join(map(str, sorted(values)))}"
    return next(filter(None, map(problem_with, configs)), None)

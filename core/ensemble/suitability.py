"""Check whether runs can be trained as one ensemble. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from core.run.choices.optimizers import OPTIMIZERS
from core.run.choices.schedules import SCHEDULES
from core.run.config import RunConfig
from core.run.fields import FIELD_SPECS


def problem_with(config: RunConfig) -> str | None:
    """Return why a run cannot be trained in an ensemble, or None if it can.

    A memory limit or a target loss is no obstacle, because an ensemble ignores both.
    """
    if config.budget == "seconds":
        return "an ensemble cannot have a budget in seconds, because only a single run can be timed"
    if SCHEDULES[config.schedule].is_feedback:
        return f"an ensemble cannot use the {config.schedule} schedule, because it reacts to a single run's evaluations"
    if OPTIMIZERS[config.optimizer].ensemble_rule is None:
        return f"an ensemble has no update rule for {config.optimizer}"
    if config.precision != "float32":
        return f"an ensemble computes in the precision of its data, not in {config.precision}"
    wrong = [name for name, spec in FIELD_SPECS.items() if spec.ensemble == "off" and getattr(config, name)]
    return f"an ensemble cannot use {wrong[0]}, which only affects the memory of a single run" if wrong else None


def problem_among(configs: Sequence[RunConfig]) -> str | None:
    """Return why runs cannot be trained as one ensemble, or None if they can."""
    if not configs:
        return "an ensemble needs at least one run"
    shapes = [dataclasses.asdict(config) for config in configs]
    for name in shapes[0]:
        values = {shape[name] for shape in shapes}
        if FIELD_SPECS[name].ensemble != "own" and len(values) > 1:
            return f"the runs of an ensemble must have the same {name}, got {', '.join(map(str, sorted(values)))}"
    return next(filter(None, map(problem_with, configs)), None)

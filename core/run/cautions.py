"""Find the cautions about a run before it starts, as codes. None of them prevents the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.run.choices.norms import NORMS
from core.run.choices.optimizers import OPTIMIZERS
from core.run.choices.schedules import SCHEDULES
from core.run.config import RunConfig
from core.run.events import Prediction
from core.run.plan import Plan, is_planned_otherwise, plan, schedule_horizon
from core.run.rates import RateLimit, reached_limit

FEW_UPDATES = 20
HIGH_RATE = 20  # multiple of an optimizer's usual rate
MILD = ("some_fail", "curvature_at_start")  # effects of a rate with which a run may well learn
TINY_BATCH = 8  # batch normalisation is noisy below this batch size


@dataclass(frozen=True)
class Caution:
    """A code with its values. The page makes the sentence."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


def cautions(config: RunConfig, prediction: Prediction | None) -> list[Caution]:
    """Return the cautions about a run, the most serious first."""
    counts, found = plan(config), []
    limit, total = config.memory_limit_bytes, counts.total_updates
    if limit and prediction and prediction.peak.bytes > limit:
        values = {"peak": prediction.peak.bytes, "limit": limit, "largest": prediction.largest_batch_size}
        found.append(Caution("will_run_out", values))
    limit_rate = reached_limit(config)
    rates = [_rate(config, limit_rate)] if limit_rate else []
    is_hopeless = limit_rate is not None and limit_rate.effect not in MILD
    found += rates if is_hopeless else []
    found += _horizon(config, total)
    if counts.updates_per_epoch == 1:
        found.append(_one_update(config, counts))
    elif total and total < FEW_UPDATES:
        found.append(Caution("few_updates", {"total": total}))
    if NORMS[config.norm].mixes_examples and config.batch_size < TINY_BATCH:
        found.append(Caution("batch_norm_of_few", {"size": config.batch_size}))
    usual = OPTIMIZERS[config.optimizer].usual_rate
    if usual and config.lr > HIGH_RATE * usual:
        found.append(Caution("high_rate", {"lr": config.lr, "optimizer": config.optimizer, "usual": usual}))
    return found if is_hopeless else [*found, *rates]


def _rate(config: RunConfig, limit: RateLimit) -> Caution:
    values = {"lr": config.lr, "size": config.effective_batch_size, "limit_rate": limit.rate}
    return Caution(f"rate_{limit.effect}", values)


def _one_update(config: RunConfig, counts: Plan) -> Caution:
    """Return what an epoch of one update sees: the whole data set, a part of it, or draws that may repeat."""
    if config.sampling == "iid":
        return Caution("one_update_of_draws", {"draws": counts.examples_per_epoch, "examples": counts.examples})
    left_out = counts.examples - counts.examples_per_epoch
    if left_out:
        return Caution("one_update_of_part", {"left_out": left_out, "examples": counts.examples})
    return Caution("one_update_per_epoch", {"size": counts.examples})


def _horizon(config: RunConfig, total: int | None) -> list[Caution]:
    """Return a caution if the schedule is planned for a different number of updates than the run makes."""
    if total is None or not is_planned_otherwise(config, total):
        return []
    horizon, per_epoch = schedule_horizon(config, total), plan(config).updates_per_epoch
    values = {"size": config.schedule_batch_size, "horizon": horizon, "total": total, "own": config.batch_size}
    if horizon > total:
        return [Caution("horizon_too_long", values)]
    code = "horizon_too_short_low" if SCHEDULES[config.schedule].end else "horizon_too_short"
    return [Caution(code, values | {"epoch": -(-(horizon + 1) // per_epoch)})]

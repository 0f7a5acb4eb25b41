"""Answer questions about runs. Each function maps plain values to plain values and runs in its own process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from core.forecast.predict import chunks_of, curve, heaviest_windows, new_trainer, predict
from core.forecast.records import EVENTS
from core.forecast.rehearsal import rehearse
from core.forecast.remedies import remedies, runs_through
from core.forecast.workspace import Reach
from core.run.choices.datasets import DATA
from core.run.config import RunConfig

Values = Mapping[str, Any]
Progress = Callable[[float], None]  # called with the completed share, 0 to 1


def _predict(values: Values) -> Any:
    return asdict(predict(_config(values), reach=Reach.NEAR))


def _curve(values: Values) -> Any:
    return asdict(curve(_config(values), values["sizes"], reach=Reach.NEAR))


def _timelines(values: Values) -> Any:
    """Return the timelines of the first update, the second and an evaluation by name, as from `Timeline.to_dict`."""
    config = _config(values)
    seen = rehearse(partial(new_trainer, config), heaviest_windows(config), chunks_of(config)[:1]).timelines
    names = EVENTS if len(seen) == len(EVENTS) else (EVENTS[0], EVENTS[-1])
    return {name: timeline.to_dict() for name, timeline in zip(names, seen.values(), strict=True)}


def _remedies(values: Values) -> Any:
    return [asdict(remedy) for remedy in remedies(_config(values))]


def _verify(values: Values) -> Any:
    """Return for each batch size whether two updates and an evaluation fit the memory limit.

    Raises ConfigError for a batch size that is invalid for the run.
    """
    config = _config(values)
    return [[size, runs_through(config, size)] for size in values["sizes"]]


def _accumulation(values: Values) -> Any:
    from core.train.accumulation import Setup, compare, example_data

    setup = Setup(**values)
    inputs, targets = example_data(setup.batch_size)
    return asdict(compare(setup, inputs=inputs, targets=targets))


def _own_model(values: Values) -> Any:
    from core.forecast.summary import of_own_model

    return of_own_model(values)


def _claims(values: Values, progress: Progress) -> Any:
    """Run the experiment of one claim; return `Results.to_dict`."""
    from core.claims import experiments

    first = values["first_seed"]
    seeds = range(first, first + values["seeds"])
    return experiments.run([values["claim"]], seeds, lambda _, share: progress(share)).to_dict()


def _schedules(values: Values, progress: Progress) -> Any:
    """Run the schedule bench at one batch size; return `Bench.to_dict`."""
    from core.schedule_bench.experiment import bench

    first = values["first_seed"]
    return bench(values["batch_size"], range(first, first + values["seeds"]), progress).to_dict()


def _weight_paths(values: Values, progress: Progress) -> Any:
    """Trace the weights of each arm of a comparison; return `WeightPaths.to_dict`."""
    from core.comparison.setup import Comparison
    from core.comparison.weight_paths import weight_paths
    from core.datasets.build import build
    from core.datasets.tensors import load

    comparison = Comparison.from_json(values["comparison"])
    return weight_paths(comparison, load(build(comparison.arms[0].dataset, DATA)), progress).to_dict()


def _config(values: Values) -> RunConfig:
    return RunConfig.from_json(values["config"])


ANSWERS: dict[str, Callable[[Values], Any]] = {
    "prediction": _predict,
    "curve": _curve,
    "timelines": _timelines,
    "remedies": _remedies,
    "verification": _verify,
    "accumulation": _accumulation,
    "own_model": _own_model,
}
# These take seconds, so they wait for a core and report progress.
LONG_ANSWERS: dict[str, Callable[[Values, Progress], Any]] = {
    "claims": _claims,
    "schedules": _schedules,
    "weight_paths": _weight_paths,
}

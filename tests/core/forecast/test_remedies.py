"""Remedies of a run that does not fit its limit: both the offered changes and the others are run."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from core.datasets.tensors import Data
from core.forecast.predict import Forecast, predict
from core.forecast.records import REMEDIES, Remedy
from core.forecast.remedies import remedies, runs_through, with_times
from core.forecast.timings import ROUNDS
from core.forecast.workspace import Reach
from core.run.config import RunConfig
from core.run.events import Ended
from core.run.plan import planned_examples
from core.train.loop import Loop
from core.train.trainer import Trainer
from tests.campaign import campaign

pytestmark = pytest.mark.slow

Datasets = Callable[[str], Data]

HABITS = ("keep_losses", "evaluate_with_grad", "zero_in_place", "validate_whole")
# 64 features, 1,437 examples and 360 to validate with; a limit of 1 MiB.
DIGITS = RunConfig(dataset="digits", hidden=(128,), batch_size=1_000, memory_limit_mb=1, budget_value=2, lr=1e-3)
CASES: dict[str, RunConfig] = {
    "activations": DIGITS,
    "state": DIGITS.replace(hidden=(200, 200), optimizer="adam", batch_size=100),
    "habits": DIGITS.replace(optimizer="adamw", **dict.fromkeys(HABITS, True)),
    "images": DIGITS.replace(model="cnn", norm="group", batch_size=100, memory_limit_mb=1.5),
    "updates": DIGITS.replace(optimizer="nesterov", batch_size=600, accumulate=2, budget="updates", budget_value=5),
}


@cache
def found(name: str) -> tuple[Remedy, ...]:
    return remedies(CASES[name])


def kinds_of(name: str) -> list[tuple[str, ...]]:
    return [remedy.kinds for remedy in found(name)]


def changed(config: RunConfig, remedy: Remedy) -> RunConfig:
    """Return the run with a remedy, as a page builds it."""
    return RunConfig.from_mapping(config.to_dict() | dict(remedy.changes))


def trained(config: RunConfig, workspace_bytes: int, datasets: Datasets) -> Ended:
    """Train a run from the beginning, on real data under its own limit."""
    trainer = Trainer(config, datasets(config.dataset), workspace_bytes=workspace_bytes)
    return Loop(trainer, lambda event: None).run()


# Offered changes.


@pytest.mark.parametrize("name", ["activations", "habits", *campaign(["state", "images", "updates"])])
def test_every_remedy_completes_a_run_that_was_out_of_memory(name: str, datasets: Datasets) -> None:
    config = CASES[name]
    aside = predict(config, reach=Reach.NEAR).peak.workspace_bytes
    assert trained(config, aside, datasets).state == "out_of_memory"
    assert found(name)
    for remedy in found(name):
        ended = trained(changed(config, remedy), remedy.peak.workspace_bytes, datasets)
        assert (remedy.kinds, ended.state) == (remedy.kinds, "finished")
        assert ended.updates_per_epoch == remedy.updates_per_epoch
        assert ended.peak is not None
        assert ended.peak.tensor_bytes == remedy.peak.tensor_bytes
        assert ended.peak.bytes <= 2**20 * (config.memory_limit_mb or 0)


@pytest.mark.parametrize("name", ["activations", "habits", *campaign(["state", "images", "updates"])])
def test_remedies_have_a_fixed_order_with_each_kind_once_and_the_time_of_an_epoch(name: str) -> None:
    order = ["smaller_batch", "accumulation", "checkpointing", "bfloat16", "less_state", "no_habits"]
    places = [order.index(kind) for kind, *_ in kinds_of(name)]
    assert places == sorted(places)
    assert all(0 < remedy.seconds_low <= remedy.seconds_high < 60 for remedy in found(name))
    assert sum(remedy.is_fastest for remedy in found(name)) <= 1
    ways = [(remedy.kinds, remedy.changes.get("optimizer")) for remedy in found(name)]
    assert len(set(ways)) == len(ways)
    assert {kind for kinds in kinds_of(name) for kind in kinds} <= set(REMEDIES)


def test_two_servers_with_opposite_timings_offer_the_same_order() -> None:
    offered, rounds = found("activations"), np.geomspace(0.1, 0.2, ROUNDS)
    growing = np.array([rounds * 2.0**place for place in range(len(offered))])
    first, second = with_times(offered, growing), with_times(offered, growing[::-1])
    assert [remedy.kinds for remedy in first] == [remedy.kinds for remedy in second] == kinds_of("activations")
    assert [remedy.is_fastest for remedy in first] == [True, *[False] * (len(offered) - 1)]
    assert [remedy.is_fastest for remedy in second] == [*[False] * (len(offered) - 1), True]
    assert first[2].seconds_low == pytest.approx(4 * first[0].seconds_low)


def test_a_smaller_batch_is_the_largest_that_fits() -> None:
    (smaller,) = [remedy for remedy in found("activations") if remedy.kinds == ("smaller_batch",)]
    size = smaller.changes["batch_size"]
    assert smaller.changes == {"batch_size": size}
    assert smaller.peak.bytes <= 2**20 < Forecast(DIGITS, reach=Reach.NEAR).peak(size + 1).bytes
    assert smaller.updates_per_epoch == -(-1_437 // size)


@pytest.mark.parametrize(
    ("name", "effective"), [("activations", 1_000), *campaign([("images", 100), ("updates", 1_200)])]
)
def test_accumulation_keeps_the_effective_batch_in_the_largest_micro_batches_that_fit(
    name: str, effective: int
) -> None:
    (split,) = [remedy for remedy in found(name) if remedy.kinds == ("accumulation",)]
    size, count = split.changes["batch_size"], split.changes["accumulate"]
    assert set(split.changes) - {"budget", "budget_value"} == {"batch_size", "accumulate"}
    assert size * count == effective
    larger = [other for other in range(size + 1, CASES[name].batch_size) if effective % other == 0]
    for other in larger[:1]:
        run = CASES[name].replace(batch_size=other, accumulate=effective // other)
        assert predict(run, reach=Reach.NEAR).peak.bytes > 2**20 * (run.memory_limit_mb or 0)


def test_an_optimizer_with_less_state_suffices_if_only_the_state_does_not_fit() -> None:
    # 55,210 weights are 221 kB; with gradients and Adam's two moments they are four times that.
    changes = {remedy.changes["optimizer"]: remedy for remedy in found("state") if "less_state" in remedy.kinds}
    assert set(changes) == {"momentum", "sgd"}
    assert changes["sgd"].kinds == changes["momentum"].kinds == ("less_state",)
    assert changes["momentum"].peak.by_category["optimizer state"] == 4 * 55_210
    assert changes["sgd"].peak.by_category["optimizer state"] == 0


def test_wasteful_habits_are_dropped_together() -> None:
    (without,) = [remedy for remedy in found("habits") if remedy.kinds[0] == "no_habits"]
    assert {name: without.changes[name] for name in HABITS} == dict.fromkeys(HABITS, False)
    # Habits that the run does not have stay out of the remedy.
    assert not any("no_habits" in kinds for kinds in kinds_of("activations"))


def test_a_change_that_does_not_suffice_comes_with_the_largest_batch_it_allows() -> None:
    both = [remedy for remedy in found("images") if len(remedy.kinds) == 2]
    plain = Forecast(CASES["images"], reach=Reach.NEAR).largest_batch_size()
    assert {remedy.kinds for remedy in both} >= {("checkpointing", "smaller_batch")}
    for remedy in both:
        assert remedy.kinds[1] == "smaller_batch"
        assert plain < remedy.changes["batch_size"] < 100
        config = CASES["images"].replace(**{**remedy.changes, "batch_size": 100})
        assert Forecast(config, reach=Reach.NEAR).largest_batch_size() == remedy.changes["batch_size"]


def test_a_budget_of_updates_becomes_one_of_the_same_number_of_examples() -> None:
    # An epoch is 1,200 and 237 examples, and five updates are two epochs and a whole window.
    assert planned_examples(CASES["updates"]) == 2 * 1_437 + 1_200
    for remedy in found("updates"):
        assert remedy.changes["budget"] == "examples"
        assert remedy.changes["budget_value"] == 2 * 1_437 + 1_200
    for name in ("activations", "state", "images"):
        assert not any("budget" in remedy.changes for remedy in found(name))


# Other changes.


@pytest.mark.parametrize("name", ["habits", *campaign(["state"])])
def test_changes_that_are_not_offered_do_not_fit(name: str, datasets: Datasets) -> None:
    config = CASES[name]
    alone: dict[str, dict[str, Any]] = {
        "smaller_batch": {"batch_size": 1},
        "accumulation": {"batch_size": 1, "accumulate": config.effective_batch_size},
        "no_habits": dict.fromkeys(HABITS, False),
        "checkpointing": {"checkpointing": True},
        "bfloat16": {"precision": "bfloat16"},
        "less_state": {"optimizer": "sgd"},
    }
    plain = Forecast(config, reach=Reach.NEAR).largest_batch_size()
    offered = {kinds[0] for kinds in kinds_of(name)}
    for kind in REMEDIES:
        if kind in offered:
            continue
        run = config.replace(**alone[kind])
        ended = trained(run, predict(run, reach=Reach.NEAR).peak.workspace_bytes, datasets)
        assert (kind, ended.state) == (kind, "out_of_memory")
        # It does not allow a larger batch either.
        if "batch_size" not in alone[kind]:
            assert Forecast(run, reach=Reach.NEAR).largest_batch_size() <= plain


def test_without_a_limit_there_are_no_remedies() -> None:
    assert remedies(DIGITS.replace(memory_limit_mb=None)) == ()


def test_no_remedy_helps_below_the_memory_of_weights_and_gradients() -> None:
    config = DIGITS.replace(hidden=(400, 400), optimizer="sgd", batch_size=50)
    weights = 64 * 400 + 400 + 400 * 400 + 400 + 400 * 10 + 10
    assert 2 * 4 * weights > 2**20 > 4 * weights
    assert remedies(config) == ()


def test_only_batch_sizes_that_are_valid_for_the_run_are_offered() -> None:
    config = DIGITS.replace(norm="batch", batch_size=1_436, drop_last=True, precision="bfloat16")  # N = 1,437
    offered = {remedy.kinds: changed(config, remedy) for remedy in remedies(config)}
    assert ("smaller_batch",) in offered
    split = offered["accumulation",]
    assert split.batch_size * split.accumulate == 1_436


def test_a_batch_that_fits_because_no_later_one_is_whole_is_offered(datasets: Datasets) -> None:
    config = DIGITS.replace(budget_value=1, batch_size=1_000, hidden=(80,))
    offered = {remedy.kinds: remedy for remedy in remedies(config)}
    smaller = offered["smaller_batch",]
    size = smaller.changes["batch_size"]
    assert size > 1_437 / 2
    assert predict(config.replace(batch_size=size, budget_value=2), reach=Reach.NEAR).peak.bytes > 2**20
    ended = trained(changed(config, smaller), smaller.peak.workspace_bytes, datasets)
    assert ended.state == "finished"


def test_one_update_on_a_large_batch_is_not_replaced_by_several_that_do_not_fit(datasets: Datasets) -> None:
    config = DIGITS.replace(optimizer="adam", batch_size=1_400, budget="updates", budget_value=1, hidden=(200, 100))
    offered = remedies(config)
    assert ("smaller_batch",) in [remedy.kinds for remedy in offered]
    for remedy in offered:
        ended = trained(changed(config, remedy), remedy.peak.workspace_bytes, datasets)
        assert (remedy.kinds, ended.state) == (remedy.kinds, "finished")
        assert ended.peak is not None
        assert ended.peak.tensor_bytes == remedy.peak.tensor_bytes


# Single batch sizes.


@pytest.mark.parametrize(("size", "gets_through"), [(100, True), (1_466, True), (1_467, False), (10_000, False)])
def test_a_batch_size_is_tested_by_running_it(size: int, gets_through: bool) -> None:
    config = RunConfig(memory_limit_mb=4)  # the largest batch is 1,466
    assert runs_through(config, size) == gets_through

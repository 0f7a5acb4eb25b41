"""Check each caution before a start: when it applies, its numbers, and when it does not apply."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.run.cautions import cautions
from core.run.choices.datasets import DATASETS
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig
from core.run.events import CATEGORIES, Peak, Prediction
from core.run.plan import rate_factor

DEFAULT = RunConfig(memory_limit_mb=4)
MIB = 2**20


def prediction(peak_bytes: int, largest: int = 75) -> Prediction:
    return Prediction(Peak(peak_bytes, dict.fromkeys(CATEGORIES, 0), "backward", ""), 1_000, largest)


def found(**changes: Any) -> dict[str, dict[str, Any]]:
    return {caution.code: dict(caution.values) for caution in cautions(DEFAULT.replace(**changes), None)}


@pytest.mark.parametrize(
    "changes", [{}, {"batch_size": 1_000}, {"schedule": "plateau"}, {"budget": "seconds"}], ids=str
)
def test_normal_settings_have_no_caution(changes: dict[str, Any]) -> None:
    assert cautions(DEFAULT.replace(**changes), prediction(MIB)) == []


# Memory.


def test_a_peak_over_the_limit_has_a_caution() -> None:
    (caution,) = cautions(DEFAULT, prediction(5 * MIB))
    assert (caution.code, dict(caution.values)) == (
        "will_run_out",
        {"peak": 5_242_880, "limit": 4_194_304, "largest": 75},
    )


@pytest.mark.parametrize(
    ("limit_mb", "peak", "over"), [(4, 4 * MIB, False), (4, 4 * MIB + 1, True), (None, 80 * MIB, False)]
)
def test_a_peak_that_just_fits_or_has_no_limit_has_no_caution(limit_mb: float | None, peak: int, over: bool) -> None:
    codes = [caution.code for caution in cautions(DEFAULT.replace(memory_limit_mb=limit_mb), prediction(peak))]
    assert codes == ["will_run_out"] * over


def test_an_unpredicted_peak_has_no_caution() -> None:
    assert cautions(DEFAULT, None) == []


# The number of updates.


def test_a_batch_of_all_examples_makes_one_update_per_epoch() -> None:
    assert found(batch_size=10_000) == {"one_update_per_epoch": {"size": 10_000}}
    assert found(dataset="digits", batch_size=1_437, drop_last=True) == {"one_update_per_epoch": {"size": 1_437}}
    assert found(batch_size=100, accumulate=100) == {"one_update_per_epoch": {"size": 10_000}}
    assert found(batch_size=5_000, budget_value=10) == {}


def test_one_update_per_epoch_does_not_always_see_the_whole_data_set() -> None:
    part = {"one_update_of_part": {"left_out": 437, "examples": 1_437}}
    assert found(dataset="digits", batch_size=1_000, drop_last=True) == part
    assert found(dataset="digits", batch_size=500, accumulate=2, drop_last=True) == part
    draws = {"one_update_of_draws": {"draws": 10_000, "examples": 10_000}}
    assert found(batch_size=10_000, sampling="iid") == draws


@pytest.mark.parametrize(("epochs", "few"), [(1, True), (9, True), (10, False)])
def test_fewer_than_twenty_updates_have_a_caution(epochs: int, few: bool) -> None:
    expected = {"few_updates": {"total": 2 * epochs}} if few else {}
    assert found(batch_size=5_000, budget_value=epochs) == expected


def test_a_budget_of_seconds_has_no_caution_about_updates() -> None:
    assert found(batch_size=5_000, budget="seconds", budget_value=0.1) == {}


# Unusual combinations of settings.


@pytest.mark.parametrize(("size", "norm", "few"), [(7, "batch", True), (8, "batch", False), (7, "layer", False)])
def test_batch_normalisation_below_batch_size_eight_has_a_caution(size: int, norm: str, few: bool) -> None:
    assert found(batch_size=size, norm=norm) == ({"batch_norm_of_few": {"size": 7}} if few else {})


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_a_rate_above_002_is_high_for_adam(optimizer: str) -> None:
    values = {"lr": 0.05, "optimizer": optimizer, "usual": 0.001}
    assert found(optimizer=optimizer, lr=0.05) == {"high_rate": values}
    assert found(optimizer=optimizer, lr=0.02) == {}


def test_a_rate_is_high_by_the_record_of_its_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(optimizer="sgd", lr=0.5) == {}
    monkeypatch.setitem(OPTIMIZERS, "sgd", replace(OPTIMIZERS["sgd"], usual_rate=0.01))
    assert found(optimizer="sgd", lr=0.5) == {"high_rate": {"lr": 0.5, "optimizer": "sgd", "usual": 0.01}}


def test_a_rate_that_cannot_work_has_a_caution_with_the_rate_from_which_it_cannot() -> None:
    hopeless = {"lr": 100.0, "size": 100, "limit_rate": pytest.approx(0.56)}
    assert found(lr=100.0, schedule="constant") == {"rate_all_fail": hopeless}
    for changes in ({}, {"hidden": (512,), "schedule": "constant"}, {"dataset": "digits", "schedule": "constant"}):
        assert found(lr=100.0, **changes) == {"rate_all_fail_similar": hopeless}  # the trials were others
    first, *_ = cautions(DEFAULT.replace(lr=100.0, batch_size=10_000), None)
    assert first.code == "rate_all_fail_similar"  # before the single update of an epoch
    high = {"lr": 0.05, "size": 10, "limit_rate": pytest.approx(0.035)}
    assert found(lr=0.05, batch_size=10) == {"rate_some_fail": high}
    assert found(lr=0.034, batch_size=10) == {}
    assert found(lr=100.0, optimizer="adam").keys() == {"high_rate"}  # nothing was measured for it
    limit = 2 * (1 + 0.9) / DATASETS["mixture"].curvature  # type: ignore[operator]
    changes = {"dataset": "mixture", "model": "linear", "lr": 200.0}
    assert found(**changes) == {
        "rate_curvature_at_start": {"lr": 200.0, "size": 100, "limit_rate": pytest.approx(limit)}
    }
    assert found(**changes | {"lr": 180.0}) == {}


# Schedules planned for a different number of updates.


def rates(**changes: Any) -> list[float]:
    """Return the share of the peak rate at every update of a run."""
    config = DEFAULT.replace(**changes)
    return [rate_factor(config, update, 500) for update in range(500)]


@pytest.mark.parametrize("schedule", ["linear", "cosine", "wsd"])
def test_a_schedule_that_reaches_zero_too_soon_names_the_epoch(schedule: str) -> None:
    changes = {"schedule": schedule, "schedule_batch_size": 1_000}
    values = {"size": 1_000, "horizon": 50, "total": 500, "own": 100, "epoch": 1}
    assert found(**changes) == {"horizon_too_short": values}
    assert np.flatnonzero(np.array(rates(**changes)) == 0).tolist() == list(range(50, 500))


@pytest.mark.parametrize("schedule", ["step", "exponential", "one-cycle"])
def test_a_schedule_that_ends_too_soon_above_zero_has_another_caution(schedule: str) -> None:
    changes = {"schedule": schedule, "schedule_batch_size": 1_000}
    assert list(found(**changes)) == ["horizon_too_short_low"]
    low = rates(**changes)[50:]
    assert set(low) == {min(rates(**changes))}
    assert low[0] > 0


@pytest.mark.parametrize(
    ("size", "horizon", "epoch"),
    [(101, 500, None), (102, 495, 5), (125, 400, 5), (126, 400, 5), (128, 395, 4), (200, 250, 3), (250, 200, 3)],
)
def test_the_epoch_is_that_of_the_first_update_at_a_zero_rate(size: int, horizon: int, epoch: int | None) -> None:
    caution = found(schedule="linear", schedule_batch_size=size).get("horizon_too_short")
    assert 5 * math.ceil(10_000 / size) == horizon
    if epoch is None:
        assert caution is None
        return
    assert caution is not None
    assert (caution["horizon"], caution["epoch"]) == (horizon, epoch)
    assert rates(schedule="linear", schedule_batch_size=size).index(0.0) // 100 + 1 == epoch


def test_a_schedule_that_is_cut_off_has_a_caution() -> None:
    values = {"size": 10, "horizon": 5_000, "total": 500, "own": 100}
    assert found(schedule_batch_size=10) == {"horizon_too_long": values}
    assert rates(schedule_batch_size=10)[-1] > 0.9


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": "constant", "schedule_batch_size": 1_000},
        {"schedule": "plateau", "schedule_batch_size": 1_000},
        {"schedule_batch_size": 100},
        {"budget": "updates", "budget_value": 500, "schedule_batch_size": 1_000},
    ],
    ids=str,
)
def test_a_schedule_that_does_not_depend_on_the_batch_size_has_no_caution(changes: dict[str, Any]) -> None:
    assert found(**changes) == {}


def test_the_most_serious_caution_comes_first() -> None:
    config = DEFAULT.replace(
        batch_size=5, norm="batch", optimizer="adam", budget="updates", budget_value=19, schedule_batch_size=10_000
    )
    codes = [caution.code for caution in cautions(config, prediction(5 * MIB, 0))]
    assert codes == ["will_run_out", "few_updates", "batch_norm_of_few", "high_rate"]
    config = config.replace(budget="epochs", budget_value=1)
    codes = [caution.code for caution in cautions(config, prediction(5 * MIB, 0))]
    assert codes == ["will_run_out", "horizon_too_short", "batch_norm_of_few", "high_rate"]

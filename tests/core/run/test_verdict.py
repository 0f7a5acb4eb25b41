"""Check verdicts on runs: one labelled real run for each code, and the numbers behind it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.datasets.tensors import Data
from core.run.choices import schedules
from core.run.config import RunConfig
from core.run.events import END_STATES, Ended, EndState
from core.run.verdict import T_975, Evidence, Verdict, VerdictCode, average, judge, slope
from core.train.trainer import Trainer
from tests.campaign import campaign

DEFAULT = RunConfig()
CONSTANT = DEFAULT.replace(schedule="constant")
DIGITS = RunConfig(dataset="digits", batch_size=100, budget_value=3, seed=2)
Run = Callable[..., Any]
Datasets = Callable[[str], Data]


def verdict(recorded: Any) -> Verdict:
    columns = {name: recorded.column(name) for name in ("losses", "rates")}
    return judge(recorded.trainer.config, recorded.ended, **columns)


def known(evidence: Evidence) -> dict[str, float]:
    """Return the evidence that is not None, by name."""
    return {name: value for name, value in vars(evidence).items() if value is not None}


def judged(
    losses: Any,
    *,
    rates: Any = None,
    config: RunConfig = CONSTANT,
    state: EndState = "finished",
    reason: str = "budget",
    since: int = 0,
) -> Verdict:
    """Judge synthetic losses, at a constant rate by default."""
    rates = np.full(len(losses), 0.05) if rates is None else rates
    return judge(config, Ended(state, reason, updates=len(losses)), losses=losses, rates=rates, since=since)


# Real runs.


@pytest.mark.parametrize("seed", [0, *campaign([1, 2])])
def test_the_default_run_converges_whatever_its_seed(seed: int, run: Run) -> None:
    found = verdict(run(DEFAULT.replace(seed=seed)))
    assert found.code == "converged"
    assert found.evidence.initial_loss == pytest.approx(
        math.log(10), rel=0.03
    )  # the loss of ten equally likely classes
    assert found.evidence.final_loss < 0.05
    assert abs(found.evidence.fall_share) < 0.01
    assert found.evidence.falling is False
    assert found.evidence.tail_last_update == 469  # from t = 469 on the cosine is under 1%
    assert found.evidence.tail_rate_share == pytest.approx(np.mean([schedules.cosine(t, 500) for t in range(369, 469)]))


@pytest.mark.parametrize("seed", [0, *campaign([1, 2])])
def test_batch_size_1000_makes_too_few_updates_and_100_makes_ten_times_as_many(seed: int, run: Run) -> None:
    found = verdict(run(DEFAULT.replace(batch_size=1_000, seed=seed)))
    assert found.code == "too_few_updates"
    assert (found.evidence.updates, found.evidence.other_batch_size, found.evidence.other_updates) == (50, 100, 500)


@pytest.mark.parametrize(
    ("schedule", "batch_size"),
    [("cosine", 50), ("step", 100), *campaign((name, 100) for name in ("linear", "cosine", "one-cycle", "wsd"))],
)
def test_the_rate_of_a_schedule_planned_for_too_few_updates_died_early(
    schedule: str, batch_size: int, run: Run
) -> None:
    found = verdict(run(DEFAULT.replace(schedule=schedule, schedule_batch_size=1_000, batch_size=batch_size)))
    assert found.code == "rate_died_early"
    alive, dead = found.evidence.alive_updates, found.evidence.dead_updates
    assert 35 < alive <= 50
    assert alive + dead == 50_000 / batch_size
    assert found.evidence.tail_last_update == alive
    assert found.evidence.final_loss > 0.2


def test_a_slow_run_is_still_falling(run: Run) -> None:
    found = verdict(run(CONSTANT.replace(optimizer="sgd", lr=0.01)))
    assert found.code == "still_falling"
    assert found.evidence.falling is True
    assert 0 < found.evidence.fall_low_loss < found.evidence.fall_loss < found.evidence.fall_high_loss
    assert found.evidence.slope_per_100_updates == pytest.approx(-found.evidence.fall_loss)  # a fifth of 500
    assert (found.evidence.tail_first_update, found.evidence.tail_last_update) == (401, 500)
    assert found.evidence.tail_rate_share == pytest.approx(1)


@pytest.mark.parametrize("changes", [{"lr": 0.3}, {"lr": 0.7, "batch_size": 1_000}], ids=str)
def test_a_rate_that_is_too_high_to_settle_but_too_low_to_diverge_thrashes(changes: dict[str, Any], run: Run) -> None:
    found = verdict(run(CONSTANT.replace(**changes)))
    assert found.code == "thrashing"
    top = found.evidence.before_climb_loss + found.evidence.climb_loss
    assert found.evidence.before_climb_loss <= found.evidence.final_loss <= top
    assert found.evidence.climb_loss > 0.2 * found.evidence.final_loss


def test_a_rate_that_is_too_low_teaches_nothing(run: Run) -> None:
    found = verdict(run(CONSTANT.replace(optimizer="sgd", lr=1e-6)))
    assert found.code == "learned_nothing"
    assert found.evidence.final_loss == pytest.approx(found.evidence.initial_loss, rel=0.01)


def test_a_short_run_that_has_converged_does_not_have_too_few_updates(run: Run) -> None:
    whole = CONSTANT.replace(dataset="linear", model="linear", batch_size=10_000, lr=0.1)
    assert verdict(run(whole.replace(budget_value=90))).code == "converged"
    assert verdict(run(whole.replace(budget_value=20))).code == "too_few_updates"


def test_a_flat_loss_at_a_decayed_rate_is_no_convergence_in_a_short_run() -> None:
    cosine = [schedules.cosine(t, 50) for t in range(50)]
    assert judged(curve(50), rates=cosine, config=CONSTANT.replace(batch_size=1_000)).code == "too_few_updates"
    assert judged(curve(50), config=CONSTANT.replace(batch_size=1_000)).code == "converged"


def test_a_reached_target_does_not_have_too_few_updates(run: Run) -> None:
    found = verdict(run(DIGITS.replace(target_loss=0.6, budget_value=40, schedule="constant")))
    assert found.code == "reached_target"
    assert found.evidence.target_loss == 0.6
    assert found.evidence.updates < 100


def test_a_diverged_run_keeps_the_evidence_of_its_losses(run: Run) -> None:
    recorded = run(CONSTANT.replace(lr=2.0))
    found = verdict(recorded)
    assert found.code == "diverged"
    assert recorded.ended.divergence.loss > 1_000 * found.evidence.initial_loss


def test_a_divergence_to_nan_has_finite_evidence(run: Run) -> None:
    recorded = run(CONSTANT.replace(dataset="linear", hidden=(512,) * 4, batch_size=50, optimizer="sgd", lr=100.0))
    assert not math.isfinite(recorded.ended.divergence.loss)
    found = verdict(recorded)
    assert found.code == "diverged"
    assert all(math.isfinite(value) for value in known(found.evidence).values())


def test_a_full_device_before_the_first_update_has_no_evidence(run: Run) -> None:
    recorded = run(DEFAULT.replace(model="cnn", memory_limit_mb=1))
    assert verdict(recorded) == Verdict("out_of_memory", Evidence(updates=0))


@pytest.mark.parametrize(("updates", "is_known"), [(300, True), (2, False)])
def test_a_stopped_run_has_a_slope_if_it_has_enough_updates(
    updates: int, is_known: bool, run: Run, datasets: Datasets
) -> None:
    class Interrupted(Trainer):
        def update(self, *arguments: Any) -> bool:
            if self.updates == updates:
                self.control.request("stop")
            return super().update(*arguments)

    slow = CONSTANT.replace(optimizer="sgd", lr=0.01)
    found = verdict(run(Interrupted(slow, datasets("photos10k"))))
    assert found.code == "stopped"
    assert found.evidence.updates == updates
    assert found.evidence.initial_loss > 2
    assert found.evidence.falling is (True if is_known else None)


def test_a_killed_run_is_judged_by_its_recorded_losses(run: Run) -> None:
    recorded = run(DIGITS)
    ended = Ended("failed", "killed", {"signal": 9}, updates=45)
    found = judge(DIGITS, ended, losses=recorded.column("losses"), rates=recorded.column("rates"))
    assert found.code == "failed"
    assert found.evidence.final_loss < found.evidence.initial_loss


# Synthetic losses.


def curve(updates: int, *, floor: float = 0.1, pace: float = 20.0) -> NDArray[np.float64]:
    """Return losses that decay from 2.3 to the floor, with `pace` e-foldings over the run."""
    return floor + (2.3 - floor) * np.exp(-pace * np.arange(updates) / updates)


@pytest.mark.parametrize(
    ("pace", "code"), [(20.0, "converged"), (2.0, "still_falling"), (0.01, "learned_nothing")], ids=str
)
def test_the_same_curve_has_the_same_verdict_over_many_updates_and_over_few(pace: float, code: str) -> None:
    for updates, batch_size in ((50_000, 1), (500, 100), (100, 1_000)):
        found = judged(curve(updates, pace=pace), config=CONSTANT.replace(batch_size=batch_size))
        assert (found.code, updates) == (code, updates)


def test_a_linear_fall_has_a_fifth_of_it_in_the_tail() -> None:
    found = judged(np.linspace(2, 1, 1_000))
    step = 1 / 999
    assert found.code == "still_falling"
    assert found.evidence.slope_per_100_updates == pytest.approx(-100 * step)
    assert [getattr(found.evidence, f"fall{key}_loss") for key in ("", "_low", "_high")] == pytest.approx(
        [200 * step] * 3
    )
    assert found.evidence.final_loss == pytest.approx(
        1 + 49 * step, rel=1e-3
    )  # the average over a window of 50 lags behind
    assert found.evidence.fall_share == pytest.approx(0.2 / (1 - 49 * step), rel=2e-3)
    assert (found.evidence.tail_first_update, found.evidence.tail_last_update) == (801, 1_000)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("updates", [2_000, 50_000])
def test_the_scatter_of_single_examples_is_not_thrashing(updates: int, seed: int) -> None:
    scatter = np.random.default_rng(seed).chisquare(
        1, updates
    )  # squared errors have a deviation of 1.4 times their mean
    found = judged(scatter * curve(updates, floor=0.5), config=CONSTANT.replace(batch_size=1))
    assert found.code != "thrashing"
    assert found.evidence.climb_loss < 0.1 * found.evidence.initial_loss


@pytest.mark.parametrize("seed", range(20))
def test_the_scatter_of_the_first_losses_is_not_learning(seed: int) -> None:
    scatter = np.random.default_rng(seed).chisquare(1, 20_000)
    assert judged(2 * scatter, config=CONSTANT.replace(batch_size=1)).code == "learned_nothing"


def test_a_climb_is_thrashing_only_if_the_loss_does_not_recover() -> None:
    climb = np.concatenate([np.linspace(2.3, 0.8, 400), np.linspace(0.8, 1.8, 100), np.full(100, 1.8)])
    stays = judged(climb)
    assert stays.code == "thrashing"
    assert stays.evidence.before_climb_loss == pytest.approx(0.8, abs=0.1)
    assert stays.evidence.climb_loss == pytest.approx(0.95, abs=0.1)
    assert stays.evidence.climb_update == 600
    recovered = judged(np.concatenate([climb, np.linspace(1.8, 0.5, 100), np.full(400, 0.5)]))
    assert recovered.code == "converged"
    assert recovered.evidence.climb_loss > 0.5


def test_a_model_that_broke_in_its_first_updates_thrashed_even_if_the_loss_is_flat() -> None:
    lost = np.concatenate([[2.3, 2.6, 9, 30, 12, 8, 6], np.full(493, 2.31)])
    found = judged(lost)
    assert found.code == "thrashing"
    assert found.evidence.before_climb_loss == pytest.approx(2.3, abs=0.02)
    assert found.evidence.before_climb_loss + found.evidence.climb_loss == found.evidence.highest_loss
    assert found.evidence.climb_update == 25  # the first update with a full window
    assert judged(np.full(500, 2.31)).code == "learned_nothing"


def test_a_little_progress_from_a_noisy_start_is_not_thrashing() -> None:
    losses = np.concatenate([[1.95], np.full(4, 2.2), np.linspace(2.1, 1.77, 45)])
    assert judged(losses, config=CONSTANT.replace(batch_size=1_000)).code == "too_few_updates"


def dying(updates: int, alive: int, *, rest: float = 0.0) -> NDArray[np.float64]:
    return np.where(np.arange(updates) < alive, 0.05, 0.05 * rest)


def falling_until(updates: int, alive: int) -> NDArray[np.float64]:
    return np.concatenate([np.linspace(2.3, 1, alive), np.full(updates - alive, 1.0)])


@pytest.mark.parametrize(
    ("alive", "rest", "code"),
    [
        (250, 0.0, "rate_died_early"),
        (250, 0.01, "rate_died_early"),
        (250, 0.02, "converged"),  # the rate is low, but not dead
        (5, 0.0, "rate_died_early"),  # the run is too short for a slope, which is the reason
        (400, 0.0, "still_falling"),  # the rate is dead for a fifth of the run, which is not early
    ],
)
def test_a_rate_at_1_percent_of_its_peak_is_dead_and_early_before_70_percent_of_the_run(
    alive: int, rest: float, code: str
) -> None:
    assert judged(falling_until(500, alive), rates=dying(500, alive, rest=rest)).code == code


def test_a_rate_that_died_after_convergence_did_not_die_early() -> None:
    assert judged(curve(500, pace=60), rates=dying(500, 250)).code == "converged"


def test_early_progress_does_not_count_against_a_rate_that_died_much_later() -> None:
    assert judged(curve(500, pace=100), rates=dying(500, 100)).code == "converged"


def test_a_slow_but_significant_fall_was_cut_short_by_a_dead_rate() -> None:
    losses = np.concatenate([np.linspace(2.3, 0.5, 150), np.linspace(0.5, 0.46, 100), np.full(250, 0.46)])
    found = judged(losses, rates=dying(500, 250))
    assert found.code == "rate_died_early"
    assert found.evidence.fall_share == pytest.approx(0.04 / 1.84, rel=0.02)


def test_a_rate_that_rises_again_has_not_died() -> None:
    rates = np.full(500, 0.05)
    rates[100:300] = 0
    assert judged(np.linspace(2.3, 1, 500), rates=rates).code == "still_falling"


@pytest.mark.parametrize("warmup", [0.0, 0.3])
@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_no_schedule_dies_early_in_the_run_it_was_planned_for(name: str, warmup: float) -> None:
    for updates in (*range(1, 40), 99, 500, 5_000):
        rates = [schedules.factor(name, t, updates, warmup=warmup) for t in range(updates)]
        assert judged(np.linspace(2.3, 1, updates), rates=rates).code != "rate_died_early", updates


def test_after_a_change_peak_rate_and_tail_come_from_the_later_updates() -> None:
    noise = np.random.default_rng(0).normal(0, 0.002, 2_000)
    losses = np.concatenate([np.geomspace(2.3, 0.5, 1_000), np.full(1_000, 0.2)]) + noise
    rates = np.repeat([5.0, 0.04], 1_000)  # below 1% from update 1,000 on
    assert judged(losses, rates=rates).code == "rate_died_early"
    found = judged(losses, rates=rates, since=1_000)
    assert found.code == "converged"
    assert found.evidence.tail_rate_share == pytest.approx(1.0)
    assert (found.evidence.tail_first_update, found.evidence.tail_last_update) == (1_801, 2_000)
    just = judged(losses[:1_100], rates=rates[:1_100], since=1_000)
    assert just.evidence.tail_first_update == 1_081  # the tail never includes updates before the change


def test_ignored_updates_before_a_change_do_not_shift_it() -> None:
    losses = np.concatenate([np.full(500, np.nan), np.full(1_500, 0.2)])
    evidence = judged(losses, since=1_000).evidence
    assert 1 + evidence.tail_last_update - evidence.tail_first_update == 200  # a fifth of the updates since the change


@pytest.mark.parametrize(("since", "code"), [(0, "still_falling"), (1_000, "rate_died_early")])
def test_early_means_early_since_the_last_change(since: int, code: str) -> None:
    losses = np.geomspace(2.3, 0.5, 2_000)
    rates = np.repeat([0.05, 1e-6], [1_600, 400])  # at four fifths of the run and three fifths of the updates since
    assert judged(losses, rates=rates, since=since).code == code


def test_a_run_without_updates_since_its_change_is_judged_as_before() -> None:
    losses = np.geomspace(2.3, 0.5, 1_000)
    assert judged(losses, since=1_000) == judged(losses)


def test_a_rate_of_zero_throughout_teaches_nothing() -> None:
    assert judged(np.full(500, 2.3), rates=np.zeros(500)).code == "learned_nothing"


def test_a_run_with_a_rising_loss_has_no_fall_share() -> None:
    found = judged(np.linspace(2.3, 2.4, 500))
    assert found.code == "learned_nothing"
    assert found.evidence.fall_loss < 0
    assert found.evidence.fall_share is None


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({"batch_size": 10_000}, (100, 500)),
        ({"batch_size": 10_000, "accumulate": 2}, (100, 250)),
        ({"batch_size": 100, "dataset": "digits", "budget_value": 3}, (10, 432)),
        ({"batch_size": 1_000, "budget": "examples", "budget_value": 20_000}, (100, 200)),
        ({"batch_size": 1_000, "budget": "updates", "budget_value": 30}, None),  # the same number at any batch size
        ({"batch_size": 1_000, "budget": "seconds", "budget_value": 1}, None),  # unknown in advance
        ({"batch_size": 10, "budget": "examples", "budget_value": 300}, None),  # a tenth of it would be batch size 1
        ({"batch_size": 1, "budget": "examples", "budget_value": 30}, None),
    ],
    ids=str,
)
def test_too_few_updates_come_with_the_updates_at_a_smaller_batch_size(
    changes: dict[str, Any], other: tuple[int, int] | None
) -> None:
    found = judged(np.linspace(2.3, 1.3, 30), config=CONSTANT.replace(**changes))
    assert found.code == "too_few_updates"
    expected = {} if other is None else dict(zip(("other_batch_size", "other_updates"), other, strict=True))
    assert {key: value for key, value in known(found.evidence).items() if key.startswith("other")} == expected


# Few updates, and losses that are not finite.


@pytest.mark.parametrize("updates", [0, 1, 2, 3, 5])
def test_a_few_updates_are_too_few(updates: int) -> None:
    found = judged(np.linspace(2.3, 2.2, updates), config=CONSTANT.replace(batch_size=1_000))
    assert found.code == "too_few_updates"
    assert found.evidence.updates == updates
    assert (found.evidence.final_loss is not None) == (updates > 0)


def test_losses_that_are_not_finite_are_ignored() -> None:
    losses = curve(500)
    gaps = losses.copy()
    gaps[[3, 77, 450]] = [np.nan, np.inf, -np.inf]
    full, gappy = judged(losses), judged(gaps)
    assert gappy.code == full.code == "converged"
    assert known(gappy.evidence).keys() == known(full.evidence).keys()
    assert gappy.evidence.final_loss == pytest.approx(full.evidence.final_loss, rel=1e-3)
    none = CONSTANT.replace(budget="updates", budget_value=500)
    assert judged(np.full(500, np.nan), config=none) == Verdict("too_few_updates", Evidence(updates=500))


@given(data=st.data(), state=st.sampled_from(END_STATES), reason=st.sampled_from(["budget", "target"]))
def test_any_losses_have_a_verdict_with_finite_evidence(data: st.DataObject, state: EndState, reason: str) -> None:
    losses = data.draw(st.lists(st.floats(width=32), max_size=200))
    rates = data.draw(st.lists(st.floats(0, 1_000), min_size=len(losses), max_size=len(losses)))
    found = judged(np.array(losses, np.float32), rates=np.array(rates), state=state, reason=reason)
    assert found.code in get_args(VerdictCode)
    assert (found.code == state) == (state != "finished")
    for value in known(found.evidence).values():
        assert type(value) in (int, float, bool)
        assert math.isfinite(value)


@given(
    losses=st.lists(st.floats(2**-10, 2**10, width=32), min_size=1, max_size=200),
    alive=st.integers(1, 200),
    power=st.integers(-20, 20),
)
def test_losses_in_another_unit_have_the_same_verdict(losses: list[float], alive: int, power: int) -> None:
    rates = dying(len(losses), alive)
    values = np.array(losses)
    one, other = (
        judged(values, rates=rates),
        judged(2.0**power * values, rates=rates),
    )  # a power of two, so that nothing is rounded
    assert one.code == other.code
    for name, value in known(one.evidence).items():
        scaled = name.endswith("_loss") or name == "slope_per_100_updates"
        assert getattr(other.evidence, name) == (2.0**power * value if scaled else value)


def test_a_fall_hidden_by_scatter_is_no_convergence() -> None:
    scatter = np.random.default_rng(0).normal(size=100)
    hidden = judged(np.linspace(2.3, 1.9, 100) + 0.15 * scatter)
    assert hidden.code == "unclear"
    assert hidden.evidence.fall_low_loss < 0 < 0.05 * 0.4 < hidden.evidence.fall_high_loss
    assert judged(np.linspace(2.3, 1.9, 100) + 0.001 * scatter).code == "still_falling"


@pytest.mark.parametrize("at_once", [7, 64, 100_000])
def test_the_average_of_a_run_processed_in_parts_equals_pandas(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.run.verdict.AT_ONCE", at_once)
    for seed in range(5):
        losses = 5 + np.random.default_rng(seed).normal(scale=0.1, size=1_000).cumsum()
        smoothed = pd.Series(losses).ewm(alpha=1 / 50).mean().to_numpy()[49:]
        climbs = smoothed - np.minimum.accumulate(smoothed)
        found = average(losses, window=50)
        assert (found.lowest, found.highest, found.final) == pytest.approx(
            (smoothed.min(), smoothed.max(), smoothed[-1])
        )
        assert found.climb == pytest.approx(climbs.max())
        assert found.before_climb == pytest.approx(smoothed[climbs.argmax()] - climbs.max())
        assert found.climb_update == climbs.argmax() + 50
        assert found.highest_update == smoothed.argmax() + 50


# Slopes.


def test_a_straight_line_has_an_exact_slope() -> None:
    assert slope(3 - 0.01 * np.arange(1_000)) == pytest.approx((-0.01, -0.01, -0.01))
    assert slope(np.full(50, 2.0)) == (0, 0, 0)


@pytest.mark.parametrize("length", [3, 4, 7, 10, 11, 25, 100, 1_234])
def test_the_slope_and_its_interval_equal_scipys_and_numpys_on_block_means(length: int) -> None:
    losses = np.random.default_rng(length).lognormal(size=length)
    blocks = min(10, length)
    cuts = np.array_split(np.arange(length), blocks)
    middles, means = [cut.mean() for cut in cuts], [losses[cut].mean() for cut in cuts]
    line = scipy.stats.linregress(middles, means)
    half = scipy.stats.t.ppf(0.975, blocks - 2) * line.stderr
    assert slope(losses) == pytest.approx((line.slope - half, line.slope, line.slope + half), rel=1e-3)
    assert slope(losses).estimate == pytest.approx(np.polyfit(middles, means, 1)[0])


def test_the_interval_covers_the_slope_at_its_nominal_rate() -> None:
    noise = np.random.default_rng(0).normal(size=(2_000, 100))
    held = [found.low <= 0.01 <= found.high for found in (slope(0.01 * np.arange(100) + row) for row in noise)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)  # within three standard errors


def test_two_losses_have_no_slope() -> None:
    assert slope(np.array([2.0, 1.0])) is None


def test_the_quantiles_equal_those_of_students_t() -> None:
    assert pytest.approx(scipy.stats.t.ppf(0.975, range(1, 9)), abs=5e-4) == T_975

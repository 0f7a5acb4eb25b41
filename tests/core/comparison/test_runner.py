"""Comparisons that train for real: their figures equal those of single trainers, and every end is recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from core.comparison import runner as runner_module
from core.comparison.course import Course
from core.comparison.runner import Runner
from core.comparison.setup import TUNING_FACTORS, Comparison, compared
from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.run.control import Control
from core.science.optimum import objective, softmax_optimum
from core.train.trainer import Trainer
from core.train.updater import Stopped

pytestmark = pytest.mark.slow

Datasets = Callable[[str], Data]

DIGITS = RunConfig(
    dataset="digits", hidden=(16,), batch_size=100, budget="updates", budget_value=30, schedule="linear", lr=0.1
)
MIXTURE = RunConfig(
    dataset="mixture",
    model="linear",
    optimizer="sgd",
    weight_decay=1e-3,
    schedule="constant",
    lr=1.0,
    batch_size=256,
    budget="epochs",
    budget_value=2,
)


def trained(comparison: Comparison, data: Data, report: Any = lambda courses: None) -> list[Course]:
    made = Runner(comparison, data, Control(), report)
    made.run()
    return made.courses


def single(config: RunConfig, data: Data) -> tuple[np.ndarray[Any, Any], Trainer]:
    """Return losses, gradient norms, update lengths and angles (updates, 4) of one trainer."""
    trainer, rows = Trainer(config, data), []
    before = move = None
    while trainer.updates < trainer.horizon:
        start = torch.cat([parameter.detach().flatten().clone() for parameter in trainer.parameters])
        loss, norm = torch.zeros(()), torch.zeros(())
        epoch_done = trainer.update(trainer.rate(), loss, norm)
        if epoch_done and trainer.plateau:
            trainer.note_evaluation(trainer.evaluate())
        before, move = move, torch.cat([parameter.detach().flatten() for parameter in trainer.parameters]) - start
        cosine = float(torch.cosine_similarity(before, move, dim=0)) if before is not None else np.nan
        rows.append((float(loss), float(norm), float(move.norm()), np.degrees(np.arccos(np.clip(cosine, -1, 1)))))
    return np.array(rows), trainer


@pytest.mark.parametrize("changes", [{}, {"schedule": "plateau", "budget_value": 45}], ids=["together", "one by one"])
def test_each_seed_of_each_arm_equals_a_trainer_by_itself(changes: dict[str, Any], datasets: Datasets) -> None:
    data = datasets("digits")
    first = DIGITS.replace(seed=5, **changes)
    comparison = compared([first, first.replace(batch_size=300)], seeds=3, budget="updates")
    for arm, course in zip(comparison.arms, trained(comparison, data), strict=True):
        assert course.state == "finished"
        assert course.planned == first.budget_value
        np.testing.assert_array_equal(course.updates, np.arange(1, course.planned + 1))  # one point per update
        for seed in range(3):
            rows, trainer = single(arm.replace(seed=5 + seed), data)
            for column, name in enumerate(("loss", "gradient_norm", "update_length", "angle")):
                tolerance = {"atol": 0.05} if name == "angle" else {"rtol": 1e-3}  # single precision
                np.testing.assert_allclose(course.series[name][:, seed], rows[:, column], **tolerance)
            evaluation = trainer.evaluate()
            assert course.checks["validation_loss"][-1, seed] == pytest.approx(evaluation.loss, rel=1e-3)
            assert course.checks["validation_accuracy"][-1, seed] == pytest.approx(evaluation.accuracy, abs=0.003)
            with torch.no_grad():
                inputs = trainer.data.train_inputs
                whole = float(cross_entropy(trainer.model(inputs), trainer.data.train_targets))
            assert course.newest("training_loss")[seed] == pytest.approx(whole, rel=1e-3)
        if not changes:
            expected = 0.1 * (1 - (course.updates - 1) / course.planned)
            np.testing.assert_allclose(course.rate, expected, rtol=1e-6)


def test_a_plateau_lowers_the_rate_of_an_arm_once_its_loss_stands_still(datasets: Datasets) -> None:
    still = DIGITS.replace(schedule="plateau", lr=1e-6, batch_size=500, budget_value=30)  # ten epochs without progress
    arms = trained(compared([still, still.replace(batch_size=300)], seeds=1, budget="updates"), datasets("digits"))
    assert sorted(set(arms[0].rate)) == pytest.approx([2.5e-7, 5e-7, 1e-6])


def test_the_training_loss_is_that_of_all_training_examples(datasets: Datasets) -> None:
    data = datasets("digits")
    small = DIGITS.replace(budget_value=60, schedule="constant")
    first, second = trained(compared([small, small.replace(batch_size=150)], seeds=2, budget="updates"), data)
    for course, place in (
        (first, 60),
        (second, 60),
        (second, 40),
    ):  # 40 updates at batch size 150 see as many examples as 60 at batch size 100
        size = 100 if course is first else 150
        _, trainer = single(small.replace(batch_size=size, budget_value=place), data)
        with torch.no_grad():
            whole = float(cross_entropy(trainer.model(trainer.data.train_inputs), data.train_targets))
        row = course.checked.tolist().index(place)
        assert course.checks["training_loss"][row, 0] == pytest.approx(whole, rel=1e-3)


def test_a_long_arm_has_at_most_200_points_that_are_means_of_updates(
    datasets: Datasets,
) -> None:
    data = datasets("digits")
    config = DIGITS.replace(budget_value=401, schedule="constant", lr=0.02)
    course = trained(compared([config, config], seeds=1, budget="updates"), data)[0]
    assert course.updates.tolist() == [*range(3, 401, 3), 401]
    rows, _ = single(config, data)
    means = [rows[start : start + 3, 0].mean() for start in range(0, 401, 3)]
    np.testing.assert_allclose(course.series["loss"][:50, 0], means[:50], rtol=1e-3)


def test_arms_advance_together(datasets: Datasets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "REPORT_EVERY_S", 0.0)
    apart: list[float] = []

    def look(courses: Sequence[Course]) -> None:
        shares = [course.updates[-1] / course.planned if len(course.updates) else 0.0 for course in courses]
        apart.append(max(shares) - min(shares))

    small = DIGITS.replace(budget="epochs", budget_value=4, batch_size=10)
    trained(compared([small, small.replace(batch_size=200)], seeds=1), datasets("digits"), look)
    assert len(apart) > 30
    assert max(apart) <= 1 / 32 + 1e-9  # one point of the larger batch, which makes 32 updates


def test_the_excess_loss_is_recorded_where_the_optimum_is_known(datasets: Datasets) -> None:
    data = datasets("mixture")
    courses = trained(compared([MIXTURE, MIXTURE.replace(batch_size=16)], seeds=2), data)
    inputs, targets = data.train_inputs.double(), data.train_targets
    lowest = softmax_optimum(inputs, targets, 10, weight_decay=1e-3).loss
    _, trainer = single(MIXTURE.replace(seed=1), data)
    weights = trainer.parameters[0].detach().double()
    excess = float(objective(weights, inputs, targets, 1e-3)) - lowest
    assert courses[0].checks["excess_loss"][-1, 1] == pytest.approx(excess, rel=1e-3)
    assert all(course.measure == "excess_loss" for course in courses)


@pytest.mark.parametrize(
    "change", [{"weight_decay": 0.0}, {"optimizer": "adamw", "lr": 0.01}, {"model": "mlp", "hidden": (4,)}]
)
def test_arms_without_a_known_optimum_are_judged_by_the_training_loss(
    change: dict[str, Any], datasets: Datasets
) -> None:
    config = MIXTURE.replace(budget_value=1, **change)
    for course in trained(compared([config, config], seeds=1), datasets("mixture")):
        assert course.measure == "training_loss"


def test_an_arm_over_the_memory_limit_is_not_trained_and_the_other_is(datasets: Datasets) -> None:
    small = DIGITS.replace(hidden=(128, 64), memory_limit_mb=1.0)
    large = small.replace(batch_size=1_437)
    fits, too_large = trained(compared([small, large], seeds=1, budget="updates"), datasets("digits"))
    assert (fits.state, too_large.state) == ("finished", "out_of_memory")
    assert too_large.peak_bytes > 2**20 >= fits.peak_bytes
    assert len(too_large.updates) == 0


def test_a_diverged_arm_ends_and_the_other_goes_on(datasets: Datasets) -> None:
    wild, calm = trained(compared([DIGITS.replace(lr=1_000.0), DIGITS], seeds=2, budget="updates"), datasets("digits"))
    assert (wild.state, calm.state) == ("diverged", "finished")
    assert wild.is_lost
    assert wild.updates[-1] < calm.updates[-1]
    assert np.isnan(wild.series["loss"][-1]).all()
    assert len(calm.newest("training_loss")) == 2
    assert not len(wild.newest("training_loss"))


def test_equal_seconds_become_updates_by_a_timing_of_one_run(datasets: Datasets) -> None:
    made = compared([DIGITS, DIGITS.replace(batch_size=1_000)], seeds=2, budget="seconds", seconds=0.2)
    for course in trained(made, datasets("digits")):
        assert course.planned == max(1, round(0.2 / course.seconds_per_update))
        assert course.updates[-1] == course.planned


def test_a_tuned_rate_is_the_best_one_tried_on_other_seeds(datasets: Datasets) -> None:
    data = datasets("mixture")
    config = MIXTURE.replace(lr=1.0, batch_size=16, budget_value=1)
    course = trained(compared([config, config.replace(batch_size=32)], seeds=1, rule="tuned"), data)[0]
    lowest = softmax_optimum(data.train_inputs.double(), data.train_targets, 10, weight_decay=1e-3).loss
    means = []
    for factor in TUNING_FACTORS:
        ends = []
        for seed in (1_000, 1_001, 1_002):
            _, trainer = single(config.replace(seed=seed, lr=1.0 * factor), data)
            weights = trainer.parameters[0].detach().double()
            ends.append(float(objective(weights, data.train_inputs.double(), data.train_targets, 1e-3)) - lowest)
        means.append(np.mean(ends))
    best = int(np.argmin(means))
    assert 0 < best < len(TUNING_FACTORS) - 1
    assert course.lr == 1.0 * TUNING_FACTORS[best] != config.lr
    assert not course.at_edge


def test_another_row_of_rates_follows_if_the_best_rate_is_the_last(datasets: Datasets) -> None:
    low = MIXTURE.replace(lr=0.01, batch_size=64, budget_value=1)
    course = trained(compared([low, low.replace(batch_size=128)], seeds=1, rule="tuned"), datasets("mixture"))[0]
    assert course.lr > 0.01 * max(TUNING_FACTORS)
    assert not course.at_edge
    far = low.replace(lr=1e-8)
    course = trained(compared([far, far.replace(batch_size=128)], seeds=1, rule="tuned"), datasets("mixture"))[0]
    assert course.at_edge


def test_arms_are_evaluated_where_other_arms_end(datasets: Datasets) -> None:
    """By updates, epochs and examples: batch size 10 is evaluated after the 5 updates at which batch size 300 ends."""
    small = DIGITS.replace(budget="epochs", budget_value=1, batch_size=10, seed=3)
    course, other = trained(compared([small, small.replace(batch_size=300)], seeds=1), datasets("digits"))
    assert other.planned == 5
    assert 5 in course.checked
    trainer = Trainer(small, datasets("digits"))
    for _ in range(5):
        trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
    at = course.checked.tolist().index(5)
    assert course.checks["validation_loss"][at, 0] == pytest.approx(trainer.evaluate().loss, rel=1e-3)


def test_divergence_is_not_measured_by_the_loss_of_the_first_batch(datasets: Datasets) -> None:
    config = RunConfig(
        dataset="linear",
        model="linear",
        optimizer="sgd",
        schedule="constant",
        lr=0.01,
        batch_size=1,
        budget="updates",
        budget_value=300,
        seed=9,
    )
    single_example, _ = trained(compared([config, config.replace(batch_size=32)], seeds=1), datasets("linear"))
    assert single_example.state == "finished"
    assert not single_example.diverged.any()


def test_a_stop_interrupts_an_evaluation(datasets: Datasets) -> None:
    course, asked = Course(planned=5), iter(range(10))

    def obey() -> None:
        if next(asked) == 2:  # before the third of five parts
            raise Stopped

    config = RunConfig(budget="updates", budget_value=5)
    with pytest.raises(Stopped):
        runner_module.ArmTraining([config], datasets("photos10k"), course, None, obey)
    assert next(asked) == 3
    assert not course.checks


def test_a_tuning_run_is_evaluated_only_at_its_start_and_end(
    datasets: Datasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[float]] = []

    class Watched(runner_module.ArmTraining):
        def advance(self) -> None:
            super().advance()
            if self.is_over:
                seen.append(self.course.checked.tolist())

    monkeypatch.setattr(runner_module, "ArmTraining", Watched)
    made = compared([DIGITS, DIGITS.replace(batch_size=300)], seeds=2, budget="updates", rule="tuned")
    trained(made, datasets("digits"))
    *trials, first, second = seen
    assert trials
    assert all(checked == [0, 30] for checked in trials)
    assert set(range(0, 31, 3)) <= set(first) & set(second)


def test_a_pause_changes_no_figure_and_is_not_counted_as_training(
    datasets: Datasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "REPORT_EVERY_S", 0.0)
    comparison = compared([DIGITS, DIGITS.replace(batch_size=50)], seeds=2, budget="updates")
    control, seen = Control(), []

    def report(courses: Sequence[Course]) -> None:
        seen.append(control.paused)
        if not control.paused and len(courses[1].updates) and not control.paused_s:
            control.request("pause")
            monkeypatch.setattr(runner_module, "REPORT_EVERY_S", 3_600.0)
            threading.Timer(0.7, control.request, ("resume",)).start()

    paused = Runner(comparison, datasets("digits"), control, report)
    began = time.perf_counter()
    paused.run()
    took_s = time.perf_counter() - began
    assert control.paused_s > 0.6
    assert seen[seen.index(True) :] == [True, False, False]  # the pause, that it goes on, and the end
    assert 0 < sum(course.spent_s for course in paused.courses) < took_s - 0.6
    for before, after in zip(trained(comparison, datasets("digits")), paused.courses, strict=True):
        for name, values in before.series.items():
            np.testing.assert_array_equal(after.series[name], values)
        np.testing.assert_array_equal(after.newest("training_loss"), before.newest("training_loss"))


def test_a_stopped_comparison_keeps_what_was_recorded(datasets: Datasets) -> None:
    control, reports = Control(), []

    def report(courses: Sequence[Course]) -> None:
        reports.append(courses)
        if any(len(course.updates) for course in courses):
            control.request("stop")

    long = DIGITS.replace(budget_value=50_000)
    made = Runner(compared([long, long], seeds=1, budget="updates"), datasets("digits"), control, report)
    with pytest.raises(Stopped):
        made.run()
    assert {course.state for course in made.courses} == {"stopped"}
    assert 0 < made.updates < 50_000

"""Check the ends of runs, their events and their training time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.run.control import Control
from core.run.events import Ended, Epoch, Event, Kept, Paused, Peak, Snapshot, Started, Updates
from core.train import loop
from core.train.trainer import Evaluation, Trainer
from tests.campaign import campaign

DIGITS = RunConfig(dataset="digits", batch_size=100, budget_value=3, seed=2)
Run = Callable[..., Any]
Datasets = Callable[[str], Data]


# Reports.


def test_a_run_reports_its_start_first_its_end_once_and_every_update_in_between(run: Run) -> None:
    recorded = run(DIGITS.replace(schedule="linear", lr=0.1))
    assert recorded.events[0].horizon == 45
    assert [type(recorded.events[0]), type(recorded.events[-1])] == [Started, Ended]
    assert len(recorded.of(Started)) == len(recorded.of(Ended)) == 1
    assert recorded.events[-1] is recorded.ended
    blocks = recorded.of(Updates)
    assert [block.first for block in blocks] == np.cumsum([0, *map(len, blocks)])[:-1].tolist()
    assert recorded.column("examples_seen").tolist() == [
        epoch * 1_437 + min(update * 100, 1_437) for epoch in range(3) for update in range(1, 16)
    ]
    assert recorded.column("rates").tolist() == pytest.approx([0.1 * (1 - t / 45) for t in range(45)])
    assert (np.diff(recorded.column("seconds")) > 0).all()
    assert recorded.column("seconds")[-1] <= recorded.ended.elapsed_s
    assert len(blocks[0]) <= 2  # the chart can draw a line after two updates


def test_every_epoch_reports_the_mean_training_loss_over_its_examples(run: Run) -> None:
    recorded = run(DIGITS.replace(accumulate=2, budget="updates", budget_value=19))
    losses = recorded.column("losses").astype(np.float64)
    weights = np.array([200] * 7 + [37])
    epochs = recorded.of(Epoch)
    assert [(epoch.epoch, epoch.updates, epoch.updates_in_epoch, epoch.complete) for epoch in epochs] == [
        (1, 8, 8, True),
        (2, 16, 8, True),
        (3, 19, 3, False),
    ]
    expected = [losses[:8] @ weights / 1_437, losses[8:16] @ weights / 1_437, losses[16:].mean()]
    assert [epoch.train_loss for epoch in epochs] == pytest.approx(expected)
    assert recorded.ended.updates_per_epoch == 8


@pytest.mark.parametrize("optimizer", ["momentum", "adamw"])
def test_every_epoch_reports_the_size_of_the_update_in_its_middle_relative_to_the_weights(
    optimizer: str, run: Run, datasets: Datasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "RATIO_EVERY_S", 0.0)
    config = DIGITS.replace(optimizer=optimizer, lr=0.01, batch_size=300, budget="updates", budget_value=12)
    trainer, weights = Trainer(config, datasets("digits")), []  # 5 updates per epoch

    def note(*_: Any) -> None:
        weights.append(np.concatenate([each.detach().numpy().astype("f8").ravel() for each in trainer.parameters]))

    note()
    trainer.optimizer.register_step_post_hook(note)
    epochs = run(trainer).of(Epoch)
    third, eighth = (np.linalg.norm(weights[n] - weights[n - 1]) / np.linalg.norm(weights[n - 1]) for n in (3, 8))
    assert [epoch.update_ratio for epoch in epochs[:2]] == pytest.approx([third, eighth], rel=1e-5)
    assert epochs[2].update_ratio is None  # the run ends before the middle of its third epoch
    assert abs(third - eighth) > 0.01 * third


def test_the_size_of_an_update_is_measured_once_where_epochs_are_short(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "RATIO_EVERY_S", 60.0)
    epochs = run(DIGITS.replace(batch_size=1_437, budget_value=4)).of(Epoch)
    assert [epoch.update_ratio is None for epoch in epochs] == [False, True, True, True]


def test_a_run_shorter_than_an_epoch_has_no_measured_updates_per_epoch(run: Run) -> None:
    recorded = run(DIGITS.replace(budget="updates", budget_value=4))
    assert (recorded.ended.updates, recorded.ended.updates_per_epoch) == (4, None)
    assert [epoch.complete for epoch in recorded.of(Epoch)] == [False]


def test_the_final_peak_is_the_highest_reported(run: Run) -> None:
    recorded = run(DIGITS.replace(optimizer="adam", lr=0.001))
    assert recorded.ended.peak.bytes == max(peak.bytes for peak in recorded.of(Peak))
    assert recorded.of(Peak)[0].bytes < recorded.ended.peak.bytes  # the second update also holds Adam's state


# Budgets.


@pytest.mark.parametrize(
    ("changes", "updates", "examples"),
    [
        ({"budget": "epochs", "budget_value": 3}, 45, 3 * 1_437),
        ({"budget": "epochs", "budget_value": 2, "accumulate": 4, "drop_last": True}, 6, 2_400),
        ({"budget": "updates", "budget_value": 17}, 17, 1_437 + 200),
        ({"budget": "updates", "budget_value": 15}, 15, 1_437),
        ({"budget": "examples", "budget_value": 1}, 1, 100),
        ({"budget": "examples", "budget_value": 1_437}, 15, 1_437),
        ({"budget": "examples", "budget_value": 1_438}, 16, 1_537),
        ({"budget": "examples", "budget_value": 1_000, "accumulate": 4}, 3, 1_200),
    ],
    ids=str,
)
def test_a_budget_is_spent_exactly_without_cutting_a_batch(
    changes: dict[str, Any], updates: int, examples: int, run: Run
) -> None:
    recorded = run(DIGITS.replace(**changes))
    ended = recorded.ended
    assert (ended.state, ended.reason, ended.updates) == ("finished", "budget", updates)
    assert recorded.events[0].horizon == updates
    assert len(recorded.column("losses")) == updates
    assert recorded.column("examples_seen")[-1] == recorded.trainer.examples_seen == examples


def test_a_budget_of_seconds_ends_with_the_first_update_past_it_and_has_no_hash(run: Run) -> None:
    recorded = run(DIGITS.replace(budget="seconds", budget_value=0.4))
    seconds = recorded.column("seconds")
    assert (recorded.ended.state, recorded.ended.reason) == ("finished", "budget")
    assert seconds[-1] >= 0.4
    assert (seconds[:-1] < 0.4).all()
    assert recorded.ended.losses_sha256 is None
    assert recorded.ended.updates == len(seconds)
    assert recorded.events[0].horizon > 10


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"model": "cnn", "norm": "batch", "optimizer": "adam", "lr": 0.003}], ids=str)
def test_the_timing_before_a_budget_of_seconds_leaves_no_trace(changes: dict[str, Any], run: Run) -> None:
    timed = run(DIGITS.replace(budget="seconds", budget_value=0.3, **changes))
    horizon = timed.events[0].horizon
    plain = run(DIGITS.replace(budget="updates", budget_value=horizon, **changes))
    shared = min(timed.ended.updates, horizon)
    assert shared >= 5
    for column in ("losses", "rates", "examples_seen"):
        assert timed.column(column)[:shared].tolist() == plain.column(column)[:shared].tolist()


def test_the_losses_of_the_timing_are_not_kept(run: Run) -> None:
    keeping = DIGITS.replace(batch_size=1, keep_losses=True)
    timed = run(keeping.replace(budget="seconds", budget_value=0.1)).ended  # the budget is half as long as the timing
    plain = run(keeping.replace(budget="updates", budget_value=timed.updates)).ended
    assert timed.peak == plain.peak


def test_the_last_rate_stays_past_the_horizon(run: Run, datasets: Datasets) -> None:
    config = DIGITS.replace(budget="seconds", budget_value=0.3, schedule="linear", lr=0.1)
    trainer = Trainer(config, datasets("digits"))

    def shorten(event: Event) -> None:
        if isinstance(event, Started):
            trainer.horizon = 5  # as if the timing had been this wrong

    rates = run(trainer, report=shorten).column("rates")
    assert len(rates) > 10
    assert rates[:5].tolist() == pytest.approx([0.1, 0.08, 0.06, 0.04, 0.02])
    assert set(rates[5:].tolist()) == {rates[4]}


def test_a_run_stopped_during_its_timing_has_made_no_update(run: Run, datasets: Datasets) -> None:
    class Interrupted(Trainer):
        def update(self, *arguments: Any) -> bool:
            if self.updates == 5:
                self.control.request("stop")
            return super().update(*arguments)

    ended = run(Interrupted(DIGITS.replace(budget="seconds", budget_value=5), datasets("digits"))).ended
    assert (ended.state, ended.updates) == ("stopped", 0)


@pytest.mark.slow
def test_a_pause_during_the_timing_does_not_count_as_training_time(run: Run, datasets: Datasets) -> None:
    class Paused(Trainer):
        timed = 0

        def update(self, *arguments: Any) -> bool:
            if self.updates == 4:
                self.control.request("pause")
                threading.Timer(1.5, self.control.request, ["resume"]).start()
            self.timed = max(self.timed, self.updates - 1)  # the first two are slow and do not count
            return super().update(*arguments)

    trainer = Paused(DIGITS.replace(budget="seconds", budget_value=100), datasets("digits"))

    def stop(event: Event) -> None:
        if isinstance(event, Started):
            trainer.control.request("stop")

    horizon = run(trainer, report=stop).of(Started)[0].horizon
    # This many updates take 0.2 s: 100 s allow 500 times as many, or 59 times if the pause had been counted.
    assert horizon > 150 * trainer.timed > 0


def test_a_target_ends_the_run_after_the_first_epoch_that_reaches_it(run: Run) -> None:
    recorded = run(DIGITS.replace(target_loss=0.6, budget_value=40, schedule="constant"))
    losses = [epoch.validation_loss for epoch in recorded.of(Epoch)]
    assert (recorded.ended.state, recorded.ended.reason) == ("finished", "target")
    assert 1 < len(losses) < 40
    assert losses[-1] <= 0.6 < min(losses[:-1])
    assert recorded.ended.updates == 15 * len(losses)


# Divergence and updates that change nothing.


@pytest.mark.parametrize(
    ("changes", "finite"),
    [
        (
            {"model": "linear", "lr": 2.5, "budget_value": 200},
            True,
        ),  # beyond 2 / curvature: each update multiplies the loss by 2.25
        ({"model": "linear", "lr": 30.0, "budget_value": 9}, True),  # diverges before the first check at update 16
        ({"model": "mlp", "hidden": (512,) * 4, "lr": 100.0, "budget_value": 200}, False),
    ],
)
def test_a_run_diverges_at_the_same_update_whatever_its_blocks(changes: dict[str, Any], finite: bool, run: Run) -> None:
    values = {"dataset": "linear", "batch_size": 50, "optimizer": "sgd", "schedule": "constant", "budget": "updates"}
    config = RunConfig(**values, **changes)
    first = run(config)
    slow = run(config, report=lambda event: time.sleep(0.003))
    for recorded in (first, slow):
        ended = recorded.ended
        assert (ended.state, ended.reason) == ("diverged", "loss")
        losses = recorded.column("losses")
        off = ~(np.isfinite(losses) & (losses <= 1_000 * losses[0]))
        assert ended.divergence.update == int(off.argmax()) + 1
        assert ended.divergence.loss == pytest.approx(float(losses[off.argmax()]), nan_ok=True)
        assert ended.updates == len(losses) == first.ended.updates
        assert ended.losses_sha256 == first.ended.losses_sha256
    assert np.isfinite(first.ended.divergence.loss) == finite


def test_updates_at_a_zero_rate_are_counted_and_change_nothing(run: Run, datasets: Datasets) -> None:
    class Resting(Trainer):
        def rate(self) -> float:
            return 0.0 if 10 <= self.updates < 22 else super().rate()

    trainer = Resting(DIGITS.replace(optimizer="adamw", lr=0.003, weight_decay=0.1), datasets("digits"))
    weights: list[torch.Tensor] = []
    trainer.optimizer.register_step_post_hook(
        lambda *_: weights.append(torch.nn.utils.parameters_to_vector(trainer.parameters).detach())
    )
    ended = run(trainer).ended
    changed = [not torch.equal(before, after) for before, after in zip(weights, weights[1:], strict=False)]
    assert changed == [True] * 9 + [False] * 12 + [True] * 23
    assert (ended.updates, ended.unchanged_updates) == (45, 12)


def test_a_normal_run_has_no_unchanged_updates(run: Run) -> None:
    assert run(DIGITS.replace(schedule="linear")).ended.unchanged_updates == 0


def test_a_full_device_ends_the_run_with_the_missing_bytes(run: Run) -> None:
    recorded = run(DIGITS.replace(dataset="photos10k", model="cnn", memory_limit_mb=1))
    ended = recorded.ended
    assert (ended.state, ended.reason, ended.updates) == ("out_of_memory", "limit", 0)
    assert ended.allocation.limit_bytes == 1_048_576
    assert ended.allocation.over_bytes > 0
    assert "CUDA out of memory" in ended.allocation.error
    assert [type(event) for event in recorded.events] == [Started, Updates, Snapshot, Kept, Ended]


def test_a_defect_is_raised_and_not_reported_as_an_end(run: Run, datasets: Datasets) -> None:
    class Broken(Trainer):
        def evaluate(self) -> Evaluation:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Broken(DIGITS, datasets("digits")))


# Evaluation and the clock.


class Timed(Trainer):
    """A trainer with slow evaluations that notes when each began."""

    pause_s = 0.0

    def evaluate(self) -> Evaluation:
        self.began = [*getattr(self, "began", []), time.perf_counter()]
        time.sleep(self.pause_s)
        return super().evaluate()


@pytest.mark.slow
def test_evaluations_are_half_a_second_apart_and_the_last_epoch_always_has_one(run: Run, datasets: Datasets) -> None:
    trainer = Timed(DIGITS.replace(budget="seconds", budget_value=1.3, batch_size=500), datasets("digits"))
    recorded = run(trainer)
    evaluated = [epoch.validation_loss is not None for epoch in recorded.of(Epoch)]
    assert evaluated[0]
    assert evaluated[-1]
    assert 3 <= sum(evaluated) == len(trainer.began) < len(evaluated) / 2
    # An evaluation begins a moment after the loop has read the clock.
    assert (np.diff(trainer.began)[:-1] > 0.499).all()


@pytest.mark.parametrize("changes", [{"schedule": "plateau"}, {"target_loss": 1e-9}], ids=str)
def test_plateau_and_target_runs_are_evaluated_after_every_epoch(changes: dict[str, Any], run: Run) -> None:
    epochs = run(DIGITS.replace(budget_value=8, **changes)).of(Epoch)
    assert len(epochs) == 8
    assert all(epoch.validation_loss is not None and epoch.validation_accuracy is not None for epoch in epochs)


@pytest.mark.slow
def test_an_evaluation_is_not_training_time(run: Run, datasets: Datasets) -> None:
    class Slow(Timed):
        pause_s = 0.4

    trainer = Slow(DIGITS.replace(schedule="plateau"), datasets("digits"))
    began = time.perf_counter()
    recorded = run(trainer)
    took = time.perf_counter() - began
    assert len(trainer.began) == 3
    last = recorded.of(Epoch)[-1]
    assert recorded.column("seconds")[-1] <= last.seconds <= recorded.ended.elapsed_s < took - 1.2


def test_a_run_stopped_during_an_evaluation_keeps_the_updates_of_the_epoch(run: Run, datasets: Datasets) -> None:
    class Halfway(Trainer):
        def evaluate_chunk(self, start: int, stop: int) -> Any:
            if start == 200:
                self.control.request("stop", reason="unwatched")
            return super().evaluate_chunk(start, stop)

    recorded = run(Halfway(DIGITS, datasets("digits")))
    ended = recorded.ended
    assert (ended.state, ended.reason, ended.updates, ended.updates_per_epoch) == ("stopped", "unwatched", 15, 15)
    assert len(recorded.column("losses")) == 15
    assert not recorded.of(Paused)


# Snapshots.


class Slow(Trainer):
    """A trainer with slow snapshots."""

    @contextmanager
    def unseen(self) -> Iterator[None]:
        time.sleep(0.3)
        with super().unseen():
            yield


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["moons", *campaign(["digits"])])  # epochs take a few hundredths of a second
def test_a_snapshot_is_taken_after_the_second_update_and_then_every_quarter_of_a_second(dataset: str, run: Run) -> None:
    recorded = run(RunConfig(dataset=dataset, batch_size=100, budget="seconds", budget_value=1.2, lr=0.01))
    seconds = recorded.column("seconds")
    looks = [seen.updates for seen in recorded.of(Snapshot)]
    assert looks[0] <= 2
    assert looks[-1] == len(seconds)
    apart = np.diff([seconds[updates - 1] for updates in looks])
    assert (apart[:-1] >= 0.2).all()  # the end of an epoch reads the clock again, just after its last update
    # Snapshots come with flushes, which are a tenth of a second apart and between two updates.
    assert apart.max() <= 0.25 + 0.1 + 2 * np.diff(seconds).max()


@pytest.mark.slow
def test_a_snapshot_is_not_training_time(run: Run, datasets: Datasets) -> None:
    config = RunConfig(dataset="moons", batch_size=2, budget="seconds", budget_value=0.8)
    began = time.perf_counter()
    recorded = run(Slow(config, datasets("moons")))
    took = time.perf_counter() - began
    looks = len(recorded.of(Snapshot))
    assert looks >= 3
    assert recorded.column("seconds")[-1] <= recorded.ended.elapsed_s < took - 0.3 * looks


def test_a_pause_takes_a_snapshot(run: Run, datasets: Datasets) -> None:
    control = Control()

    def pause_at_update_20(event: Event) -> None:
        if isinstance(event, Updates) and event.first + len(event) == 20:
            control.request("pause")
        elif isinstance(event, Paused) and event.paused:
            threading.Timer(0.05, control.request, ["resume"]).start()

    config = RunConfig(dataset="moons", batch_size=100, budget="updates", budget_value=60)
    recorded = run(Trainer(config, datasets("moons"), control=control), report=pause_at_update_20)
    (stood,) = [place for place, event in enumerate(recorded.events) if event == Paused(True)]
    seen = recorded.events[stood - 1]
    assert isinstance(seen, Snapshot)
    assert seen.updates == sum(len(block) for block in recorded.events[:stood] if isinstance(block, Updates)) == 20
    assert recorded.events[stood + 1] == Paused(False)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "finished"),
        ({"budget": "seconds", "budget_value": 0.3}, "finished"),
        ({"lr": 1_000.0, "schedule": "constant", "optimizer": "sgd", "budget_value": 200}, "diverged"),
        ({"hidden": (700, 700), "memory_limit_mb": 4}, "out_of_memory"),
    ],
)
def test_every_end_takes_a_final_snapshot(changes: dict[str, Any], state: str, run: Run) -> None:
    config = RunConfig(dataset="moons", batch_size=100, budget_value=2, seed=2)
    recorded = run(config.replace(**changes))
    seen, ended = (event for event in recorded.events[-3:] if isinstance(event, Snapshot | Ended))
    assert (type(seen), ended.state, seen.updates) == (Snapshot, state, ended.updates)
    assert (len(seen.plane), seen.batch_size) == (48 * 48, 100)


def test_a_stepped_run_shows_the_batch_of_its_last_update(run: Run, datasets: Datasets) -> None:
    control, steps = Control(paused=True), iter(["one_update"] * 3 + ["stop"])

    def step(event: Event) -> None:
        if isinstance(event, Paused) and event.paused:
            threading.Timer(0.02, control.request, [next(steps)]).start()

    seen = run(Trainer(DIGITS, datasets("digits"), control=control), report=step).of(Snapshot)
    order = torch.randperm(1_437, generator=torch.Generator().manual_seed(2)).tolist()
    stood = {look.updates: look.batch for look in seen if look.updates}
    assert stood == {update: tuple(order[100 * (update - 1) :][:8]) for update in (1, 2, 3)}


def test_a_snapshot_shows_the_confusion_of_the_latest_evaluation(run: Run, datasets: Datasets) -> None:
    class Noted(Trainer):
        def evaluate(self) -> Evaluation:
            self.noted = [*getattr(self, "noted", []), super().evaluate()]
            return self.noted[-1]

    trainer = Noted(DIGITS.replace(schedule="plateau"), datasets("digits"))
    seen = run(trainer).of(Snapshot)
    assert seen[0].confusion == ()  # before the first evaluation
    assert seen[-1].confusion == trainer.noted[-1].confusion != trainer.noted[0].confusion

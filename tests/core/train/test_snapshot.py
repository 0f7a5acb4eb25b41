"""Check that snapshots show the latest batch and the plane and leave no trace in the training."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from core.datasets.tensors import Data
from core.forecast.predict import predict
from core.run.config import RunConfig
from core.run.control import Control
from core.run.events import Paused, Snapshot
from core.train import snapshot
from core.train.trainer import Trainer

MOONS = RunConfig(dataset="moons", batch_size=100, budget_value=2, seed=3)
DIGITS = RunConfig(dataset="digits", batch_size=100, budget_value=2, seed=3)
Run = Callable[..., Any]
Datasets = Callable[[str], Data]


def trained(config: RunConfig, data: Data, updates: int) -> Trainer:
    trainer = Trainer(config, data)
    for _ in range(updates):
        trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
    return trainer


# The batch.


def test_before_the_first_update_there_is_no_batch(datasets: Datasets) -> None:
    seen = snapshot.take(Trainer(DIGITS, datasets("digits")), ())
    assert (seen.updates, seen.batch, seen.batch_size, seen.confusion, seen.plane) == (0, (), 0, (), b"")


@pytest.mark.parametrize(
    ("changes", "updates", "first", "size"),
    [
        ({}, 1, 0, 100),
        ({}, 3, 200, 100),
        ({}, 15, 1_400, 37),
        ({"batch_size": 5}, 4, 15, 5),
        ({"accumulate": 4}, 2, 700, 100),  # the last of the window's four
        ({"accumulate": 4}, 4, 1_400, 37),
    ],
)
def test_the_batch_holds_the_first_eight_examples_of_the_latest_micro_batch(
    changes: dict[str, Any], updates: int, first: int, size: int, datasets: Datasets
) -> None:
    order = torch.randperm(1_437, generator=torch.Generator().manual_seed(3)).tolist()
    seen = snapshot.take(trained(DIGITS.replace(**changes), datasets("digits"), updates), ())
    assert (seen.updates, seen.batch_size) == (updates, size)
    assert seen.batch == tuple(order[first : first + min(size, 8)])


def test_the_batch_of_the_next_epoch_follows_that_epochs_order(datasets: Datasets) -> None:
    generator = torch.Generator().manual_seed(3)
    torch.randperm(1_437, generator=generator)
    second = torch.randperm(1_437, generator=generator).tolist()
    assert snapshot.take(trained(DIGITS, datasets("digits"), 16), ()).batch == tuple(second[:8])


# The plane.


def plane_by_numpy(trainer: Trainer) -> np.ndarray:
    """Return the probability of class 1 in 255ths, computed in float64 from the weights, row by row from below."""
    side = np.linspace(-2.5 + 5 / 96, 2.5 - 5 / 96, 48)
    values = np.array([(x, y) for y in side for x in side])
    weights = [parameter.detach().numpy().astype(np.float64) for parameter in trainer.parameters]
    while weights:
        values = values @ weights.pop(0).T + weights.pop(0)
        if weights:
            values = np.maximum(values, 0)
    exponents = np.exp(values - values.max(1, keepdims=True))
    return (255 * exponents[:, 1] / exponents.sum(1)).reshape(48, 48)


@pytest.mark.parametrize("dataset", ["moons", "spirals"])
@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_the_plane_is_the_softmax_of_the_models_weights(dataset: str, model: str, datasets: Datasets) -> None:
    config = RunConfig(dataset=dataset, model=model, lr=0.2, optimizer="sgd")
    trainer = trained(config, datasets(dataset), 60)
    shown = np.frombuffer(snapshot.take(trainer, ()).plane, np.uint8).reshape(48, 48)
    expected = plane_by_numpy(trainer)
    assert np.abs(shown - expected).max() <= 0.51  # rounding, and the float32 of the model
    assert shown.max() > 150
    assert shown.min() < 100


def test_the_plane_has_the_right_class_for_most_training_points(datasets: Datasets) -> None:
    data = datasets("moons")
    trainer = trained(RunConfig(dataset="moons", lr=0.05), data, 100)
    shown = np.frombuffer(snapshot.take(trainer, ()).plane, np.uint8).reshape(48, 48)
    column, row = np.rint((data.train_inputs.numpy() + 2.5) / 5 * 47).astype(int).T
    right = (shown[row, column] > 127) == data.train_targets.numpy()
    assert right.mean() > 0.9


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_leave_the_plane_undecided(weight: float, datasets: Datasets) -> None:
    trainer = trained(MOONS, datasets("moons"), 1)
    with torch.no_grad():
        trainer.parameters[-1].fill_(weight)
    assert snapshot.take(trainer, ()).plane == bytes([128]) * 48**2


def test_only_points_have_a_plane(run: Run) -> None:
    for dataset, model in (("linear", "linear"), ("digits", "mlp"), ("mixture", "linear")):
        recorded = run(RunConfig(dataset=dataset, model=model, lr=0.01, budget="updates", budget_value=3))
        assert {seen.plane for seen in recorded.of(Snapshot)} == {b""}


# Snapshots leave no trace.


@pytest.mark.parametrize(
    "config", [MOONS, MOONS.replace(norm="batch"), RunConfig(dataset="digits", model="cnn", norm="batch")], ids=str
)
def test_a_snapshot_does_not_change_the_training(config: RunConfig, datasets: Datasets) -> None:
    trainer = trained(config, datasets(config.dataset), 2)
    random, order = torch.get_rng_state(), trainer.order.generator.get_state()

    def digest() -> str:
        tensors = trainer.model.state_dict().values()
        return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in tensors)).hexdigest()

    before, timelines = digest(), dict(trainer.timelines)
    snapshot.take(trainer, ())
    assert digest() == before
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(trainer.order.generator.get_state(), order)
    assert all(module.training for module in trainer.model.modules())
    assert all(parameter.grad is None for parameter in trainer.parameters)
    assert trainer.timelines == timelines


def test_a_snapshot_during_an_evaluation_keeps_evaluation_mode(datasets: Datasets) -> None:
    trainer = trained(MOONS, datasets("moons"), 2)
    trainer.model.eval()
    snapshot.take(trainer, ())
    assert not any(module.training for module in trainer.model.modules())


def test_a_snapshot_uses_the_running_statistics_of_batch_norm(datasets: Datasets) -> None:
    trainer = trained(MOONS.replace(norm="batch"), datasets("moons"), 20)
    half = torch.tensor([[0.5, 0.5], [-2.5, 2.5]])
    with trainer.unseen():
        together, apart = trainer.model(half), [trainer.model(half[:1]), trainer.model(half[1:])]
    assert torch.allclose(together, torch.cat(apart), atol=1e-6)


@pytest.mark.parametrize("config", [MOONS.replace(norm="batch"), DIGITS], ids=["moons", "digits"])
def test_a_snapshot_after_every_update_does_not_change_the_losses(
    config: RunConfig, run: Run, datasets: Datasets
) -> None:
    class Looked(Trainer):
        looks = 0

        def update(self, *arguments: Any) -> bool:
            done = super().update(*arguments)
            snapshot.take(self, ())
            self.looks += 1
            return done

    trainer = Looked(config, datasets(config.dataset))
    looked_at, left_alone = run(trainer).ended, run(config).ended
    assert trainer.looks == looked_at.updates > 25
    assert looked_at.losses_sha256 == left_alone.losses_sha256
    assert looked_at.peak == left_alone.peak


@pytest.mark.parametrize("changes", [{}, {"model": "linear"}, {"model": "linear", "batch_size": 1}], ids=str)
def test_a_run_that_starts_paused_has_the_predicted_peak(changes: dict[str, Any], run: Run, datasets: Datasets) -> None:
    config = MOONS.replace(budget="updates", budget_value=5, **changes)
    control = Control(paused=True)

    def go_on(event: object) -> None:
        if isinstance(event, Paused) and event.paused:  # during the first update, which runs under the ledger
            threading.Timer(0.05, control.request, ["resume"]).start()

    recorded = run(Trainer(config, datasets("moons"), control=control), report=go_on)
    assert [seen.updates for seen in recorded.of(Snapshot)][0] == 0
    assert recorded.ended.peak == predict(config).peak


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"model": "linear"}, {"norm": "batch", "batch_size": 2}], ids=str)
def test_a_snapshot_between_two_micro_batches_takes_no_simulated_memory(
    changes: dict[str, Any], run: Run, datasets: Datasets
) -> None:
    class Looked(Trainer):
        def _micro_batch(self, *arguments: Any) -> tuple[Any, ...]:
            held = super()._micro_batch(*arguments)
            snapshot.take(self, ())
            return held

    config = MOONS.replace(budget="updates", budget_value=3, accumulate=2, hidden=(256, 256), **changes)
    needed = predict(config).peak
    if needed.bytes >= 2**20:  # the smallest possible device
        config = config.replace(memory_limit_mb=needed.bytes / 2**20)
    ended = run(Looked(config, datasets("moons"))).ended
    assert (ended.state, ended.peak) == ("finished", needed)

"""Check updates, evaluations and the state between them against weight hashes and independent computations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, mean_squared_error

from core.datasets.tensors import Data
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig
from core.run.control import Control
from core.run.fields import CHOICES
from core.run.plan import plan
from core.train.trainer import Trainer
from core.train.updater import Stopped

DIGITS = RunConfig(dataset="digits", batch_size=100, budget_value=4, seed=3)
Run = Callable[..., Any]
Datasets = Callable[[str], Data]


def digest(trainer: Trainer, *, buffers: bool = False) -> str:
    """Return the SHA-256 of the weights, bit for bit."""
    tensors = trainer.model.state_dict().values() if buffers else trainer.parameters
    return hashlib.sha256(b"".join(tensor.detach().numpy().tobytes() for tensor in tensors)).hexdigest()


def advance(trainer: Trainer, updates: int) -> list[tuple[float, float]]:
    """Make updates as a run does, with an evaluation after each epoch; return the loss and rate of each update."""
    recorded = []
    for _ in range(updates):
        loss, norm = torch.zeros(()), torch.zeros(())
        rate = trainer.rate()
        if trainer.update(rate, loss, norm):
            trainer.note_evaluation(trainer.evaluate())
        recorded.append((float(loss), rate))
    return recorded


# Every update changes the weights.


@pytest.mark.parametrize(
    ("config", "updates"),
    [
        (RunConfig(batch_size=100, budget_value=1), 100),
        (RunConfig(batch_size=1_000, budget_value=1), 10),
        (RunConfig(batch_size=1_000, accumulate=4, budget_value=1, optimizer="adam", lr=0.001), 3),
        (RunConfig(batch_size=1_000, accumulate=4, budget_value=1, drop_last=True, optimizer="sgd"), 2),
        (DIGITS.replace(budget_value=1), 15),
        (DIGITS.replace(budget_value=1, drop_last=True, optimizer="nesterov"), 14),
        (DIGITS.replace(budget_value=1, accumulate=4, optimizer="adamw", lr=0.001), 4),
        (DIGITS.replace(budget_value=1, accumulate=4, drop_last=True, model="cnn"), 3),
        (DIGITS.replace(budget_value=1, accumulate=7, norm="batch"), 3),
    ],
)
def test_an_epoch_changes_the_weights_as_often_as_predicted(
    config: RunConfig, updates: int, run: Run, datasets: Datasets
) -> None:
    trainer = Trainer(config, datasets(config.dataset))
    hashes = [digest(trainer)]
    outside = []  # weights changed without an optimizer step

    def before(*_: Any) -> None:
        outside.append(digest(trainer) != hashes[-1])

    def after(*_: Any) -> None:
        hashes.append(digest(trainer))

    trainer.optimizer.register_step_pre_hook(before)
    trainer.optimizer.register_step_post_hook(after)
    ended = run(trainer).ended
    assert len(set(hashes)) == 1 + updates
    assert not any(outside)
    assert digest(trainer) == hashes[-1]
    assert plan(config).updates_per_epoch == ended.updates_per_epoch == ended.updates == trainer.updates == updates


def test_gradients_are_cleared_right_after_the_step(datasets: Datasets) -> None:
    trainer = Trainer(DIGITS, datasets("digits"))
    advance(trainer, 1)
    assert all(parameter.grad is None for parameter in trainer.parameters)


# Schedules planned for a different batch size.


def test_a_schedule_planned_for_a_tenth_of_the_updates_wastes_nine_tenths(run: Run, datasets: Datasets) -> None:
    config = RunConfig(batch_size=100, schedule_batch_size=1_000, schedule="cosine", lr=0.05, budget_value=5)
    trainer = Trainer(config, datasets("photos10k"))
    hashes = [digest(trainer)]
    trainer.optimizer.register_step_post_hook(lambda *_: hashes.append(digest(trainer)))
    recorded = run(trainer)
    rates = recorded.column("rates")
    assert len(rates) == 500
    assert rates[:50] == pytest.approx(0.025 * (1 + np.cos(np.pi * np.arange(50) / 50)))
    assert rates[50:].tolist() == [0.0] * 450
    assert (recorded.ended.updates, recorded.ended.unchanged_updates) == (500, 450)
    assert len(set(hashes[:51])) == 51
    assert set(hashes[50:]) == {hashes[50]}


def test_lambdalr_does_the_same_with_the_horizon_of_another_batch_size(run: Run, datasets: Datasets) -> None:
    config = RunConfig(model="linear", schedule="linear", lr=0.05, budget_value=5, schedule_batch_size=1_000, seed=3)
    data = datasets("photos10k")
    torch.manual_seed(3)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: max(0, 1 - t / 50))
    order = torch.Generator().manual_seed(3)
    losses, rates = [], []
    for _ in range(5):
        for indices in torch.randperm(10_000, generator=order).split(100):
            loss = torch.nn.functional.cross_entropy(model(data.train_inputs[indices]), data.train_targets[indices])
            optimizer.zero_grad()
            loss.backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
    recorded = run(config)
    assert recorded.column("rates").tolist() == rates
    assert recorded.column("losses").tolist() == losses
    assert recorded.ended.unchanged_updates == rates.count(0.0) == 450


def test_a_schedule_planned_for_ten_times_the_updates_ends_high(run: Run) -> None:
    recorded = run(RunConfig(batch_size=1_000, schedule_batch_size=100, schedule="linear", lr=0.05, budget_value=5))
    assert recorded.column("rates") == pytest.approx(0.05 * (1 - np.arange(50) / 500))
    assert recorded.ended.unchanged_updates == 0


# Equal configurations repeat exactly.

STATES = {
    **{name: {"optimizer": name, "lr": 0.002 if name.startswith("adam") else 0.05} for name in OPTIMIZERS},
    "BatchNorm": {"norm": "batch", "accumulate": 2},
    "CNN with BatchNorm": {"model": "cnn", "norm": "batch", "batch_size": 200},
    "plateau": {"schedule": "plateau", "optimizer": "sgd", "lr": 1.5, "warmup": 0.1, "batch_size": 500},
    "another batch size's schedule": {"schedule_batch_size": 60, "schedule": "one-cycle"},
    "iid": {"sampling": "iid", "optimizer": "adam", "lr": 0.002},
    "accumulation": {"accumulate": 4, "batch_size": 40, "drop_last": True, "schedule": "one-cycle"},
}


@pytest.mark.slow
@pytest.mark.parametrize("changes", STATES.values(), ids=STATES)
def test_a_state_restored_within_an_epoch_repeats_the_rest_bit_for_bit(
    changes: dict[str, Any], datasets: Datasets
) -> None:
    config = DIGITS.replace(budget_value=20, **changes)
    trainer = Trainer(config, datasets("digits"))
    advance(trainer, 20)
    assert trainer.order.position > 0
    state = trainer.state()
    rest, end, seen = advance(trainer, 25), digest(trainer, buffers=True), trainer.examples_seen
    assert len(set(rest)) > 20
    other = Trainer(config.replace(seed=99), datasets("digits"))
    advance(other, 3)
    for again in (trainer, other):
        again.restore(state)
        assert again.updates == 20
        assert advance(again, 25) == rest
        assert (digest(again, buffers=True), again.examples_seen) == (end, seen)


def test_the_plateau_of_the_test_above_lowers_the_rate_after_the_state_was_taken(datasets: Datasets) -> None:
    trainer = Trainer(DIGITS.replace(budget_value=20, **STATES["plateau"]), datasets("digits"))
    rates = [rate for _, rate in advance(trainer, 45)]
    assert min(rates[20:]) < rates[20]


def test_a_state_includes_the_global_generator(datasets: Datasets) -> None:
    trainer = Trainer(DIGITS, datasets("digits"))
    state = trainer.state()
    drawn = torch.rand(5)
    trainer.restore(state)
    assert torch.equal(torch.rand(5), drawn)


def test_the_same_config_gives_the_same_hash_and_another_seed_another(run: Run) -> None:
    config = DIGITS.replace(model="cnn", norm="batch", budget_value=1)
    first, again, other = (run(config.replace(seed=seed)).ended.losses_sha256 for seed in (3, 3, 4))
    assert first == again
    assert first != other


# Evaluation.


def outputs_by_numpy(trainer: Trainer, inputs: np.ndarray) -> np.ndarray:
    """Run a model without normalisation, with or without hidden layers, in float64."""
    values = inputs.reshape(len(inputs), -1).astype(np.float64)
    weights = [parameter.detach().numpy().astype(np.float64) for parameter in trainer.parameters]
    while weights:
        values = values @ weights.pop(0).T
        if weights:
            values = values + weights.pop(0)
        if weights:
            values = np.maximum(values, 0)
    return values


@pytest.mark.parametrize("changes", [{}, {"batch_size": 7}, {"model": "linear", "batch_size": 360}], ids=str)
def test_loss_and_accuracy_equal_scikit_learns_over_the_whole_validation_set(
    changes: dict[str, Any], datasets: Datasets
) -> None:
    data = datasets("digits")
    trainer = Trainer(DIGITS.replace(**changes), data)
    advance(trainer, 12)
    evaluation = trainer.evaluate()
    logits = outputs_by_numpy(trainer, data.validation_inputs.numpy())
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = data.validation_targets.numpy()
    assert len(labels) == 360
    assert evaluation.loss == pytest.approx(log_loss(labels, probabilities), abs=1e-5)
    assert evaluation.accuracy == pytest.approx(accuracy_score(labels, logits.argmax(1)), abs=1e-9)
    assert evaluation.accuracy > 0.2


def test_a_regression_reports_half_the_mean_squared_error_and_no_accuracy(datasets: Datasets) -> None:
    data = datasets("linear")
    trainer = Trainer(RunConfig(dataset="linear", model="linear", optimizer="sgd", lr=0.1, batch_size=300), data)
    advance(trainer, 12)
    evaluation = trainer.evaluate()
    predicted = outputs_by_numpy(trainer, data.validation_inputs.numpy())
    assert evaluation.loss == pytest.approx(
        mean_squared_error(data.validation_targets.numpy(), predicted) / 2, abs=1e-5
    )
    assert evaluation.accuracy is None
    assert evaluation.confusion == ()


@pytest.mark.parametrize(
    "config",
    [DIGITS, DIGITS.replace(batch_size=7), DIGITS.replace(batch_size=500), RunConfig(dataset="moons", lr=0.01)],
    ids=["digits", "many chunks", "one chunk", "moons"],
)
def test_the_confusion_equals_scikit_learns_and_its_diagonal_gives_the_accuracy(
    config: RunConfig, datasets: Datasets
) -> None:
    data = datasets(config.dataset)
    trainer = Trainer(config, data)
    advance(trainer, 12)
    evaluation = trainer.evaluate()
    labels = data.validation_targets.numpy()
    answers = outputs_by_numpy(trainer, data.validation_inputs.numpy()).argmax(1)
    confusion = np.array(evaluation.confusion)
    assert confusion.tolist() == confusion_matrix(labels, answers, labels=range(config.spec.outputs)).tolist()
    assert confusion.sum(axis=1).tolist() == np.bincount(labels).tolist()
    assert evaluation.accuracy == confusion.trace() / len(labels)
    assert (confusion != confusion.T).any()  # rows are the true classes


@pytest.mark.parametrize("changes", [{"norm": "batch"}, {"model": "cnn", "norm": "batch"}], ids=str)
def test_an_evaluation_changes_nothing_and_uses_running_statistics(changes: dict[str, Any], datasets: Datasets) -> None:
    trainer = Trainer(DIGITS.replace(**changes), datasets("digits"))
    advance(trainer, 12)
    before, random = digest(trainer, buffers=True), torch.get_rng_state()
    order = trainer.order.generator.get_state()
    first = trainer.evaluate()
    assert digest(trainer, buffers=True) == before
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(trainer.order.generator.get_state(), order)
    assert all(parameter.grad is None for parameter in trainer.parameters)
    assert all(module.training for module in trainer.model.modules())
    with torch.no_grad():
        outputs = trainer.model.eval()(trainer.data.validation_inputs)
    # The whole set in one chunk. If batch norm used the chunk's statistics, the two would differ.
    assert first.loss == pytest.approx(
        float(torch.nn.functional.cross_entropy(outputs, trainer.data.validation_targets)), abs=1e-5
    )


def test_evaluating_between_updates_does_not_change_the_run(datasets: Datasets) -> None:
    config = DIGITS.replace(norm="batch")
    undisturbed = advance(Trainer(config, datasets("digits")), 10)
    trainer = Trainer(config, datasets("digits"))
    disturbed = []
    for _ in range(10):
        disturbed += advance(trainer, 1)
        trainer.evaluate()
    assert disturbed == undisturbed


def test_an_evaluation_obeys_a_stop_between_two_chunks(datasets: Datasets) -> None:
    control = Control()
    started = []

    class Halfway(Trainer):
        def evaluate_chunk(self, start: int, stop: int) -> Any:
            started.append(start)
            if start == 200:
                control.request("stop")
            return super().evaluate_chunk(start, stop)

    trainer = Halfway(DIGITS, datasets("digits"), control=control)
    with pytest.raises(Stopped):
        trainer.evaluate()
    assert started == [0, 100, 200]
    assert ("evaluation", 60) not in trainer.timelines


def test_every_optimizer_is_restored() -> None:
    assert set(CHOICES["optimizer"]) <= set(STATES)

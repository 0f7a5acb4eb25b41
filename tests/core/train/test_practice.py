"""Compare the bytes of each practice as predicted, as measured by the ledger, and in PyTorch's record."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from core.forecast.predict import predict, timelines
from core.run.choices import models
from core.run.config import RunConfig, planned_updates
from core.run.events import Peak
from core.run.fields import CHOICES
from core.run.timeline import Timeline, peak_of
from core.train.loop import Loop
from core.train.trainer import Trainer
from tests.campaign import campaign
from tests.core.memory.records import profiled_peak, resting_bytes, unwatched

pytestmark = pytest.mark.slow

Resize = Callable[..., None]
MakeTrainer = Callable[..., Trainer]
Run = Callable[..., Any]

MODELS = [(model, norm) for model, spec in models.MODELS.items() for norm in spec.norms]
CARELESS = ("keep_losses", "evaluate_with_grad", "zero_in_place", "validate_whole")
PRACTICES: dict[str, dict[str, Any]] = {
    "plain": {},
    "checkpointing": {"checkpointing": True},
    "bfloat16": {"precision": "bfloat16"},
    **{habit: {habit: True} for habit in CARELESS},
    "sparing": {"checkpointing": True, "precision": "bfloat16"},
    "careless": dict.fromkeys(CARELESS, True),
    "all": dict.fromkeys(CARELESS, True) | {"checkpointing": True, "precision": "bfloat16"},
}
WAYS = list(itertools.product(CHOICES["optimizer"], (1, 3)))
# These cover each practice once, over every model and optimizer. The campaign combines them all.
SHORT_FORMS = [
    ("linear", "none", "plain", [("nesterov", 1)]),
    ("linear", "none", "bfloat16", [("adam", 3)]),
    ("mlp", "none", "checkpointing", [("sgd", 3)]),
    ("mlp", "batch", "keep_losses", [("momentum", 3)]),
    ("mlp", "layer", "evaluate_with_grad", [("adamw", 1)]),
    ("cnn", "none", "zero_in_place", [("adam", 1)]),
    ("cnn", "batch", "sparing", [("momentum", 1)]),
    ("cnn", "group", "validate_whole", [("sgd", 1)]),
    ("cnn", "layer", "careless", [("nesterov", 1)]),
    ("mlp", "batch", "all", [("adamw", 3)]),
]
ALL_FORMS = [(*model, practice, WAYS) for model in MODELS for practice in PRACTICES]
SMALL = 4_096  # bytes
LOSS = 4


def train(trainer: Trainer) -> None:
    """Make all updates of a run and one evaluation."""
    for _ in range(planned_updates(trainer.config) or 1):
        trainer.update(0.01, torch.zeros(()), torch.zeros(()))
    trainer.evaluate()


def measured(config: RunConfig, make_trainer: MakeTrainer) -> Peak:
    trainer = make_trainer(config)
    train(trainer)
    peak = trainer.peak()
    assert peak is not None
    return peak


def recorded_bytes(config: RunConfig, make_trainer: MakeTrainer) -> int:
    """Return the most bytes in use in PyTorch's record of a whole run, starting before any gradient exists."""
    plain = unwatched(make_trainer(config))
    before = resting_bytes(plain)
    return before + profiled_peak(partial(train, plain))


@pytest.mark.parametrize(("model", "norm", "practice", "ways"), [*SHORT_FORMS, *campaign(ALL_FORMS)])
def test_the_peak_of_a_run_is_predicted_to_the_byte_and_is_what_pytorch_records(
    model: str,
    norm: str,
    practice: str,
    ways: list[tuple[str, int]],
    resize: Resize,
    make_trainer: MakeTrainer,
) -> None:
    for optimizer, accumulate in ways:
        resize("photos10k", 2 * 20 * accumulate + 7, 49)  # windows: two full ones and one of seven examples
        config = RunConfig(
            model=model,
            norm=norm,
            optimizer=optimizer,
            batch_size=20,
            accumulate=accumulate,
            budget_value=2,
            lr=1e-3,
            **PRACTICES[practice],
        )
        predicted = predict(config)
        assert predicted.peak == measured(config, make_trainer)
        assert predicted.verified
        recorded = recorded_bytes(config, make_trainer)
        assert abs(predicted.peak.bytes - recorded) <= max(0.02 * recorded, SMALL)


# Kept losses.

DIGITS = RunConfig(dataset="digits", batch_size=100, budget_value=2)  # 14 full batches per epoch and one of 37


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        # The peak is in the last full batch that finds gradients, plus the losses of all batches before it.
        ({}, 15 + 13),
        ({"budget": "updates", "budget_value": 15}, 13),  # the short one comes last
        ({"batch_size": 479}, 5),  # three full batches per epoch, and no short one
        ({"batch_size": 1_437, "budget_value": 1}, 0),
        ({"accumulate": 7}, 15 + 13),
        *campaign(
            [
                ({"budget": "updates", "budget_value": 17}, 16),
                ({"accumulate": 2}, 15 + 13),
                ({"accumulate": 3}, 15 + 13),
                ({"accumulate": 20}, 15 + 13),  # an epoch is a single, incomplete window
                ({"drop_last": True, "accumulate": 4, "budget": "updates", "budget_value": 5}, 19),
            ]
        ),
        (
            {"accumulate": 2, "batch_size": 90},
            16 + 13,
        ),  # the last window has 90 and 87 examples, and its first micro-batch finds no gradients
        ({"accumulate": 3, "batch_size": 1_124, "model": "linear"}, 2),  # one full micro-batch, without gradients
        ({"accumulate": 2, "batch_size": 1_000, "budget_value": 1}, 0),  # the first update is the only one
        ({"drop_last": True}, 14 + 13),
    ],
    ids=str,
)
def test_every_kept_loss_costs_four_bytes_for_the_rest_of_the_run(
    changes: dict[str, Any], kept: int, make_trainer: MakeTrainer
) -> None:
    plain = DIGITS.replace(**changes)
    keeping = plain.replace(keep_losses=True)
    expected = measured(plain, make_trainer).tensor_bytes + LOSS * kept
    assert measured(keeping, make_trainer).tensor_bytes == expected
    assert predict(keeping).peak.tensor_bytes == expected


def test_the_final_evaluation_holds_the_losses_of_all_micro_batches(make_trainer: MakeTrainer) -> None:
    heavy = DIGITS.replace(validate_whole=True, model="linear", batch_size=10)  # 144 batches per epoch, the last of 7
    before, after = predict(heavy).peak, predict(heavy.replace(keep_losses=True)).peak
    assert (before.phase, after.phase) == ("evaluation", "evaluation")
    assert after.tensor_bytes - before.tensor_bytes == LOSS * 2 * 144
    assert measured(heavy.replace(keep_losses=True), make_trainer).tensor_bytes == after.tensor_bytes


def test_every_evaluation_holds_the_losses_kept_so_far_and_one_runs_out(
    resize: Resize, make_trainer: MakeTrainer
) -> None:
    resize("photos10k", 60, 1_000)
    plain = RunConfig(
        model="linear", batch_size=10, budget_value=3, schedule="plateau", optimizer="sgd", validate_whole=True
    )  # each epoch of six batches is followed by an evaluation
    base = predict(plain).peak.tensor_bytes
    assert base == 4 * 2_570 + 1_000 * (4 * 256 + 8 + 4 * 20) + 8  # the evaluation takes all of it

    ended = Loop(make_trainer(plain.replace(keep_losses=True)), lambda event: None).run()
    assert ended.peak is not None
    assert (ended.peak.phase, ended.peak.tensor_bytes) == ("evaluation", base + LOSS * 18)

    full = (base + LOSS * 12) / 2**20
    ended = Loop(make_trainer(plain.replace(keep_losses=True, memory_limit_mb=full)), lambda event: None).run()
    assert (ended.state, ended.updates) == ("out_of_memory", 18)
    assert ended.allocation is not None
    assert ended.allocation.phase == "evaluation"


@pytest.mark.parametrize(
    ("examples", "accumulate", "room", "updates", "kept"),
    [
        (2_000, 1, 1, 2, 1),  # with full batches only, the update after n others holds n losses
        (2_500, 1, 52, 54, 52),  # the 54th would also hold 53 losses, but it is short
        (4_000, 2, 10, 5, 9),  # the second batch of a window runs out, because it also holds the loss of the first
        *campaign(
            [
                (2_000, 1, 50, 51, 50),
                (2_500, 1, 50, 51, 49),  # full, full, short, and so on: the 51st is short, the 52nd is full
                (4_000, 2, 50, 25, 49),
            ]
        ),
    ],
)
def test_a_run_that_keeps_its_losses_runs_out_at_the_predicted_update(
    examples: int,
    accumulate: int,
    room: int,
    updates: int,
    kept: int,
    resize: Resize,
    make_trainer: MakeTrainer,
) -> None:
    resize("photos10k", examples, 100)
    plain = RunConfig(batch_size=1_000, accumulate=accumulate, budget_value=100)
    full = predict(plain).peak.tensor_bytes + LOSS * room
    config = plain.replace(keep_losses=True, memory_limit_mb=full / 2**20)

    trainer = make_trainer(config)
    ended = Loop(trainer, lambda event: None).run()
    assert (ended.state, ended.updates) == ("out_of_memory", updates)
    assert ended.allocation is not None
    assert ended.allocation.limit_bytes == full
    assert len(trainer._kept) == updates * accumulate  # the dropped update has no loss
    # The peak belongs to the last completed full update, so it is within the limit.
    assert ended.peak is not None
    assert ended.peak.tensor_bytes == full - LOSS * (room - kept)

    def needs(count: int) -> int:
        return predict(config.replace(budget="updates", budget_value=count)).peak.tensor_bytes

    assert needs(updates) <= full < needs(updates + 1)


# The other habits, each against bytes computed from shapes.


@pytest.mark.parametrize(("model", "norm"), MODELS)
def test_gradients_zeroed_in_place_exist_before_the_second_update(
    model: str, norm: str, resize: Resize, make_trainer: MakeTrainer
) -> None:
    resize("photos10k", 60, 20)
    config = RunConfig(model=model, norm=norm, batch_size=20, zero_in_place=True)
    trainer = make_trainer(config)
    train(trainer)
    gradients = sum(4 * parameter.numel() for parameter in trainer.parameters)
    for seen in (trainer.timelines, timelines(config)):
        first, second, evaluation = seen.values()
        assert (first.before["gradients"], second.before["gradients"]) == (0, gradients)
        assert evaluation.before["gradients"] == gradients
    plain = measured(config.replace(zero_in_place=False), make_trainer)
    peak = trainer.peak()
    assert peak is not None
    assert peak.bytes > plain.bytes


def evaluation_peak(seen: dict[Hashable, Timeline]) -> Peak:
    return peak_of(timeline for shape, timeline in seen.items() if "evaluation" in str(shape))


def evaluation_bytes(config: RunConfig, make_trainer: MakeTrainer) -> int:
    """Return the peak of an evaluation before any update; prediction and measurement must agree."""
    trainer = make_trainer(config)
    trainer.evaluate()
    live = evaluation_peak(trainer.timelines)
    predicted = evaluation_peak(timelines(config.replace(optimizer="sgd")))
    assert predicted.tensor_bytes == live.tensor_bytes
    return live.tensor_bytes


def test_an_evaluation_with_gradients_keeps_what_a_backward_pass_would_have_needed(make_trainer: MakeTrainer) -> None:
    # 64 -> 30 -> 20 -> 10 on 100 digits. Without gradients the peak is in the second layer: its input of 30 floats per
    # example and its output of 20 are alive. With gradients both ReLUs stay until the loss, with the scores, their
    # log-softmax, the loss and its total weight.
    config = DIGITS.replace(hidden=(30, 20), optimizer="sgd")
    weights = 4 * (64 * 30 + 30 + 30 * 20 + 20 + 20 * 10 + 10)
    batch = 100 * (64 * 4 + 8)
    assert evaluation_bytes(config, make_trainer) == weights + batch + 100 * 4 * (30 + 30)
    careless = config.replace(evaluate_with_grad=True)
    assert evaluation_bytes(careless, make_trainer) == weights + batch + 100 * 4 * (30 + 20 + 10 + 10) + 4 + 4


@pytest.mark.parametrize("dataset", ["digits", "moons"])
def test_a_validation_set_evaluated_at_once_is_on_the_device_whole(dataset: str, make_trainer: MakeTrainer) -> None:
    features, classes, examples = {"digits": (64, 10, 360), "moons": (2, 2, 500)}[dataset]
    config = RunConfig(dataset=dataset, model="linear", batch_size=4, optimizer="sgd")
    weights = 4 * (features * classes + classes)
    # Each example has its features, its class, the scores and their log-softmax. The loss and its total weight follow.
    example = 4 * features + 8 + 2 * 4 * classes
    assert evaluation_bytes(config, make_trainer) == weights + 4 * example + 8
    assert evaluation_bytes(config.replace(validate_whole=True), make_trainer) == weights + examples * example + 8


# Techniques that save memory without changing the numbers, or hardly.


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "cnn", "norm": "batch"},
        {"norm": "batch", "accumulate": 2},
        {"norm": "layer", "hidden": (40, 30, 20)},
        *campaign([{"model": "cnn"}, {"model": "cnn", "norm": "group", "optimizer": "adam", "lr": 1e-3}]),
    ],
    ids=str,
)
def test_checkpointing_changes_no_loss_and_no_weight_by_a_single_bit(changes: dict[str, Any], run: Run) -> None:
    config = DIGITS.replace(**{"lr": 0.05, **changes})
    plain, sparing = run(config), run(config.replace(checkpointing=True))
    assert sparing.column("losses").tobytes() == plain.column("losses").tobytes()
    assert sparing.column("gradient_norms").tobytes() == plain.column("gradient_norms").tobytes()
    assert sparing.ended.losses_sha256 == plain.ended.losses_sha256
    before, after = plain.trainer.model.state_dict(), sparing.trainer.model.state_dict()
    assert before.keys() == after.keys()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    assert sparing.trainer.evaluate() == plain.trainer.evaluate()


@pytest.mark.parametrize(
    ("norm", "share"), [("none", 0.93), ("batch", 0.85), *campaign([("group", 0.85), ("layer", 0.85)])]
)
def test_checkpointing_lowers_the_peak_of_the_cnn_and_allows_larger_batches(norm: str, share: float) -> None:
    config = RunConfig(model="cnn", norm=norm, memory_limit_mb=8)
    plain, sparing = predict(config), predict(config.replace(checkpointing=True))
    assert sparing.peak.bytes < share * plain.peak.bytes
    assert sparing.largest_batch_size * share > plain.largest_batch_size


@pytest.mark.parametrize(
    "changes", [{"model": "linear"}, {"norm": "layer"}, {"model": "cnn", "norm": "batch"}], ids=str
)
def test_losses_in_bfloat16_are_close_to_those_in_float32_but_not_the_same(changes: dict[str, Any], run: Run) -> None:
    config = DIGITS.replace(**changes)
    precise, coarse = (run(config.replace(precision=name)).column("losses") for name in ("float32", "bfloat16"))
    assert coarse.dtype == np.float32
    assert not np.array_equal(coarse, precise)
    assert np.abs(coarse - precise).max() < 0.05
    assert coarse[-5:].mean() < 0.5 * coarse[0]

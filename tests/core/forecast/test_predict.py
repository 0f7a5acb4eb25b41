"""Predictions on fake tensors match the ledger of real training to the byte."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import pytest
import torch

from core.forecast.predict import Forecast, largest_batch_size, predict, timelines
from core.forecast.sizes import next_size
from core.forecast.workspace import Reach
from core.memory import SimulatedOutOfMemoryError
from core.run.choices import models
from core.run.config import RunConfig, planned_updates
from core.run.fields import CHOICES
from core.run.timeline import Timeline
from core.train.trainer import Trainer
from core.train.updater import Limit
from tests.campaign import campaign

pytestmark = pytest.mark.slow

Resize = Callable[..., None]
MakeTrainer = Callable[..., Trainer]

MODELS = [(model, norm) for model, spec in models.MODELS.items() for norm in spec.norms]
# Every test run covers each model, norm and optimizer with two batch sizes; the campaign covers all combinations.
SHORT_SIZES, ALL_SIZES = (1, 20), (1, 7, 20, 100, 1_000)
SHORT_FORMS = [
    ("linear", "none", "sgd", SHORT_SIZES),
    ("mlp", "none", "nesterov", SHORT_SIZES),
    ("mlp", "batch", "adam", SHORT_SIZES),
    ("mlp", "layer", "momentum", SHORT_SIZES),
    ("cnn", "none", "sgd", SHORT_SIZES),
    ("cnn", "batch", "adamw", SHORT_SIZES),
    ("cnn", "group", "momentum", SHORT_SIZES),
    ("cnn", "layer", "adam", SHORT_SIZES),
]
ALL_FORMS = [(*model, optimizer, ALL_SIZES) for model in MODELS for optimizer in CHOICES["optimizer"]]


def train(trainer: Trainer, updates: int | None = None) -> None:
    """Make all updates of a run, or the first few, and one evaluation."""
    for _ in range(updates or planned_updates(trainer.config) or 1):
        trainer.update(0.01, torch.zeros(()), torch.zeros(()))
    trainer.evaluate()


def story(timeline: Timeline) -> tuple[Any, ...]:
    """Return every allocation and release of a timeline in order, with its block."""
    changes = [(change.bytes, change.block.category, change.phase, change.module) for change in timeline.changes]
    return timeline.before, changes, timeline.live_bytes(), timeline.peak()


def stories(seen: dict[Hashable, Timeline]) -> dict[Hashable, tuple[Any, ...]]:
    return {shape: story(timeline) for shape, timeline in seen.items()}


def legal(config: dict[str, Any]) -> int:
    """Return the smallest batch size that the model trains on."""
    return 2 if (config["model"], config["norm"]) == ("mlp", "batch") else 1


@pytest.mark.parametrize(("model", "norm", "optimizer", "batch_sizes"), [*SHORT_FORMS, *campaign(ALL_FORMS)])
def test_every_timeline_is_predicted_to_the_byte(
    model: str, norm: str, optimizer: str, batch_sizes: tuple[int, ...], resize: Resize, make_trainer: MakeTrainer
) -> None:
    choice: dict[str, Any] = {"model": model, "norm": norm, "optimizer": optimizer}
    for batch_size in batch_sizes:
        batch_size = max(batch_size, legal(choice))
        short = max(batch_size // 3, legal(choice))
        resize("photos10k", 2 * batch_size + short, batch_size + short)
        config = RunConfig(**choice, batch_size=batch_size, budget_value=1)
        trainer = make_trainer(config)
        train(trainer)
        predicted = timelines(config)
        # The first update, the second, the short batch, and up to two sizes of evaluation chunk.
        assert len(predicted) == (5 if short < batch_size else 3)
        assert stories(trainer.timelines) == stories(predicted)
        assert predict(config).peak == trainer.peak()


# One model of each data set, and the other combinations in the campaign.
OTHER_DATASETS: list[tuple[str, str, int]] = [
    ("digits", "cnn", 3),
    ("linear", "mlp", 1),
    ("moons", "linear", 3),
    ("spirals", "mlp", 1),
    ("mixture", "linear", 1),
    ("noisy-digits", "cnn", 1),
]
OTHERS_OF_THE_SAME = [
    ("digits", "linear", 1),
    ("digits", "linear", 3),
    ("digits", "mlp", 1),
    ("digits", "mlp", 3),
    ("digits", "cnn", 1),
    ("linear", "linear", 1),
    ("linear", "linear", 3),
    ("linear", "mlp", 3),
    ("moons", "linear", 1),
    ("spirals", "mlp", 3),
    ("mixture", "linear", 3),
    ("mixture", "mlp", 1),
    ("mixture", "mlp", 3),
    ("noisy-digits", "cnn", 3),
]


@pytest.mark.parametrize(("dataset", "model", "accumulate"), [*OTHER_DATASETS, *campaign(OTHERS_OF_THE_SAME)])
def test_every_timeline_is_predicted_on_the_other_data_sets(
    dataset: str, model: str, accumulate: int, make_trainer: MakeTrainer
) -> None:
    config = RunConfig(
        dataset=dataset, model=model, batch_size=350, accumulate=accumulate, optimizer="adam", lr=1e-3, budget_value=2
    )
    trainer = make_trainer(config)
    train(trainer)
    assert stories(trainer.timelines) == stories(timelines(config))
    assert predict(config).peak == trainer.peak()


@pytest.mark.parametrize(
    ("model", "norm", "optimizer", "batch_sizes"),
    [
        ("linear", "none", "adamw", (7,)),
        ("mlp", "batch", "sgd", (7,)),
        ("cnn", "group", "adamw", (7,)),
        *campaign((*model, optimizer, (7, 100)) for model in MODELS for optimizer in ("sgd", "adamw")),
    ],
)
def test_every_timeline_of_windows_of_three_is_predicted(
    model: str, norm: str, optimizer: str, batch_sizes: tuple[int, ...], resize: Resize, make_trainer: MakeTrainer
) -> None:
    for batch_size in batch_sizes:
        resize("photos10k", 7 * batch_size + 2, 2 * batch_size)  # windows of 7 7 7, 7 7 7, 7 2
        config = RunConfig(
            model=model, norm=norm, optimizer=optimizer, batch_size=batch_size, accumulate=3, budget_value=1
        )
        trainer = make_trainer(config)
        train(trainer)
        assert len(trainer.timelines) == 4
        assert stories(trainer.timelines) == stories(timelines(config))
        assert predict(config).peak == trainer.peak()


@pytest.mark.parametrize(
    ("examples", "batch_size", "accumulate", "changes"),
    [
        (150, 100, 1, {}),  # two windows: the third update is the first whole one that finds optimizer state
        (100, 100, 1, {"budget_value": 1}),  # a single update
        (150, 100, 2, {}),  # one window of a whole and a short batch
        (730, 100, 5, {}),  # windows longer than what is rehearsed
        (730, 100, 8, {"budget": "seconds", "budget_value": 1}),
        (730, 100, 3, {"drop_last": True}),
        (730, 100, 1, {"drop_last": True, "budget": "examples", "budget_value": 101}),
        (730, 100, 2, {"sampling": "iid"}),
        *campaign(
            [
                (150, 100, 1, {"budget_value": 1}),
                (100, 100, 1, {}),
                (150, 100, 7, {"budget": "updates", "budget_value": 1}),
                (730, 100, 5, {"budget_value": 1}),
            ]
        ),
    ],
)
def test_the_peak_of_a_whole_run_is_predicted_whatever_its_windows(
    examples: int,
    batch_size: int,
    accumulate: int,
    changes: dict[str, Any],
    resize: Resize,
    make_trainer: MakeTrainer,
) -> None:
    resize("photos10k", examples, 130)
    settings = {"budget_value": 2, "optimizer": "adam", "lr": 1e-3, **changes}
    config = RunConfig(batch_size=batch_size, accumulate=accumulate, **settings)
    trainer = make_trainer(config)
    train(trainer, 3 if config.budget == "seconds" else None)
    assert set(timelines(config)) == set(trainer.timelines)
    assert predict(config).peak == trainer.peak()


def test_the_peaks_of_the_two_article_batch_sizes() -> None:
    assert predict(RunConfig(batch_size=100)).peak.bytes == 660_032  # 0.63 MiB
    assert predict(RunConfig(batch_size=1_000)).peak.bytes == 2_978_048  # 2.84 MiB
    assert predict(RunConfig()).parameters == 256 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
    assert predict(RunConfig(memory_limit_mb=4.0)).largest_batch_size == 1_466
    assert predict(RunConfig(model="cnn", memory_limit_mb=4.0)).largest_batch_size == 75


def test_without_a_limit_every_batch_with_a_whole_window_fits() -> None:
    assert predict(RunConfig(batch_size=7, accumulate=3), reach=Reach.NONE).largest_batch_size == 10_000
    assert predict(RunConfig(batch_size=7, accumulate=3, drop_last=True), reach=Reach.NONE).largest_batch_size == 3_333


def test_the_largest_batch_does_not_depend_on_the_batch_size_of_the_run() -> None:
    config = RunConfig(norm="layer", accumulate=2, memory_limit_mb=4.0, budget_value=1)
    assert len({largest_batch_size(config.replace(batch_size=size)) for size in (1, 10_000)}) == 1


def test_the_batch_size_of_a_schedule_needs_no_memory_and_limits_no_batch() -> None:
    config = RunConfig(norm="batch", accumulate=3, drop_last=True, budget_value=1)
    for limit in (None, 4.0):
        plain = config.replace(memory_limit_mb=limit)
        expected = predict(plain, reach=Reach.NONE)
        for size in (1, 3_333):
            assert predict(plain.replace(schedule_batch_size=size), reach=Reach.NONE) == expected


# The largest batch that fits, tested on real trainers.


def runs_out(config: RunConfig, make_trainer: MakeTrainer) -> bool:
    """Train until a whole window has found optimizer state, which is the third at the latest."""
    trainer = make_trainer(config)
    assert config.memory_limit_bytes
    trainer.limit = Limit(config.memory_limit_bytes, predict(config).peak.workspace_bytes)
    try:
        train(trainer, min(planned_updates(config) or 3, 3))
    except SimulatedOutOfMemoryError:
        return True
    return False


def check_largest(config: RunConfig, make_trainer: MakeTrainer) -> int:
    largest = largest_batch_size(config)
    if largest:
        assert not runs_out(config.replace(batch_size=largest), make_trainer)
    above = next_size(config, largest)
    assert above is None or runs_out(config.replace(batch_size=above), make_trainer)
    return largest


@pytest.mark.parametrize("seed", [1, 2, *campaign([0, *range(3, 200)])])
def test_the_first_batch_that_does_not_fit_is_the_one_after_the_largest_predicted(
    seed: int, resize: Resize, make_trainer: MakeTrainer
) -> None:
    draw = random.Random(seed)
    model, norm = draw.choice(MODELS)
    config = RunConfig(
        dataset=draw.choice(["photos10k", "digits"]),
        model=model,
        norm=norm,
        hidden=draw.choice([(128, 64), (40,), (200, 100, 50)]),
        optimizer=draw.choice(CHOICES["optimizer"]),
        accumulate=draw.choice([1, 1, 2, 3]),
        batch_size=draw.randint(2, 30),
        drop_last=draw.random() < 0.3,
        memory_limit_mb=2 ** draw.uniform(0, 2.5),
        lr=1e-3,
    )
    resize("photos10k", draw.choice([3_000, 6_001]), 300)
    check_largest(config, make_trainer)


@pytest.mark.parametrize(
    ("examples", "changes", "every"),
    [
        (300, {"drop_last": True, "accumulate": 2}, 150),
        *campaign(
            [
                (300, {"accumulate": 2}, 150),
                (
                    360,
                    {"budget_value": 1, "accumulate": 2, "norm": "batch", "optimizer": "adam", "hidden": (100,)},
                    150,
                ),
                (300, {"accumulate": 2}, 11),
                (260, {"accumulate": 3, "optimizer": "adam"}, 11),
                (360, {"budget_value": 1}, 11),
                (360, {"budget_value": 1, "accumulate": 2, "norm": "batch", "optimizer": "adam", "hidden": (100,)}, 11),
                (300, {"drop_last": True, "accumulate": 2}, 11),
                (600, {"budget": "updates", "budget_value": 1}, 11),
                (260, {"norm": "batch"}, 11),
            ]
        ),
    ],
)
def test_the_largest_batch_is_exact_where_windows_are_cut_short(
    examples: int, changes: dict[str, Any], every: int, resize: Resize, make_trainer: MakeTrainer
) -> None:
    resize("photos10k", examples, 100)
    config = RunConfig(memory_limit_mb=1.0, lr=1e-3, **{"budget_value": 3, "batch_size": 100, **changes})
    largest = check_largest(config, make_trainer)
    assert largest >= examples // 2  # beyond it, the lines of whole windows do not apply
    for size in range(largest - 1, examples // 2, -every):
        assert not runs_out(config.replace(batch_size=size), make_trainer)


def peaks_of(config: RunConfig, sizes: Iterable[int]) -> dict[int, int]:
    forecast = Forecast(config, reach=Reach.NONE)
    return {size: forecast.peak(size).bytes for size in sizes}


@pytest.mark.parametrize("budget", [("epochs", 1), ("updates", 2)])
def test_a_batch_beyond_one_that_does_not_fit_is_not_the_largest(budget: tuple[str, int], resize: Resize) -> None:
    # Adam's state is allocated in the first update, and the second has the rest: a batch of all examples needs less.
    resize("digits", 300, 60)
    config = RunConfig(dataset="digits", hidden=(700, 700), batch_size=120, optimizer="adam")
    config = config.replace(budget=budget[0], budget_value=budget[1])
    peaks = peaks_of(config, range(100, 301))
    limit = peaks[120]
    assert min(peaks[size] for size in range(121, 300)) <= limit < peaks[121]
    assert largest_batch_size(config.replace(memory_limit_mb=limit / 2**20), reach=Reach.NONE) == 120


def test_a_range_that_fits_beyond_one_that_does_not_is_not_the_largest(resize: Resize) -> None:
    # Up to half of all examples, a window has two whole micro-batches. Beyond it, the second one has the rest.
    resize("digits", 300, 60)
    config = RunConfig(dataset="digits", hidden=(500,), batch_size=145, accumulate=2, budget_value=1)
    up_to_it, beyond_half = range(100, 146, 15), range(151, 300, 6)
    peaks = peaks_of(config, {*up_to_it, 145, 146, *beyond_half})
    limit = peaks[145]
    assert min(peaks[size] for size in beyond_half) <= limit < peaks[146]
    assert max(peaks[size] for size in up_to_it) <= limit
    assert largest_batch_size(config.replace(memory_limit_mb=limit / 2**20), reach=Reach.NONE) == 145


def test_with_kept_losses_a_short_range_that_fits_is_found() -> None:
    # 10,000 examples for 1,000 epochs: small batches keep too many losses, and large ones hold too many examples.
    config = RunConfig(hidden=(256, 128), budget_value=1_000, keep_losses=True, memory_limit_mb=1.6994)
    peaks = peaks_of(config, range(110, 140))
    limit = config.memory_limit_bytes
    assert limit is not None
    assert [size for size, peak in peaks.items() if peak <= limit] == [125, 127]
    assert largest_batch_size(config, reach=Reach.NONE) == 127


def test_no_batch_fits_a_limit_below_the_memory_of_the_model(make_trainer: MakeTrainer) -> None:
    config = RunConfig(dataset="digits", hidden=(1_024, 1_024), memory_limit_mb=1.0)
    assert check_largest(config, make_trainer) == 0
    assert largest_batch_size(config.replace(hidden=(256, 256), optimizer="adamw")) == 0


def test_the_largest_batch_is_valid_for_the_run(resize: Resize) -> None:
    config = RunConfig(norm="batch", batch_size=100, memory_limit_mb=1.0, drop_last=True)
    largest = largest_batch_size(config)
    resize("photos10k", 5 * largest + 1, 100)  # its last batch would be one example
    assert largest_batch_size(config) == largest
    assert largest_batch_size(config.replace(drop_last=False)) == largest - 1

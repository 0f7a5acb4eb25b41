"""The metric cards: what each shows before, during and after a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.run import smoothing
from core.run.config import RunConfig
from core.run.events import CATEGORIES, Ended, Epoch, Event, Peak, Prediction, Started, Updates
from core.store import Store
from core.store.reader import RunReader
from ui.kit import sparks
from ui.kit.card import Card
from ui.live import cards

MIB = 2**20
CONFIG = RunConfig(memory_limit_mb=4)
Record = Callable[..., RunReader]


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """Return a function that keeps a run of so many updates, each of 0.01 s, with some events more."""
    store = Store.open(tmp_path / "runs.sqlite")

    def record(updates: int, *events: Event, config: RunConfig = CONFIG, loss: float = 0.5) -> RunReader:
        name, numbers = f"run-{len(store.runs())}", np.arange(1, updates + 1)
        block = Updates(
            0,
            np.full(updates, loss, "f4"),
            np.full(updates, 0.05),
            np.ones(updates, "f4"),
            numbers * config.batch_size,
            numbers * 0.01,
        )
        store.create(name, config, owner="o", session="s")
        store.write(name, [block, *events])
        reader = RunReader(store, name)
        reader.refresh()
        return reader

    yield record
    store.close()


def peak(size: float) -> Peak:
    return Peak(round(size * MIB), dict.fromkeys(CATEGORIES, 0), "backward", "")


def prediction(size: float) -> Prediction:
    return Prediction(peak(size), 1_000, 500)


def shown(
    label: str, config: RunConfig = CONFIG, reader: RunReader | None = None, predicted: Prediction | None = None
) -> Card:
    (card,) = [card for card in cards.cards(config, predicted, reader) if card.label == label]
    return card


def said(*args: Any, **options: Any) -> tuple[str, str, bool]:
    card = shown(*args, **options)
    return card.value, card.detail, card.confirmed


# Updates.


def test_before_a_run_the_updates_are_predicted_or_timed_at_the_start() -> None:
    assert said("Updates") == ("500", "predicted", False)
    assert said("Updates", CONFIG.replace(budget="seconds", budget_value=3)) == ("\u2014", "timed at the start", False)


def test_a_run_counts_its_updates_against_the_plan(record: Record) -> None:
    assert said("Updates", reader=record(499)) == ("499 / 500", "99% done", False)  # not 100 before the end
    assert said("Updates", reader=record(500)) == ("500 / 500", "100% done", False)


def test_a_budget_of_seconds_is_planned_from_the_timing(record: Record) -> None:
    config = CONFIG.replace(budget="seconds", budget_value=3)
    assert said("Updates", config, record(20, config=config)) == ("20", "timed at the start", False)
    assert said("Updates", config, record(20, Started(80), config=config)) == (
        "20",
        "6% of the time; about 80 expected",
        False,
    )


def test_a_run_that_lost_its_last_rows_still_counts_all_its_updates(record: Record) -> None:
    assert said("Updates", reader=record(400, Ended("finished", "budget", updates=500)))[0] == "500 / 500"


def test_the_updates_of_an_epoch_are_confirmed_once_one_is_complete(record: Record) -> None:
    label = "Updates per epoch"
    assert said(label) == ("100", "predicted", False)
    cut = Epoch(1, 60, 60, False, 1.0, None, None, 0.6)
    assert said(label, reader=record(60, cut)) == ("100", "predicted", False)
    assert said(label, reader=record(100, Epoch(1, 100, 100, True, 1.0, None, None, 1.0))) == (
        "100",
        "predicted = measured",
        True,
    )
    other = record(99, Epoch(1, 99, 99, True, 1.0, None, None, 1.0))
    assert said(label, reader=other) == ("99", "predicted 100, measured 99", False)
    assert (cards.is_confirmed(CONFIG, other), cards.is_confirmed(CONFIG, None)) == (False, False)


# Losses.


def test_the_loss_is_the_average_over_a_share_of_the_run(record: Record) -> None:
    assert said("Training loss") == ("\u2014", "no update yet", False)
    reader = record(10, Updates(10, *(np.array([value]) for value in (1.5, 0.05, 1.0, 1_100, 0.11))))
    value, detail, _ = said("Training loss", reader=reader)
    weights = (1 - 1 / 4) ** np.arange(11)  # a fifth of the 20 updates on the axis, because 1,000 examples are more
    assert value == f"{(1.5 + 0.5 * weights[1:].sum()) / weights.sum():.3g}"
    assert detail == "average of 4 updates"


def test_the_average_grows_with_the_axis_of_a_run_and_is_not_that_of_its_plan(record: Record) -> None:
    long = RunConfig(budget="updates", budget_value=50_000)
    windows = [cards.window_of(long, record(done, config=long)) for done in (90, 500, 900, 12_000)]
    assert windows == [10, 25, 50, 1_000]  # of the axis: 100, 500, 1,000 and 20,000 updates
    assert cards.window_of(long, None) == 2_500


@pytest.mark.parametrize(
    ("updates", "batch_size", "share", "window"),
    [
        (500, 100, 0.05, 25),
        (500, 100, 0.0, 1),
        (500, 100, 0.2, 100),
        (100, 100, 0.05, 10),  # 1,000 examples
        (20, 100, 0.05, 4),  # no more than a fifth of the run
        (50_000, 1, 0.05, 2_500),
        (500, 1, 0.05, 100),
        (1, 1_000, 0.05, 1),
    ],
)
def test_the_average_covers_a_share_of_the_run_or_1000_examples_and_at_most_a_fifth(
    updates: int, batch_size: int, share: float, window: int
) -> None:
    assert smoothing.window(updates, batch_size, share=share) == window


def test_the_latest_evaluation_is_shown_and_epochs_without_one_are_skipped(record: Record) -> None:
    label = "Validation accuracy"
    assert said(label) == ("\u2014", "no evaluation yet", False)
    evaluated = [Epoch(1, 100, 100, True, 1.0, 0.5, 0.75, 1.0), Epoch(2, 200, 100, True, 1.0, 0.25, 0.9375, 2.0)]
    left_out = Epoch(3, 300, 100, True, 1.0, None, None, 3.0)
    assert said(label, reader=record(300, *evaluated, left_out)) == ("93.8%", "loss 0.25", False)


def test_a_regression_has_a_loss_instead_of_an_accuracy(record: Record) -> None:
    config = RunConfig(dataset="linear", model="linear")
    assert said("Validation loss", config) == ("\u2014", "no evaluation yet", False)
    reader = record(100, Epoch(1, 100, 100, True, 1.0, 0.25, None, 1.0), config=config)
    assert said("Validation loss", config, reader) == ("0.25", "after epoch 1", False)


# Memory.


@pytest.mark.parametrize(
    ("predicted", "measured", "limit_mb", "expected"),
    [
        (None, None, 4, ("\u2014", "being predicted", False)),
        (1.0, None, 4, ("1 MiB", "25% of 4 MiB", False)),
        (0.02, None, 4, ("20.5 KiB", "0.5% of 4 MiB", False)),
        (5.0, None, 4, ("5 MiB", "over the limit of 4 MiB", False)),
        (1.0, None, None, ("1 MiB", "no limit", False)),
        (1.0, 1.0, 4, ("1 MiB", "25% of 4 MiB, as predicted", True)),
        (1.0, 1.0, None, ("1 MiB", "no limit, as predicted", True)),
        (1.0, 0.5, 4, ("0.50 MiB", "predicted 1 MiB", False)),
        (None, 1.0, 4, ("1 MiB", "25% of 4 MiB", False)),
    ],
)
def test_the_peak_is_compared_with_the_limit_and_the_prediction(
    predicted: float | None,
    measured: float | None,
    limit_mb: float | None,
    expected: tuple[str, str, bool],
    record: Record,
) -> None:
    config = CONFIG.replace(memory_limit_mb=limit_mb)
    reader = record(2, peak(measured), config=config) if measured else None
    assert said("Peak memory", config, reader, prediction(predicted) if predicted else None) == expected


def test_a_full_device_shows_how_much_memory_the_run_needs(record: Record) -> None:
    full = record(0, Ended("out_of_memory", "limit", peak=peak(3.5)))
    assert said("Peak memory", CONFIG, full, prediction(9)) == ("3.50 MiB", "in use; needs 9 MiB", False)


# Speed.


def test_speed_is_examples_per_second_with_the_time_left(record: Record) -> None:
    assert said("Speed") == ("\u2014", "no update yet", False)
    assert said("Speed", reader=record(100)) == ("10,000 /s", "4.0s left", False)
    config = CONFIG.replace(budget="seconds", budget_value=90)
    assert said("Speed", config, record(100, config=config))[1] == "1m 29s left"


def test_a_run_that_has_ended_shows_how_long_it_took(record: Record) -> None:
    ended = Ended("stopped", "asked", updates=100, elapsed_s=75.0)
    assert said("Speed", reader=record(100, ended)) == ("10,000 /s", "examples; took 1m 15s", False)


# How they are written.


def test_settings_that_cannot_be_trained_have_empty_cards_with_the_same_labels() -> None:
    blank = cards.blank()
    labels = ["Updates", "Updates per epoch", "Training loss", "Validation accuracy", "Peak memory", "Speed"]
    assert [card.label for card in blank] == [card.label for card in cards.cards(CONFIG, None, None)] == labels
    assert {(card.value, card.detail, card.picture) for card in blank} == {("\u2014", "", sparks.NOTHING)}


def test_each_picture_shows_the_numbers_of_its_card(record: Record) -> None:
    epochs = Epoch(1, 10, 100, True, 1.0, 0.5, 0.8, 0.1), Epoch(2, 20, 100, True, 1.0, 0.4, 0.9, 0.2)
    reader = record(30, Started(60), *epochs)
    pictures = {card.label: card.picture for card in cards.cards(CONFIG, prediction(1), reader)}
    assert pictures == {
        "Updates": sparks.progress(0.5),
        "Updates per epoch": sparks.ticks(100),
        "Training loss": sparks.line(np.full(30, 0.5)),
        "Validation accuracy": sparks.line([0.8, 0.9]),
        "Peak memory": sparks.against_limit(MIB, 4 * MIB),
        "Speed": sparks.NOTHING,  # of one flush
    }

"""The arithmetic of a run with its own numbers, and the cautions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.run.cautions import Caution, cautions
from core.run.config import RunConfig
from core.run.events import CATEGORIES, Peak, Prediction
from ui.setup.sentence import arithmetic, warn


class Place:
    """Where on a page a caption would be drawn."""

    text, help = "", None

    def caption(self, text: str, help: str | None = None) -> None:
        self.text, self.help = text, help


def plain(text: str) -> str:
    return re.sub(r"\*\*|:blue\[|\]", "", text)


def warned(config: RunConfig | None, found: list[Caution] | None = None) -> str:
    place = Place()
    warn(place, config, found if found is not None else cautions(config, None) if config else [])
    return place.text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "10,000 examples ÷ batch size 100 = 100 batches → 100 updates per epoch × 5 epochs = 500 updates"),
        (
            {"batch_size": 1_000},
            "10,000 examples ÷ batch size 1,000 = 10 batches → 10 updates per epoch × 5 epochs = 50 updates",
        ),
        (
            {"batch_size": 10_000, "budget_value": 1},
            "10,000 examples ÷ batch size 10,000 = 1 batch → 1 update per epoch × 1 epoch = 1 update",
        ),
        (
            {"accumulate": 8},
            "10,000 examples ÷ batch size 100 = 100 batches ÷ 8 accumulated → 13 updates per epoch × 5 epochs "
            "= 65 updates (the last update has 400 examples, each weighing 2 times as much)",
        ),
        (
            {"budget": "updates", "budget_value": 250},
            "10,000 examples ÷ batch size 100 = 100 batches "
            "→ 100 updates per epoch; a budget of 250 updates is 2.5 epochs",
        ),
        (
            {"budget": "updates", "budget_value": 1},
            "10,000 examples ÷ batch size 100 = 100 batches → 100 updates per epoch; a budget of 1 update is 0.01 "
            "epochs",
        ),
        (
            {"budget": "examples", "budget_value": 10_050},
            "10,000 examples ÷ batch size 100 = 100 batches → 100 updates per epoch; a budget of 10,050 examples "
            "gives 101 updates",
        ),
        (
            {"budget": "seconds", "budget_value": 2.5},
            "10,000 examples ÷ batch size 100 = 100 batches "
            "→ 100 updates per epoch; how many updates fit into 2.5 seconds is measured at the start",
        ),
    ],
)
def test_the_sentence_says_what_will_happen(settings: dict[str, Any], said: str) -> None:
    assert plain(arithmetic(RunConfig(**settings))) == said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"batch_size": 300},
            "34 batches → 34 updates per epoch × 5 epochs = 170 updates (the last batch has 100 examples, each "
            "weighing 3 times as much)",
        ),
        (
            {"batch_size": 300, "drop_last": True},
            "33 batches → 33 updates per epoch × 5 epochs = 165 updates (100 examples are left out of each epoch)",
        ),
        (
            {"dataset": "digits"},
            "15 batches → 15 updates per epoch × 5 epochs = 75 updates (the last batch has 37 examples, each weighing "
            "2.7 times as much)",
        ),
        (
            {"dataset": "digits", "batch_size": 1_436},
            "2 batches → 2 updates per epoch × 5 epochs = 10 updates (the last batch has 1 example, which weighs "
            "1,436 times as much)",
        ),
        # The last window of four has 100 + 100 + 37 examples of 400, that of seven 37 of 700.
        (
            {"dataset": "digits", "accumulate": 4},
            "15 batches ÷ 4 accumulated → 4 updates per epoch × 5 epochs = 20 updates (the last update has 237 "
            "examples, each weighing 1.69 times as much)",
        ),
        (
            {"dataset": "digits", "accumulate": 7},
            "15 batches ÷ 7 accumulated → 3 updates per epoch × 5 epochs = 15 updates (the last update has 37 "
            "examples, each weighing 18.9 times as much)",
        ),
        ({"dataset": "digits", "batch_size": 479}, "= 3 batches → 3 updates per epoch × 5 epochs = 15 updates"),
    ],
)
def test_a_shorter_last_batch_is_named_with_the_weight_of_its_examples_in_the_update(
    settings: dict[str, Any], said: str
) -> None:
    assert said in plain(arithmetic(RunConfig(**settings)))


# What to be careful with.


def test_without_a_caution_the_caption_says_what_an_update_sees() -> None:
    share = "The gradient of an update is the mean over"
    assert warned(RunConfig()) == f"{share} 100 examples, 1% of the data."
    assert warned(RunConfig(batch_size=250, accumulate=4)) == f"{share} 1,000 examples, 10% of the data."
    assert (
        warned(RunConfig(batch_size=1, lr=0.01)) == "The gradient of an update comes from 1 example, 0.01% of the data."
    )
    assert warned(RunConfig(dataset="digits", accumulate=10), []) == f"{share} 1,000 examples, 69.6% of the data."
    assert warned(RunConfig(dataset="digits", accumulate=99), []) == f"{share} 1,437 examples, 100% of the data."


def test_settings_that_cannot_be_trained_ask_for_a_fix() -> None:
    assert warned(None) == "Fix the setting to start."


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 10_000}, "One update per epoch: each update uses the whole data set."),
        (
            {"batch_size": 1_000, "budget_value": 1},
            "Only 10 updates in total, probably too few for the loss to settle.",
        ),
        (
            {"norm": "batch", "batch_size": 4},
            "Batch normalisation averages over only 4 examples, so its statistics will be noisy.",
        ),
        ({"optimizer": "adamw"}, "A learning rate of 0.05 is high for `adamw`; 0.001 is typical."),
        (
            {"schedule_batch_size": 1_000},
            "The schedule is planned for batch size 1,000, which gives 50 updates, but this run makes 500: the rate "
            "is 0 "
            "after 50 updates, in epoch 1. Plan the schedule for batch size 100.",
        ),
        (
            {"schedule_batch_size": 250, "schedule": "step"},
            "The schedule is planned for batch size 250, which gives 200 updates, but this run makes 500: the rate is "
            "at "
            "its lowest after 200 updates, in epoch 3. Plan the schedule for batch size 100.",
        ),
        (
            {"schedule_batch_size": 10},
            "The schedule is planned for batch size 10, which gives 5,000 updates, but this run makes 500: the rate "
            "never reaches the end of the schedule. Plan it for batch size 100.",
        ),
    ],
)
def test_a_caution_is_a_sentence_with_its_numbers(settings: dict[str, Any], said: str) -> None:
    assert warned(RunConfig(**settings)) == f":material/warning: {said}"


@pytest.mark.parametrize(
    ("largest", "way_out"), [(1_489, "The largest batch size that fits is 1,489."), (0, "No batch size fits.")]
)
def test_a_run_that_will_not_fit_is_described_in_mib_with_the_way_out(largest: int, way_out: str) -> None:
    config = RunConfig(memory_limit_mb=4)
    prediction = Prediction(Peak(5 * 2**20, dict.fromkeys(CATEGORIES, 0), "backward", ""), 1_000, largest)
    assert warned(config, cautions(config, prediction)) == (
        ":material/warning: This will run out of memory: it needs 5 MiB at the peak, and 4 MiB of the simulated device "
        f"can be used. {way_out}"
    )


def test_one_caution_is_shown_and_the_others_are_in_its_help() -> None:
    config = RunConfig(batch_size=4, norm="batch", optimizer="adam", budget="updates", budget_value=9)
    assert len(cautions(config, None)) == 3
    place = Place()
    warn(place, config, cautions(config, None))
    assert "Only 9 updates" in place.text
    assert "over only 4 examples" not in place.text
    assert place.help is not None
    assert "over only 4 examples" in place.help
    assert "`adam`" in place.help

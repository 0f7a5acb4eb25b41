"""Changing the settings of a run while it trains, without a browser: the changes on offer, and their description."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.run.changes import Change
from core.run.config import RunConfig
from core.run.events import Ended, Epoch, Started, Updates
from core.store import Store
from core.store.export import csv_of
from core.store.facts import Facts
from core.store.reader import RunReader
from tests.ui.live.test_page import cards, rows, run_until, shown, specs, words
from ui.live import cards as cards_of
from ui.live import changes, story
from ui.shell.engine import engine

App = Callable[..., AppTest]
# 100 updates a second: at full speed, a run that only has to go on takes the processor from other tests.
LONG = {"budget_value": 5_000, "dataset": "digits", "pace": 100}


# What is said of a change.

FIRST = RunConfig(budget_value=4)
LARGER = FIRST.replace(batch_size=400)
CHANGED = Ended("stopped", "changed", updates=200)
Chain = Callable[..., RunReader]


def block(first: int, count: int, size: int, seen: int, s: float = 0.01, rate: float = 0.05) -> Updates:
    numbers, ones = np.arange(1, count + 1), np.ones(count)
    seconds = first * 0.01 + s * numbers
    return Updates(first, ones.astype("f4"), rate * ones, ones.astype("f4"), seen + size * numbers, seconds)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    """Return a function that keeps a run of 200 updates and one of other settings that goes on from it."""
    store = Store.open(tmp_path / "runs.sqlite")

    def chain(
        config: RunConfig = LARGER, *, end: Ended = CHANGED, begins: bool = True, rate: float = 0.05
    ) -> RunReader:
        store.create("first", FIRST, owner="o", session="s")
        store.write("first", [Started(400), block(0, 200, 100, 0), end])
        store.create("second", config, owner="o", session="s", parent="first")
        if begins:
            store.inherit("second", "first")
            store.write("second", [Started(250, first=200, shift=-150), block(200, 30, 400, 20_000, 0.04, rate)])
        reader = RunReader(store, "second")
        reader.refresh()
        return reader

    yield chain
    store.close()


def story_of(reader: RunReader) -> str:
    return story.describe(reader, None)


def test_a_changed_run_names_its_first_update_and_its_changes(chain: Chain) -> None:
    assert story_of(chain()).endswith(" Continues from update 200 with batch size 400 instead of 100.")


def test_a_changed_run_is_judged_by_the_updates_after_the_change(chain: Chain) -> None:
    found = story.verdict(chain(rate=1e-4), Ended("finished", "budget", updates=230))  # else it would be dead from 200
    assert found.evidence.tail_last_update == 230


def test_each_change_of_a_budget_is_named_in_the_unit_of_its_time(chain: Chain) -> None:
    record = chain().record
    assert record is not None
    earlier = (
        Change(10, {"budget_value": (4, 10)}),
        Change(20, {"lr": (0.05, 0.1)}),
        Change(20, {"batch_size": (100, 50)}),
    )
    last = Facts(
        first=200, changed={"budget": ("epochs", "updates"), "budget_value": (10, 900)}, changes_before=earlier
    )
    seen = replace(record, config=LARGER.replace(budget="updates", budget_value=900), facts=last)
    assert changes.marks(seen) == [
        (10, "epochs 4 \u2192 10"),
        (20, "rate 0.05 \u2192 0.1, batch size 100 \u2192 50"),
        (200, "budget epochs \u2192 updates"),
    ]


def test_batch_size_and_rate_are_named_first_and_further_changes_counted(chain: Chain) -> None:
    reader = chain(FIRST.replace(optimizer="adam", lr=0.2, batch_size=400))
    assert story_of(reader).endswith(
        " with batch size 400 instead of 100, learning rate 0.2 instead of 0.05, and 1 more setting."
    )
    assert changes.marks(reader.record) == [(200, "batch size 100 \u2192 400, rate 0.05 \u2192 0.2, 1 more setting")]


def test_a_switch_is_on_or_off(chain: Chain) -> None:
    assert changes.marks(chain(FIRST.replace(checkpointing=True)).record) == [
        (200, "activation checkpointing off \u2192 on")
    ]


def test_a_run_that_continues_after_running_out_of_memory_says_how_far_it_goes(chain: Chain) -> None:
    reader = chain(end=Ended("out_of_memory", "limit", updates=200))
    assert story_of(reader).endswith(
        " Continues from update 200 of a run that ran out of memory, with batch size 400 instead of 100, up to the "
        "same "
        "number of examples."
    )


@pytest.mark.parametrize(("complete", "left"), [(True, False), (False, True)])
def test_an_epoch_counts_as_spent_once_it_is_complete(complete: bool, left: bool, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "runs.sqlite")
    store.create("a", FIRST, owner="o", session="s")
    ends = Epoch(1, 100, 100, True, 0.5, None, None, 1.0), Epoch(2, 200, 100, complete, 0.4, None, None, 2.0)
    store.write("a", [Started(400), block(0, 200, 100, 0), *ends, Ended("stopped", "asked", updates=200)])
    reader = RunReader(store, "a")
    reader.refresh()
    assert reader.record
    two_epochs = FIRST.replace(budget_value=2, batch_size=400)
    assert (changes.why_not(reader.record, reader, two_epochs) is None) == left
    store.close()


def test_a_changed_budget_does_not_claim_the_same_number_of_examples(chain: Chain) -> None:
    reader = chain(LARGER.replace(budget_value=9), end=Ended("out_of_memory", "limit", updates=200))
    assert story_of(reader).endswith(
        "of a run that ran out of memory, with batch size 400 instead of 100 and epochs 9 instead of 4."
    )


def test_a_budget_of_another_kind_is_left_out_when_other_settings_changed(chain: Chain) -> None:
    reader = chain(LARGER.replace(budget="updates", budget_value=9))
    assert changes.marks(reader.record) == [(200, "batch size 100 \u2192 400")]


def test_a_budget_of_another_kind_alone_is_named(chain: Chain) -> None:
    reader = chain(FIRST.replace(budget="updates", budget_value=900))
    assert changes.marks(reader.record) == [(200, "budget epochs \u2192 updates")]


def test_the_epoch_of_a_changed_run_is_counted_in_examples(chain: Chain) -> None:
    assert story_of(chain()).startswith("Epoch 4:")  # 32,000 examples


def test_before_its_first_update_a_changed_run_plans_the_rest_in_its_own_batch_size(chain: Chain) -> None:
    reader = chain(begins=False)
    assert cards_of.planned(LARGER, reader) == 250


def test_a_changed_run_with_a_budget_of_updates_plans_that_budget(chain: Chain) -> None:
    config = LARGER.replace(budget="updates", budget_value=900)
    assert cards_of.planned(config, chain(config, begins=False)) == 900


def test_the_time_left_is_estimated_from_the_runs_own_updates(chain: Chain) -> None:
    found = {card.label: card for card in cards_of.cards(LARGER, None, chain())}
    assert found["Updates"].value == "230 / 250"
    assert found["Speed"].detail == "0.8s left"  # 20 of 0.04 s


# What is offered.


def begin(app: App, **settings: Any) -> AppTest:
    """Start a run and come back when it has made updates."""
    test = app(**(LONG | settings))
    test.button(key="start").click().run()
    until = time.monotonic() + 60
    while not engine().reader(shown(test)).refresh() or not engine().reader(shown(test)).updates:
        assert time.monotonic() < until
        time.sleep(0.05)
    return test.run()


def offered(test: AppTest) -> bool:
    return "change_now" in [button.key for button in test.button]


def change(test: AppTest, **settings: Any) -> None:
    """Set fields of the form and press the button."""
    for name, value in settings.items():
        test.number_input(key=name).set_value(value)
    test.run()
    test.button(key="change_now").click().run()
    assert not test.exception


def stop(test: AppTest) -> None:
    test.button(key="stop").click().run()
    run_until(test, "Stopped at update")


@pytest.mark.slow
def test_a_click_changes_a_running_run_which_continues(app: App) -> None:
    test = begin(app)
    first, before = shown(test), specs(test)
    assert not offered(test)  # the form says the same
    change(test, batch_size=400)
    second = shown(test)
    assert second != first
    run_until(test, "with batch size 400 instead of 100.")
    assert "Running" in words(test)
    assert "Showing" not in words(test)
    old, new = engine().store.run(first), engine().store.run(second)
    assert old
    assert old.ended
    assert new
    assert (old.state, old.ended.reason, new.parent) == ("stopped", "changed", first)
    assert new.config == old.config.replace(batch_size=400)
    since = new.facts.first
    assert since == old.ended.updates > 0
    for chart in ("Training loss", "Planned and actual learning rate"):
        table = rows(test, chart)
        assert [row["x"] for row in table if row["series"] == "change"] == [pytest.approx(since)]
        assert [row["label"] for row in table if row["series"].startswith("change_")] == ["batch size 100 \u2192 400"]
    assert specs(test) == before  # the charts keep their canvas
    old_peak, new_peak = (engine().prediction(record.config, wait_s=60) for record in (old, new))
    assert old_peak
    assert new_peak
    assert new_peak.peak.bytes > 1.2 * old_peak.peak.bytes
    until = time.monotonic() + 60
    while cards(test)["Peak memory"][0] != f"{new_peak.peak.bytes / 2**20:.2f} MiB":  # before its second update
        assert time.monotonic() < until
        test.run()
    stop(test)
    assert len(csv_of(engine().store, second).splitlines()) == 1 + engine().store.run(second).ended.updates


@pytest.mark.slow
def test_a_changed_run_ends_after_as_many_examples_as_were_planned(app: App) -> None:
    test = app(budget_value=3)
    test.button(key="one_epoch").click().run()
    run_until(test, "Paused at update 100 of 300")
    change(test, batch_size=400, lr=0.1)
    run_until(test, "Paused at update 100 of 150")  # 20,000 examples are left: 50 updates at batch size 400
    run_until(test, "update 100 with batch size 400 instead of 100 and learning rate 0.1 instead of 0.05.")
    test.button(key="pause").click().run()
    run_until(test, "Finished")
    assert cards(test)["Updates"][0] == "150 / 150"
    assert cards(test)["Updates per epoch"] == ("25", "predicted = measured")
    test.number_input(key="batch_size").set_value(250).run()
    assert not offered(test)  # nothing is left of its budget


@pytest.mark.slow
def test_a_second_change_has_its_own_mark(app: App) -> None:
    test = begin(app)
    change(test, batch_size=400)
    run_until(test, "with batch size 400 instead of 100.")
    change(test, lr=0.2)
    run_until(test, "with learning rate 0.2 instead of 0.05.")
    table = rows(test, "Training loss")
    labels = [row["label"] for row in table if row["series"].startswith("change_")]
    assert labels == ["batch size 100 \u2192 400", "rate 0.05 \u2192 0.2"]
    stop(test)


@pytest.mark.slow
def test_a_paused_run_stays_paused(app: App) -> None:
    test = begin(app)
    test.button(key="pause").click().run()
    run_until(test, "Paused at update")
    before = engine().reader(shown(test)).updates
    change(test, batch_size=400)
    run_until(test, f"Paused at update {before:,} of")
    run_until(test, f"Continues from update {before:,} with batch size 400 instead of 100.")
    test.button(key="one_update").click().run()
    run_until(test, f"Paused at update {before + 1:,} of")
    stop(test)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("hidden", "32", "The weights can be kept only with the same hidden layers."),
        ("seed", 5, "The weights can be kept only with the same seed."),
        ("budget_value", 1, "The run is already past the budget of these settings. Raise the budget to continue."),
    ],
)
def test_a_change_that_is_impossible_says_why(app: App, field: str, value: Any, why: str) -> None:
    test = begin(app)
    until = time.monotonic() + 60
    reader = engine().reader(shown(test))
    while not reader.last or reader.last.examples_seen < 10_000:  # an epoch
        assert time.monotonic() < until
        reader.refresh()
    (test.text_input if field == "hidden" else test.number_input)(key=field).set_value(value).run()
    button = test.button(key="change_now")
    assert (button.disabled, button.help) == (True, why)
    stop(test)
    assert not offered(test)  # a run that was asked to stop has left no state


@pytest.mark.slow
def test_weights_that_are_too_large_to_keep_are_refused(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.run.changes.MOST_BYTES", 2**17)
    test = begin(app)
    test.number_input(key="batch_size").set_value(400).run()
    button = test.button(key="change_now")
    # 64 x 128 + 128 x 64 + 64 x 10 weights and 202 biases, twice, of 4 bytes.
    assert (button.disabled, button.help) == (
        True,
        "The weights and the optimizer's state take 0.13 MiB, and at most 0.12 MiB can be kept. "
        "Start a new run instead.",
    )
    stop(test)


@pytest.mark.slow
def test_a_finished_run_cannot_be_changed(app: App) -> None:
    test = app(dataset="digits", budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    test.number_input(key="batch_size").set_value(400).run()
    assert not offered(test)


@pytest.mark.slow
def test_a_run_out_of_memory_can_continue_with_the_settings_of_the_form(app: App) -> None:
    # 34,110 weights: with Adam's state the second update does not fit into 1 MiB.
    out = {"hidden": "200-100", "optimizer": "adam", "lr": 0.001, "batch_size": 300, "memory_limit_mb": 1}
    test = app(dataset="digits", budget_value=2, **out)
    test.button(key="start").click().run()
    run_until(test, "Out of memory (simulated)")
    test.number_input(key="batch_size").set_value(50).run()
    assert test.button(key="change_now").label == "Continue with these settings"
    test.button(key="change_now").click().run()
    run_until(test, "Finished")
    assert "Continues from update 1 of a run that ran out of memory, with batch size 50 instead of 300" in words(test)
    # 1,137 examples of the first epoch are 23 batches of 50, those of the second 29.
    assert cards(test)["Updates"] == ("53 / 53", "100% done")


@pytest.mark.slow
def test_the_previous_run_stays_the_ghost_after_a_change(app: App) -> None:
    test = app(dataset="digits", budget_value=1, batch_size=200)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    test.number_input(key="batch_size").set_value(100)
    test.number_input(key="budget_value").set_value(5_000).run()
    test.button(key="start").click().run()
    run_until(test, "Running")
    change(test, batch_size=400)
    run_until(test, "with batch size 400 instead of 100.")
    table = rows(test, "Training loss")
    assert [row["label"] for row in table if row["series"] == "ghost_name"] == ["\u2508 previous run: batch size 200"]
    stop(test)


# What comes in between.


@pytest.mark.slow
def test_another_page_with_the_same_run_follows_the_change(app: App) -> None:
    test = begin(app)
    first = shown(test)
    other = app(**LONG, run=first)
    assert shown(other) == first
    change(test, batch_size=400)
    run_until(other, "with batch size 400 instead of 100.")
    assert shown(other) == shown(test) != first
    reloaded = app(**LONG, run=first)  # with the address from before
    assert shown(reloaded) == shown(test)
    stop(test)


@pytest.mark.slow
def test_a_change_that_fails_leaves_the_page_with_the_original_run(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    test = begin(app)
    first = shown(test)
    with monkeypatch.context() as patch:
        patch.setattr("core.run.machine.free_memory_bytes", lambda: 10 * 2**20)
        change(test, batch_size=400)
    test.run()
    assert shown(test) == first
    assert "Running" in words(test)
    (notice,) = [item.value for item in test.warning]
    assert notice.startswith("The settings were not changed. The run needs ")
    assert notice.endswith("10 MiB is free; lower the batch size or choose a smaller model.")
    change(test, batch_size=400)
    run_until(test, "with batch size 400 instead of 100.")
    assert not test.warning
    stop(test)


@pytest.mark.slow
def test_a_run_that_ends_just_before_its_change_is_shown_as_it_ended(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    test = app(dataset="digits", budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    first = shown(test)
    monkeypatch.setattr("ui.live.changes.can_go_on", lambda record, config: record.config != config)
    change(test, batch_size=400, budget_value=2)
    until = time.monotonic() + 60
    while shown(test) != first:
        assert time.monotonic() < until
        test.run()
    run_until(test, "Finished")
    assert [item.value for item in test.warning] == [
        "The settings were not changed. The previous run left no weights to continue from."
    ]


@pytest.mark.slow
def test_a_click_after_the_end_changes_nothing(app: App) -> None:
    test = begin(app)
    test.number_input(key="batch_size").set_value(400).run()
    first = shown(test)
    engine().client.command(first, "stop")
    until = time.monotonic() + 60
    while (record := engine().store.run(first)) and not record.ended:
        assert time.monotonic() < until
        time.sleep(0.01)
    test.button(key="change_now").click().run()
    assert shown(test) == first
    assert "Stopped at update" in words(test)
    assert not test.exception


@pytest.mark.slow
def test_a_run_stopped_before_its_first_update_leaves_its_parent_to_continue(app: App) -> None:
    test = begin(app)
    first = shown(test)
    engine().client.command(first, "stop", reason="changed")  # and nothing goes on from it
    run_until(test, "Stopped to continue with other settings.")
    test.number_input(key="batch_size").set_value(400).run()
    test.button(key="change_now").click().run()
    run_until(test, "with batch size 400 instead of 100.")
    stop(test)

"""The paragraph about a run: one run of each kind, kept in a real database, and its story."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.run.config import RunConfig
from core.run.events import CATEGORIES, Divergence, Ended, Epoch, FailedAllocation, Peak, Prediction, Started, Updates
from core.store import Store, recorded
from core.store.reader import RunReader
from ui.live import cards, story
from ui.live.story import describe, statistics, verdict
from ui.shell.text import loss_text

CONSTANT = RunConfig(schedule="constant")
MIB = 2**20
NUMBER = r"(?<![\w.])[-\u2212]?\d[\d,]*(?:\.\d+)?(?:e[-\u2212]?\d+)?(?!\w)"
Record = Callable[..., RunReader]
IDS = count()  # what was judged is remembered by the run's id


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """Return a function that keeps a run with these losses and returns its reader."""
    store = Store.open(tmp_path / "runs.sqlite")

    def record(
        losses: Sequence[float],
        ended: Ended | None = None,
        *,
        config: RunConfig = CONSTANT,
        rates: Sequence[float] | None = None,
        norms: float = 1.0,
        accuracy: float | None = None,
    ) -> RunReader:
        name, updates = f"told-{next(IDS)}", np.arange(1, len(losses) + 1)
        block = Updates(
            0,
            np.array(losses, "f4"),
            np.full(len(losses), config.lr) if rates is None else np.array(rates, "f8"),
            np.full(len(losses), norms, "f4"),
            updates * config.effective_batch_size,
            updates * 0.01,
        )
        store.create(name, config, owner="o", session="s")
        epoch = Epoch(1, len(losses), len(losses), True, 1.0, 2.2, accuracy, 1.0)
        store.write(name, [Started(500), block, epoch, *([ended] if ended else [])])
        reader = RunReader(store, name)
        reader.refresh()
        return reader

    yield record
    store.close()


def finished(updates: int, **values: Any) -> Ended:
    return Ended("finished", "budget", updates=updates, **values)


def wavering(losses: np.ndarray) -> np.ndarray:
    """Return losses with a little noise, which decides nothing."""
    return losses + 0.002 * np.random.default_rng(0).standard_normal(len(losses))


def falling(updates: int, to: float) -> np.ndarray:
    """Return losses that fall from 2.5 at first fast and then ever more slowly to near `to`."""
    return wavering(to + (2.5 - to) * np.exp(-np.arange(updates) / (updates / 12)))


def numbers(text: str, lead: str = "") -> list[float]:
    """Return all numbers of a complete paragraph that begins with `lead`, in order."""
    assert text.startswith(f"**{lead}**" if lead else ""), text
    assert text.endswith("."), text
    assert not re.search(r"[{}]|nan|inf\b|None|  ", text), text
    for constant in ("95% interval", "less than 1% of", "under 1% of"):
        text = text.replace(constant, "")
    return [float(found.replace(",", "").replace("\u2212", "-")) for found in re.findall(NUMBER, text)]


def slope_of(reader: RunReader, *, level: bool) -> list[float]:
    """Return the first and last update of the tail and the change over it, from the sentence apart."""
    first, last, change, low, high = numbers(statistics(reader))
    assert low <= change <= high
    assert (low <= 0 <= high) == level
    return [first, last, change]


# While it trains.


def test_an_active_run_shows_its_epoch_rate_and_gradient_norm(record: Record) -> None:
    assert describe(record([1.0] * 100, norms=0.25), None) == "Epoch 1: learning rate 0.05, gradient norm 0.25."
    assert describe(record([1.0] * 101), None).startswith("Epoch 2:")
    assert describe(record([1.0] * 30, config=CONSTANT.replace(batch_size=1_000)), None).startswith("Epoch 3:")


def test_before_the_first_update_the_story_is_empty(record: Record) -> None:
    assert describe(record([]), None) == ""


# How it ended.


def test_a_run_that_has_stopped_falling_has_converged(record: Record) -> None:
    reader = record(falling(500, 0.5), finished(500))
    assert numbers(describe(reader, None), "Converged") == [2.5, 0.5]
    first, last, change = slope_of(reader, level=True)
    assert (first, last) == (401, 500)
    assert abs(change) < 0.002
    assert "is not distinguishable from zero" in statistics(reader)


def test_a_run_that_converged_as_its_rate_decayed_says_so(record: Record) -> None:
    rates = [0.05] * 250 + [0.01] * 250
    text = describe(record(falling(500, 0.5), finished(500), rates=rates), None)
    assert numbers(text, "Converged") == [20, 2.5, 0.5]
    assert "20% of its peak" in text


@pytest.mark.parametrize("slow", [False, True])
def test_a_run_that_falls_by_less_than_a_hundredth_does_not_level_off(slow: bool, record: Record) -> None:
    losses = falling(500, 0.5) - np.linspace(0, 0.06, 500)  # 0.012 in the tail, of 2.06
    rates = [0.05] * 250 + [0.01 if slow else 0.05] * 250
    reader = record(losses, finished(500), rates=rates)
    text = describe(reader, None)
    assert numbers(text, "Converged") == [*([20] if slow else []), 2.5, pytest.approx(0.44, abs=0.01)]
    assert "It is still falling, but by less than 1% of that drop over the last fifth of the run." in text
    assert "levelled off" not in text
    slope_of(reader, level=False)
    assert "the loss fell by" in statistics(reader)


def test_a_run_whose_noise_hides_its_fall_is_unclear(record: Record) -> None:
    scatter = 0.15 * np.random.default_rng(0).standard_normal(100)
    reader = record(np.linspace(2.3, 1.9, 100) + scatter, finished(100))
    loss = [pytest.approx(2.3, abs=0.2), pytest.approx(1.95, abs=0.1)]
    assert numbers(describe(reader, None), "Cannot tell") == loss
    first, last, change = slope_of(reader, level=True)
    assert (first, last) == (81, 100)
    assert abs(change) < 0.3


def test_a_run_that_still_falls_says_by_how_much(record: Record) -> None:
    reader = record(wavering(np.linspace(2.5, 0.5, 500)), finished(500))
    # The average looks back on 25 updates.
    assert numbers(describe(reader, None), "Still falling") == [2.5, pytest.approx(0.6, abs=0.02)]
    assert slope_of(reader, level=False) == [401, 500, pytest.approx(0.4, abs=0.01)]


def test_a_run_of_few_updates_names_the_batch_size_that_makes_more(record: Record) -> None:
    config = RunConfig(batch_size=1_000, budget_value=5)
    reader = record(np.linspace(2.5, 1.5, 50), finished(50), config=config)
    updates, initial, final, *other = numbers(describe(reader, None), "Too few updates")
    assert (updates, initial, other) == (50, 2.5, [100, 500])
    assert final == pytest.approx(1.5, abs=0.05)
    slope_of(reader, level=False)


def test_a_run_of_two_updates_has_no_slope(record: Record) -> None:
    config = CONSTANT.replace(batch_size=1, budget="updates", budget_value=2)
    updates, initial, final = numbers(describe(record([2.5, 2.4], finished(2), config=config), None), "Too few updates")
    assert updates == 2
    assert 2.4 <= final <= initial <= 2.5


def test_a_rate_that_died_early_is_named_with_the_updates_it_wasted(record: Record) -> None:
    losses = np.concatenate([np.linspace(2.5, 1.5, 50), np.full(450, 1.5)])
    rates = [0.05] * 50 + [0.0] * 450
    config = RunConfig(schedule_batch_size=1_000)
    reader = record(losses, finished(500, unchanged_updates=450), config=config, rates=rates)
    text = describe(reader, None)
    assert numbers(text, "The rate decayed too early") == [50, 450, pytest.approx(1.5, abs=0.01), 450, 0]
    assert text.endswith("450 updates changed nothing: their rate was 0.")
    first, last, _ = slope_of(reader, level=False)
    assert (first, last) == (26, 50)


def test_a_run_that_went_up_again_names_the_climb_and_the_rate(record: Record) -> None:
    losses = np.concatenate([np.linspace(2.5, 0.5, 200), np.full(300, 1.8)])
    config = CONSTANT.replace(lr=0.7, batch_size=250)
    text = describe(record(wavering(losses), finished(500), config=config), None)
    low, climb, update, final, rate, size = numbers(text, "Thrashing")
    assert low == pytest.approx(0.5 + 24 * 0.01, abs=0.01)  # the average looks back on 25 updates
    assert final == pytest.approx(1.8, abs=0.02)
    assert low + climb == pytest.approx(final, abs=0.02)
    assert 200 < update <= 500
    assert (rate, size) == (0.7, 250)


def test_a_run_that_learned_nothing_names_its_first_and_last_loss(record: Record) -> None:
    text = describe(record(wavering(np.linspace(2.6, 2.5, 500)), finished(500)), None)
    assert numbers(text, "Learned nothing")[:2] == [2.6, pytest.approx(2.5, abs=0.02)]
    assert "guessing" not in text


def test_a_classifier_at_the_loss_of_guessing_is_told_so(record: Record) -> None:
    text = describe(record(wavering(np.full(500, 2.3)), finished(500)), None)
    assert text.startswith("**Learned nothing**: the loss started and ended at 2.3.")
    assert text.endswith(
        "That is no better than guessing: a model that gives each of the 10 classes the same probability has a loss of "
        "ln(10) = 2.3."
    )
    regression = CONSTANT.replace(dataset="linear", model="linear")
    assert "guessing" not in describe(record(wavering(np.full(500, 2.3)), finished(500), config=regression), None)


def test_a_classifier_that_is_right_more_often_than_by_guessing_has_learned(record: Record) -> None:
    for loss, accuracy in ((2.24, None), (2.24, 0.25), (2.3, 0.44)):  # ln(10) is 2.303
        text = describe(record(wavering(np.full(500, loss)), finished(500), accuracy=accuracy), None)
        assert "guessing" not in text
        assert text.startswith("**Learned little**" if accuracy else "**Learned nothing**")
    assert "although the model classifies 44% of the validation examples correctly" in text
    assert "guessing" in describe(record(wavering(np.full(500, 2.3)), finished(500), accuracy=0.11), None)


def test_a_loss_that_rises_at_the_end_is_not_said_to_have_levelled_off(record: Record) -> None:
    down = np.concatenate([np.linspace(2.6, 0.3, 300), np.linspace(0.3, 0.7, 300)])
    reader = record(wavering(down), finished(600))
    first, lowest, last = numbers(describe(reader, None), "Rising again")[:3]
    assert (first, last) == pytest.approx((2.6, 0.7 - 29 * 0.4 / 299), abs=0.01)  # the average over 30 updates lags
    assert 0.3 < lowest < 0.4
    assert "the loss rose by 0.16" in statistics(reader)
    little = np.concatenate([np.linspace(2.6, 0.3, 480), np.linspace(0.3, 0.31, 120)])
    text = describe(record(wavering(little), finished(600)), None)
    assert "It is rising again, but by less than 1% of that drop" in text


def test_a_run_that_hardly_moved_does_not_go_from_a_number_to_itself(record: Record) -> None:
    config = CONSTANT.replace(batch_size=100, budget="updates", budget_value=1)
    text = describe(record([2.5], finished(1), config=config), None)
    assert text.startswith("**Too few updates**: 1 update hardly moved the loss, which is 2.5.")


def test_a_run_that_reached_its_target_says_after_how_many_updates(record: Record) -> None:
    config = CONSTANT.replace(target_loss=0.6)
    text = describe(record(falling(300, 0.5), Ended("finished", "target", updates=300), config=config), None)
    assert numbers(text, "Reached the target") == [0.6, 300]


@pytest.mark.parametrize("reason", ["asked", "unwatched"])
@pytest.mark.parametrize("still", [True, False])
def test_a_stopped_run_names_its_loss_and_the_reason_unless_it_was_asked_to_stop(
    reason: str, still: bool, record: Record
) -> None:
    losses = wavering(np.linspace(2.5, 0.5, 300)) if still else falling(300, 0.5)
    text = describe(record(losses, Ended("stopped", reason, updates=300)), None)
    why = "" if reason == "asked" else "Stopped because no page was watching the run. "
    assert text.startswith(why or "The loss stood")
    assert numbers(text) == [pytest.approx(0.6 if still else 0.5, abs=0.03)]
    assert ("still falling" in text) == still


def test_a_run_stopped_before_its_first_update_has_an_empty_story(record: Record) -> None:
    assert describe(record([], Ended("stopped", "asked")), None) == ""


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (float("nan"), "The loss of update 1,234 is not a number."),
        (float("inf"), "The loss of update 1,234 is infinite."),
        (7_654.3, "The loss of update 1,234 is 7,654, more than 1,000 times the initial loss."),
    ],
)
def test_a_diverged_run_says_how_it_diverged_and_what_to_do(loss: float, words: str, record: Record) -> None:
    ended = Ended("diverged", "loss", updates=1_240, divergence=Divergence(1_234, loss))
    text = describe(record([2.5, 2.6], ended, config=CONSTANT.replace(lr=1_000)), None)
    assert text == f"{words} A learning rate of 1,000 is too high for batch size 100; lower it or warm it up."


@pytest.mark.parametrize(
    ("reason", "values", "words"),
    [
        ("killed", {"signal": 9}, "The training process was terminated from outside by signal 9."),
        ("exited", {"exit_code": 3}, "The training process exited with code 3."),
        ("error", {"error": "OSError: no"}, "The training process raised an error: OSError: no."),
        ("host_gone", {}, "The engine ended and took the training process with it; start again."),
        ("owner_gone", {}, "The training process of this run no longer exists."),
        ("no_prediction", {}, "The engine did not answer; try again."),
        (
            "not_enough_memory",
            {"needed": 3 * 2**30, "free": 2**30},
            "The run needs 3 GiB of this machine's memory, but only 1 GiB is free; "
            "lower the batch size or choose a smaller model.",
        ),
    ],
)
def test_a_run_that_failed_says_why(reason: str, values: dict[str, Any], words: str, record: Record) -> None:
    assert describe(record([2.5, 2.4], Ended("failed", reason, values, updates=2)), None) == words


# Out of memory.


def out_of_memory(phase: str, module: str) -> Ended:
    sizes = {"limit_bytes": 4 * MIB, "requested_bytes": MIB // 2, "live_bytes": 15 * MIB // 4}
    return Ended(
        "out_of_memory", "limit", allocation=FailedAllocation(phase=phase, module=module, operation="", **sizes)
    )


@pytest.mark.parametrize(
    ("phase", "module", "where"),
    [
        ("forward", "relu2", "During the forward pass of `relu2`"),
        ("backward", "", "During the backward pass"),
        ("optimizer", "", "During the optimizer step"),
        ("evaluation", "conv1", "During the evaluation in `conv1`"),
    ],
)
@pytest.mark.parametrize(
    ("largest", "way_out"),
    [
        (None, ""),
        (1_489, " The largest batch size that fits is 1,489."),
        (0, " No batch size fits under this limit; raise it or choose a smaller model."),
    ],
)
def test_a_full_device_says_where_by_how_much_and_the_way_out(
    phase: str, module: str, where: str, largest: int | None, way_out: str, record: Record
) -> None:
    peak = Peak(5 * MIB, dict.fromkeys(CATEGORIES, 0), phase, module)
    prediction = None if largest is None else Prediction(peak, 1_000, largest)
    text = describe(record([], out_of_memory(phase, module)), prediction)
    assert text == (
        f"{where}, 3.75 MiB of the simulated device's usable 4 MiB was in use and 0.50 MiB more was requested, "
        f"0.25 MiB over the limit.{way_out} No real memory ran out."
    )


def test_a_full_device_counts_the_memory_reserved_for_workspace(record: Record) -> None:
    allocation = FailedAllocation(MIB, 3 * MIB, 4 * MIB, "backward", "", "", workspace_bytes=MIB // 4)
    text = describe(record([], Ended("out_of_memory", "limit", allocation=allocation)), None)
    assert text == (
        "During the backward pass, 3 MiB of the simulated device's usable 4 MiB was in use and 1 MiB more was "
        "requested, 0.25 MiB over the limit. This includes 0.25 MiB reserved for workspace. No real memory ran out."
    )


@pytest.mark.parametrize(
    ("held", "moment", "what"),
    [
        ("parameters", "While the model was being built", "its parameters"),
        ("gradients", "Before the update began", "the gradients of the previous update"),
        ("optimizer state", "Before the update began", "the state of the optimizer"),
        ("activations", "Before the update began", "the losses of earlier batches"),
    ],
)
def test_what_did_not_fit_before_the_first_operation_is_not_said_of_the_forward_pass(
    held: str, moment: str, what: str, record: Record
) -> None:
    allocation = FailedAllocation(MIB // 2, 15 * MIB // 4, 4 * MIB, "held", "", held, margin_bytes=2 * MIB)
    assert describe(record([], Ended("out_of_memory", "limit", allocation=allocation)), None) == (
        f"{moment}, 3.75 MiB of the simulated device's usable 4 MiB was in use and 0.50 MiB more was requested for "
        f"{what}, 0.25 MiB over the limit. The margin takes another 2 MiB of the device. No real memory ran out."
    )


# No sentence contradicts another.


def generated(seed: int) -> tuple[RunConfig, np.ndarray, np.ndarray]:
    """Return a run of some shape: its settings, losses and rates."""
    random = np.random.default_rng(seed)
    updates = int(random.choice([1, 2, 5, 16, 50, 120, 500, 2_000]))
    batch_size = int(random.choice([1, 10, 100, 1_000]))
    start, end = random.choice([2.3, 0.7, 1.0]), random.choice([2.3, 2.0, 0.5, 0.01, 0.0001])
    pace = random.choice([0.02, 0.1, 0.5, 3.0]) * updates
    losses = end + (start - end) * np.exp(-np.arange(updates) / pace)
    losses += random.choice([0.0, 0.001, 0.1]) * random.standard_normal(updates)
    if random.random() < 0.3:  # it goes up again, at once or steadily
        later = updates - updates // 2
        losses[updates // 2 :] += random.choice([0.1, 1.5]) * (
            np.linspace(0, 1, later) if random.random() < 0.5 else 1.0
        )
    rates = np.full(updates, 0.05)
    if random.random() < 0.5:
        rates *= np.linspace(1, random.choice([0.0, 0.3]), updates)
    return CONSTANT.replace(batch_size=batch_size), np.abs(losses), rates


@pytest.mark.slow
def test_over_300_runs_no_sentence_contradicts_another(record: Record) -> None:
    verdicts = set()
    for seed in range(300):
        config, losses, rates = generated(seed)
        reader = record(losses, finished(len(losses)), config=config, rates=rates)
        text, more = describe(reader, None), statistics(reader)
        verdicts.add(text.split("**")[1])
        fell = re.search(r"the loss fell by .* \(95% interval (\S+) to", more)
        rose = "the loss rose by" in more
        if "levelled off" in text:
            assert not fell, (seed, text, more)
            assert not rose, (seed, text, more)
        assert not (fell and "rising" in text), (seed, text, more)
        assert not (rose and "still falling" in text.lower()), (seed, text, more)
        if "**Still falling**" in text:
            assert fell, (seed, text, more)
        if "**Rising again**" in text:
            assert rose, (seed, text, more)
        if fell:
            assert not fell[1].startswith("\u2212"), (seed, more)
        went = re.search(r"from (\S+) to (\S+?)[.,]? ", text)
        if went:
            assert went[1] != went[2], (seed, text)
        final = verdict(reader, reader.record.ended).evidence.final_loss  # type: ignore[union-attr, arg-type]
        assert final is not None
        assert losses.min() * 0.999 <= final <= losses.max() * 1.001, (seed, final)
        (headline,) = [each.value for each in cards.cards(config, None, reader) if each.label == "Training loss"]
        assert headline == loss_text(final), (seed, headline, final)
    assert len(verdicts) >= 6


# Once and for all.


def test_a_verdict_is_computed_once(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = record(falling(500, 0.5), finished(500))
    first = describe(reader, None)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("judged twice")

    monkeypatch.setattr(story, "judge", never)
    assert describe(reader, None) == first


def test_verdicts_are_kept_for_200_runs(record: Record) -> None:
    for _ in range(205):
        describe(record([], Ended("stopped", "asked")), None)
    assert len(story._verdicts) == 200


def test_the_story_of_the_recorded_run_has_its_own_numbers() -> None:
    recording = recorded.load()
    assert recording is not None
    reader = RunReader(recording, recorded.RUN_ID)
    reader.refresh()
    assert (
        numbers(describe(reader, None), "Converged")[-2:]
        == [
            pytest.approx(float(reader.losses[0]), rel=0.01),  # 100 examples in one update
            pytest.approx(float(reader.losses[-25:].mean()), rel=0.5),
        ]
    )
    first, last, _ = slope_of(reader, level=True)
    assert 350 < first < last <= 500

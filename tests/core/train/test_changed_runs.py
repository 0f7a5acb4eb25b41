"""Compare runs with settings changed during training to a plain PyTorch loop that makes the same changes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.run.control import Control
from core.run.events import Ended, Epoch, Event, Kept, Started, Updates
from core.train.continuation import pack, remaining_budget, unpack
from core.train.loop import Loop
from core.train.trainer import Trainer
from tests.core.same import assert_same

Datasets = Callable[[str], Data]
DIGITS = RunConfig(
    dataset="digits", batch_size=100, seed=3, schedule="constant", budget_value=3
)  # 15 updates per epoch
N = 1_437


@dataclass
class Recorded:
    """The combined records of several runs, each of which continues the previous one."""

    events: list[list[Event]] = field(default_factory=list)
    trainers: list[Trainer] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)

    def column(self, name: str) -> list[Any]:
        blocks = [event for events in self.events for event in events if isinstance(event, Updates)]
        return [value for block in blocks for value in getattr(block, name).tolist()]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for events in self.events for event in events if isinstance(event, kind)]


def after(trainer: Trainer, updates: int, act: Callable[[Trainer], None]) -> None:
    """Call a function once a given number of updates has been made."""
    if trainer.updates == updates:
        act(trainer)
        return
    plain = trainer.update

    def update(rate: float, loss: Tensor, gradient_norm: Tensor) -> bool:
        ends_epoch = plain(rate, loss, gradient_norm)
        if trainer.updates == updates:
            act(trainer)
        return ends_epoch

    trainer.update = update


def change(trainer: Trainer) -> None:
    trainer.control.request("stop", reason="changed")


def train(data: Data, *settings: RunConfig, at: Sequence[int]) -> Recorded:
    """Train with the first settings, change to the next after a given number of updates, and so on to the end."""
    recorded = Recorded()
    for config, updates in itertools.zip_longest(settings, at):
        trainer, events = Trainer(config, data, control=Control()), list[Event]()
        if recorded.payloads:
            trainer.take_over(unpack(recorded.payloads[-1]))
        if updates:
            after(trainer, updates, change)
        recorded.events.append(events)
        recorded.trainers.append(trainer)
        recorded.ended.append(Loop(trainer, events.append).run())
        recorded.payloads += [event.payload for event in events if isinstance(event, Kept)]
    return recorded


# The reference loop uses no code of the engine and never stops.

Phase = tuple[RunConfig, Sequence[float]]  # settings and the learning rate of each update made with them


def by_hand(phases: Sequence[Phase], data: Data) -> list[float]:
    """Return the losses of one loop that changes its settings between two updates of the same epoch."""
    config = phases[0][0]
    torch.manual_seed(config.seed)
    widths = (64, *config.hidden, 10)
    layers = [layer for pair in itertools.pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())][:-1]
    model = nn.Sequential(*layers)
    examples, inputs, targets = order_of(config), data.train_inputs.reshape(-1, 64), data.train_targets
    optimizer, kind, losses = optimizer_of(config, model), config.optimizer, []
    left = next(examples)
    for config, rates in phases:
        if config.optimizer != kind:
            optimizer, kind = optimizer_of(config, model), config.optimizer
        options = optimizer.param_groups[0]
        options["weight_decay"] = config.weight_decay
        if kind == "momentum":
            options["momentum"] = config.momentum
        for rate in rates:
            options["lr"] = rate
            window = left[: config.batch_size * config.accumulate]
            left = left[len(window) :]
            total = torch.zeros(())
            for batch in window.split(config.batch_size):
                loss = cross_entropy(model(inputs[batch]), targets[batch])
                if len(batch) < len(window):
                    loss = loss * (len(batch) / len(window))
                loss.backward()
                total += loss.detach()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(total))
            if not len(left):
                left = next(examples)
    return losses


def order_of(config: RunConfig) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(config.seed)
    while True:
        if config.sampling == "iid":
            yield torch.randint(0, N, (N,), generator=generator)
        else:
            yield torch.randperm(N, generator=generator)


def optimizer_of(config: RunConfig, model: nn.Module) -> torch.optim.Optimizer:
    made: Any = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.SGD
    options = {"momentum": config.momentum} if config.optimizer == "momentum" else {}
    return made(model.parameters(), lr=0.1, weight_decay=config.weight_decay, fused=True, **options)


def linear(lr: float, position: int, updates: int, total: int) -> list[float]:
    return [lr * (1 - (position + number) / total) for number in range(updates)]


LINEAR = DIGITS.replace(schedule="linear")
BY_UPDATES = LINEAR.replace(budget="updates", budget_value=40)
ADAMW = DIGITS.replace(optimizer="adamw", lr=1e-3, weight_decay=0.1)
LARGER = {"batch_size": 300, "lr": 0.2}
# Settings in order, the updates before each change, and all rates. Batch size 300 gives 5 updates per epoch.
CHAINS: dict[str, tuple[Sequence[RunConfig], Sequence[int], Sequence[Sequence[float]]]] = {
    # 1,937 examples have been seen. The second epoch has 937 left, which give 4 updates, and a third epoch follows.
    "within an epoch": ([DIGITS, DIGITS.replace(**LARGER)], [20], [[0.05] * 20, [0.2] * 9]),
    "at its end": ([DIGITS, DIGITS.replace(**LARGER)], [15], [[0.05] * 15, [0.2] * 10]),
    "before its last update": ([DIGITS, DIGITS.replace(**LARGER)], [14], [[0.05] * 14, [0.2] * 11]),
    "in the last epoch": ([DIGITS, DIGITS.replace(**LARGER)], [44], [[0.05] * 44, [0.2]]),
    # At batch size 300, 1,937 examples take 7 updates.
    "schedule": (
        [LINEAR, LINEAR.replace(**LARGER)],
        [20],
        [linear(0.05, 0, 20, 45), linear(0.2, 7, 9, 16)],
    ),
    "schedule in updates": (
        [BY_UPDATES, BY_UPDATES.replace(**LARGER)],
        [20],
        [linear(0.05, 0, 20, 40), linear(0.2, 20, 20, 40)],
    ),
    # 1,063 examples remain: 937 of this epoch and 126 of the next.
    "another schedule and budget": (
        [DIGITS, LINEAR.replace(lr=0.2, budget="examples", budget_value=3_000)],
        [20],
        [[0.05] * 20, linear(0.2, 20, 12, 32)],
    ),
    # After 1,937 examples 937 - 600 = 337 are left: 7 batches of 50, then 29 batches of the last epoch.
    "twice": (
        [DIGITS, DIGITS.replace(**LARGER), DIGITS.replace(batch_size=50)],
        [20, 22],
        [[0.05] * 20, [0.2] * 2, [0.05] * 36],
    ),
    "twice at once": (
        [DIGITS, DIGITS.replace(**LARGER), DIGITS.replace(batch_size=50, lr=0.02)],
        [20, 20],
        [[0.05] * 20, [], [0.02] * 48],
    ),
    "accumulation": (
        [DIGITS, DIGITS.replace(batch_size=60, accumulate=4)],
        [20],
        [[0.05] * 20, [0.05] * 10],
    ),
    "momentum": ([DIGITS, DIGITS.replace(momentum=0.5)], [20], [[0.05] * 20, [0.05] * 25]),
    "weight decay": ([ADAMW, ADAMW.replace(weight_decay=1.0, batch_size=300)], [20], [[1e-3] * 20, [1e-3] * 9]),
    "another optimizer": ([DIGITS, ADAMW], [20], [[0.05] * 20, [1e-3] * 25]),
    "random draws": (
        [DIGITS.replace(sampling="iid"), DIGITS.replace(sampling="iid", **LARGER)],
        [20],
        [[0.05] * 20, [0.2] * 9],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_changed_run_has_the_losses_of_a_plain_loop_with_the_same_changes(
    chain: tuple[Sequence[RunConfig], Sequence[int], Sequence[Sequence[float]]], datasets: Datasets
) -> None:
    configs, at, rates = chain
    data = datasets("digits")
    recorded = train(data, *configs, at=at)
    assert recorded.column("losses") == by_hand(list(zip(configs, rates, strict=True)), data)
    assert recorded.column("rates") == pytest.approx([rate for phase in rates for rate in phase], rel=1e-12)

    # The count of updates continues, and the planned total matches the actual one.
    made = list(itertools.accumulate(map(len, rates)))
    assert [(ended.state, ended.reason, ended.updates) for ended in recorded.ended] == [
        *(("stopped", "changed", updates) for updates in at),
        ("finished", "budget", made[-1]),
    ]
    started = recorded.of(Started)
    assert [each.first for each in started] == [0, *at]
    assert started[-1].horizon == made[-1]
    blocks = [block for block in recorded.of(Updates) if len(block)]
    assert [block.first for block in blocks] == [0, *itertools.accumulate(map(len, blocks[:-1]))]
    seen = recorded.column("examples_seen")
    assert seen == sorted(seen)
    if configs[-1].budget == "epochs":
        assert seen[-1] == 3 * N
    seconds = recorded.column("seconds")
    assert seconds == sorted(seconds)


def test_the_epoch_count_continues_and_updates_per_epoch_follow_the_new_batch_size(datasets: Datasets) -> None:
    recorded = train(datasets("digits"), DIGITS, DIGITS.replace(batch_size=300, budget_value=4), at=[20])
    epochs = recorded.of(Epoch)
    assert [(each.epoch, each.updates, each.updates_in_epoch, each.complete) for each in epochs] == [
        (1, 15, 15, True),
        (2, 24, 4, False),  # an epoch that two runs share does not count
        (3, 29, 5, True),
        (4, 34, 5, True),
    ]
    assert [ended.updates_per_epoch for ended in recorded.ended] == [15, 5]


def test_a_change_with_no_budget_left_only_evaluates(datasets: Datasets) -> None:
    recorded = train(datasets("digits"), DIGITS, DIGITS.replace(budget_value=1), at=[20])
    assert [(ended.state, ended.updates) for ended in recorded.ended] == [("stopped", 20), ("finished", 20)]
    assert recorded.of(Epoch)[-1].validation_loss == recorded.trainers[-1].evaluate().loss


def test_a_budget_of_updates_continues_in_updates(datasets: Datasets) -> None:
    config = DIGITS.replace(budget="updates", budget_value=50)
    for updates, left in ((0, 50), (20, 30), (50, 0), (60, 0)):
        found = remaining_budget(config, updates=updates, epoch=1, seen_in_epoch=500, examples_seen=1_937)
        assert (found.updates, found.position) == (left, updates)


# Where the run stops.


def test_only_a_stop_for_a_change_keeps_the_state(datasets: Datasets) -> None:
    for reason in ("asked", "unwatched", "changed"):
        trainer, events = Trainer(DIGITS, datasets("digits"), control=Control()), list[Event]()
        after(trainer, 5, lambda trainer, reason=reason: trainer.control.request("stop", reason=reason))
        ended = Loop(trainer, events.append).run()
        assert (ended.state, ended.reason, ended.updates) == ("stopped", reason, 5)
        kept = [event for event in events if isinstance(event, Kept)]
        assert kept == events[-2:-1] * (reason == "changed")  # the state is reported before the end


def test_a_change_does_not_keep_a_state_that_is_too_large(datasets: Datasets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.run.changes.MOST_BYTES", 100_000)
    assert train(datasets("digits"), DIGITS, at=[5]).payloads == []


def test_a_paused_run_is_changed_without_another_update(datasets: Datasets) -> None:
    trainer, events = Trainer(DIGITS, datasets("digits"), control=Control()), list[Event]()
    after(trainer, 20, lambda trainer: trainer.control.request("pause"))

    def report(event: Event) -> None:
        events.append(event)
        if type(event).__name__ == "Paused" and event.paused:
            change(trainer)

    ended = Loop(trainer, report).run()
    assert (ended.state, ended.reason, ended.updates) == ("stopped", "changed", 20)
    (kept,) = [event for event in events if isinstance(event, Kept)]
    assert_same(unpack(kept.payload)["model"], trainer.model.state_dict())


def undisturbed(config: RunConfig, data: Data, updates: int) -> Trainer:
    trainer = Trainer(config, data)
    for _ in range(updates):
        trainer.update(trainer.rate(), torch.zeros(()), torch.zeros(()))
    return trainer


@pytest.mark.parametrize(
    ("norm", "updates"), [("none", 6), ("layer", 6), ("batch", 7)], ids=["plain", "layer", "buffers"]
)
def test_a_change_within_an_update_drops_it_unless_batches_have_changed_buffers(
    norm: str, updates: int, datasets: Datasets
) -> None:
    config = DIGITS.replace(batch_size=25, accumulate=4, norm=norm)
    trainer, events = Trainer(config, datasets("digits"), control=Control()), list[Event]()
    plain, batches = trainer._micro_batch, itertools.count(1)

    def micro_batch(*args: Any) -> tuple[Any, ...]:
        held = plain(*args)
        if next(batches) == 6 * 4 + 2:  # the second micro-batch of the seventh update
            change(trainer)
        return held

    trainer._micro_batch = micro_batch
    ended = Loop(trainer, events.append).run()
    assert (ended.reason, ended.updates) == ("changed", updates)
    (kept,) = [event for event in events if isinstance(event, Kept)]
    expected = undisturbed(config, datasets("digits"), updates)
    assert_same(unpack(kept.payload)["model"], expected.model.state_dict())
    assert unpack(kept.payload)["examples_seen"] == updates * 100


@pytest.mark.parametrize(("reason", "is_whole"), [("changed", True), ("asked", False)])
def test_a_change_waits_for_an_evaluation_but_a_plain_stop_interrupts_it(
    reason: str, is_whole: bool, datasets: Datasets
) -> None:
    trainer = Trainer(DIGITS.replace(schedule="plateau"), datasets("digits"), control=Control())
    plain, events = trainer.evaluate_chunk, list[Event]()

    def evaluate_chunk(start: int, stop: int) -> tuple[Tensor, Tensor]:
        trainer.control.request("stop", reason=reason)
        return plain(start, stop)

    trainer.evaluate_chunk = evaluate_chunk
    ended = Loop(trainer, events.append).run()
    assert (ended.reason, ended.updates) == (reason, 15)
    (epoch,) = [event for event in events if isinstance(event, Epoch)]
    assert (epoch.validation_loss is not None) == is_whole
    assert trainer.plateau
    assert (trainer.plateau.best < math.inf) == is_whole


# What a changed run keeps.


def test_plateau_reductions_so_far_apply_to_a_new_rate(datasets: Datasets) -> None:
    config = DIGITS.replace(schedule="plateau", lr=0.5)
    first = Trainer(config, datasets("digits"))
    assert first.plateau
    for _ in range(5):
        first.plateau.step(1.0)  # without improvement the rate is halved
    second = Trainer(config.replace(lr=0.1), datasets("digits"))
    second.take_over(unpack(pack(first.state())))
    assert (first.rate(), second.rate()) == (0.25, 0.05)


def test_a_state_without_a_stored_rate_can_still_be_continued(datasets: Datasets) -> None:
    config = DIGITS.replace(schedule="plateau", lr=0.5)
    first = Trainer(config, datasets("digits"))
    state = {name: value for name, value in first.state().items() if name not in ("lr", "ceiling")}
    second = Trainer(config.replace(batch_size=50), datasets("digits"))
    second.take_over(state)
    assert (second.rate(), second.ceiling) == (0.5, None)


def test_divergence_is_measured_against_the_initial_loss_of_the_first_run(datasets: Datasets) -> None:
    recorded = train(datasets("digits"), DIGITS, DIGITS.replace(batch_size=50), at=[40])
    first = recorded.column("losses")[0]
    assert unpack(recorded.payloads[0])["ceiling"] == pytest.approx(1_000 * first)
    assert recorded.trainers[1].ceiling == pytest.approx(1_000 * first)
    assert Loop(recorded.trainers[1], lambda event: None).record.ceiling == pytest.approx(1_000 * first)


@pytest.mark.slow
def test_a_budget_of_seconds_continues_to_its_end(datasets: Datasets) -> None:
    config = DIGITS.replace(budget="seconds", budget_value=0.6)
    first, events = Trainer(config, datasets("digits"), control=Control()), list[Event]()

    def report(event: Event) -> None:
        events.append(event)
        if isinstance(event, Updates) and len(event):
            change(first)

    ended = Loop(first, report).run()
    (kept,) = [event for event in events if isinstance(event, Kept)]
    second = Trainer(config.replace(batch_size=300), datasets("digits"))
    second.take_over(unpack(kept.payload))
    later = Loop(second, events.append).run()
    assert [ended.reason, later.reason] == ["changed", "budget"]
    assert 0 < ended.elapsed_s < 0.6 <= later.elapsed_s < 2.0
    assert 0 < ended.updates < later.updates
    seconds = Recorded(events=[events]).column("seconds")
    assert seconds == sorted(seconds)

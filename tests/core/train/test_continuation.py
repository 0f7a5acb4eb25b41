"""Check continued runs against a step-by-step count of the remaining budget and the losses of plain PyTorch."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from core.datasets.tensors import Data
from core.forecast.predict import predict
from core.run.choices.datasets import DATASETS
from core.run.config import MAX_UPDATES, RunConfig
from core.run.events import Ended, Epoch, Event, Kept, Started, Updates
from core.run.plan import planned_examples
from core.train.continuation import pack, remaining_budget, rest_of_epoch, unpack, with_remedy
from core.train.loop import Loop
from core.train.order import Order
from core.train.trainer import Trainer
from core.words.errors import ConfigError
from tests.core.same import assert_same

Datasets = Callable[[str], Data]
Run = Callable[..., Any]

# The remaining budget, counted update by update.


@contextmanager
def digits_of(examples: int) -> Iterator[None]:
    """Give the data set `digits` a different size."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(DATASETS, "digits", dataclasses.replace(DATASETS["digits"], examples=examples))
        yield


def windows_of(examples: int, size: int, accumulate: int, *, drop_last: bool) -> list[int]:
    """Return the number of examples in each window of an epoch, counting the examples one by one."""
    windows: list[int] = []
    batches: list[int] = []
    batch = 0
    for number in range(1, examples + 1):
        batch += 1
        if batch == size or (number == examples and not drop_last):
            batches.append(batch)
            batch = 0
        if len(batches) == accumulate or (number == examples and batches and not drop_last):
            windows.append(sum(batches))
            batches = []
    return windows


@dataclasses.dataclass
class Walk:
    """The progress of a run that makes one update after another."""

    examples: int
    size: int
    accumulate: int
    drop_last: bool
    epoch: int = 0
    seen_in_epoch: int = 0
    seen: int = 0
    updates: int = 0
    rest: list[int] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.rest = self.windows(self.examples - self.seen_in_epoch)
        if not self.rest:
            self.end_epoch()

    def windows(self, examples: int) -> list[int]:
        return windows_of(examples, self.size, self.accumulate, drop_last=self.drop_last)

    def end_epoch(self) -> None:
        self.epoch, self.seen_in_epoch, self.rest = self.epoch + 1, 0, self.windows(self.examples)

    def update(self) -> None:
        size = self.rest.pop(0)
        self.updates, self.seen, self.seen_in_epoch = self.updates + 1, self.seen + size, self.seen_in_epoch + size
        if not self.rest:
            self.end_epoch()


def shape(config: RunConfig) -> tuple[int, int, int, bool]:
    return config.spec.examples, config.batch_size, config.accumulate, config.drop_last


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, dict[str, Any], dict[str, Any], int]:
    """Draw the size of the data set, the settings of a run, the settings that continue it, and the updates before."""
    examples = draw(st.integers(3, 50))
    drop_last = draw(st.booleans())

    def settings() -> dict[str, Any]:
        size, accumulate = draw(st.integers(1, examples)), draw(st.integers(1, 4))
        assume(not drop_last or size * accumulate <= examples)
        return {"batch_size": size, "accumulate": accumulate, "drop_last": drop_last}

    budget = draw(st.sampled_from(["epochs", "examples", "updates"]))
    value = draw(st.integers(1, 4 if budget == "epochs" else 150))
    first = {**settings(), "budget": budget, "budget_value": value}
    return examples, first, settings(), draw(st.integers(0, 60))


@settings(max_examples=250)
@given(cases())
def test_the_remaining_budget_equals_a_count_update_by_update(
    case: tuple[int, dict[str, Any], dict[str, Any], int],
) -> None:
    examples, first, changes, made = case
    with digits_of(examples):
        parent = RunConfig(dataset="digits", **first)
        walk = Walk(*shape(parent))
        for _ in range(made):
            walk.update()

        child = with_remedy(parent, changes)
        left = remaining_budget(
            child, updates=made, epoch=walk.epoch, seen_in_epoch=walk.seen_in_epoch, examples_seen=walk.seen
        )

        further = Walk(*shape(child), epoch=walk.epoch, seen_in_epoch=walk.seen_in_epoch, seen=walk.seen)
        if child.budget == "epochs":
            # An epoch with no examples left for the run is complete.
            goal = int(child.budget_value)
            assert left.updates == updates_until(further, lambda: further.epoch >= goal)
        else:
            assert child.budget == "examples"
            goal = int(child.budget_value)
            assert left.updates == updates_until(further, lambda: further.seen >= goal)
        again = Walk(*shape(child))
        assert left.position == updates_until(again, lambda: again.seen >= walk.seen)


def updates_until(walk: Walk, is_done: Callable[[], bool]) -> int:
    while not is_done():
        walk.update()
    return walk.updates


@settings(max_examples=100)
@given(cases())
def test_the_planned_number_of_examples_equals_a_count_update_by_update(
    case: tuple[int, dict[str, Any], dict[str, Any], int],
) -> None:
    examples, first, changes, _ = case
    with digits_of(examples):
        config = RunConfig(dataset="digits", **first)
        walk, goal = Walk(*shape(config)), int(config.budget_value)
        done = {
            "epochs": lambda: walk.epoch >= goal,
            "updates": lambda: walk.updates >= goal,
            "examples": lambda: walk.seen >= goal,
        }
        updates_until(walk, done[config.budget])
        assert planned_examples(config) == walk.seen
        child = with_remedy(config, changes)
        expected = ("examples", walk.seen) if config.budget == "updates" else (config.budget, goal)
        assert (child.budget, child.budget_value) == expected


@settings(max_examples=100)
@given(cases(), st.sampled_from(["shuffle", "iid"]))
def test_the_order_continues_at_the_next_example_and_then_with_the_next_epochs(
    case: tuple[int, dict[str, Any], dict[str, Any], int], sampling: str
) -> None:
    examples, first, changes, made = case
    with digits_of(examples):
        parent = RunConfig(dataset="digits", seed=5, sampling=sampling, **first)
        order = Order(parent, examples)
        for _ in range(made):
            order.window()
            order.advance()
        child = parent.replace(**changes)
        taken = Order(child, examples)
        taken.take_over(order.state(), order.seen_in_epoch)

        # Draw the earlier epochs again, and the part of the next that the parent has used.
        epochs = epochs_of(examples, sampling)
        drawn = next(itertools.islice(epochs, order.epoch, None))[order.seen_in_epoch :]
        rest = windows_of(len(drawn), child.batch_size, child.accumulate, drop_last=child.drop_last)
        assert [sum(window) for window in rest_of_epoch(child, order.seen_in_epoch)] == rest
        for indices, sizes in ((drawn, rest), (next(epochs), Walk(*shape(child)).rest)):
            position = 0
            for number, size in enumerate(sizes, 1):
                window = torch.cat(taken.window()).tolist()
                assert window == indices[position : position + size]
                position += size
                assert taken.advance() == (number == len(sizes))


def epochs_of(examples: int, sampling: str) -> Iterator[list[int]]:
    generator = torch.Generator().manual_seed(5)
    while True:
        if sampling == "iid":
            yield torch.randint(0, examples, (examples,), generator=generator).tolist()
        else:
            yield torch.randperm(examples, generator=generator).tolist()


def test_a_budget_of_seconds_has_no_number_of_remaining_updates() -> None:
    config = RunConfig(dataset="digits", batch_size=100, budget="seconds", budget_value=2)
    left = remaining_budget(config, updates=40, epoch=1, seen_in_epoch=300, examples_seen=1_737)
    assert (left.updates, left.position) == (None, 18)


def test_a_remedy_with_too_many_updates_is_capped_at_the_maximum() -> None:
    config = RunConfig(dataset="digits", batch_size=1_000, budget_value=10_000)
    assert with_remedy(config, {"batch_size": 2}).budget_value == 10_000  # 7,190,000 updates
    most = with_remedy(config, {"batch_size": 1})
    assert (most.budget, most.budget_value) == ("updates", MAX_UPDATES)
    with pytest.raises(ConfigError, match="batch_size must be between 1 and 1437"):
        with_remedy(config, {"batch_size": 2_000})


# Runs that run out of memory, and their continuations.

DIGITS = RunConfig(dataset="digits", seed=3, lr=0.01)


def limited(config: RunConfig, *, fits: RunConfig, more: int = 0) -> RunConfig:
    """Return the first run with a memory limit at which the second just fits, plus some extra bytes."""
    return config.replace(memory_limit_mb=(predict(fits).peak.tensor_bytes + more) / 2**20)


def state_does_not_fit() -> RunConfig:
    """Return a run that fits its first update, at the end of which Adam's state is allocated, but not its second."""
    config = DIGITS.replace(hidden=(200, 100), optimizer="adam", lr=1e-3, batch_size=700, budget_value=3)
    return limited(config, fits=config.replace(budget="updates", budget_value=1))


def evaluation_does_not_fit() -> RunConfig:
    config = DIGITS.replace(hidden=(600, 300), batch_size=50, budget_value=2)
    return limited(config.replace(evaluate_with_grad=True, validate_whole=True), fits=config)


def losses_do_not_fit() -> RunConfig:
    """Return a run that keeps 4 bytes for each batch and has room for 20 of them besides a whole batch."""
    config = DIGITS.replace(hidden=(600, 300), optimizer="nesterov", batch_size=100, budget_value=3)
    return limited(config.replace(keep_losses=True), fits=config, more=4 * 20)


def window_does_not_fit() -> RunConfig:
    """Return a run like `losses_do_not_fit` with windows, iid sampling, `drop_last` and a budget of updates."""
    config = DIGITS.replace(
        hidden=(600, 300),
        batch_size=100,
        accumulate=2,
        sampling="iid",
        drop_last=True,
        schedule="linear",
        budget="updates",
        budget_value=25,
    )
    return limited(config.replace(keep_losses=True), fits=config, more=4 * 20)


PARENTS: dict[
    str, tuple[Callable[[], RunConfig], int, int]
] = {  # each with its updates and examples before it runs out
    "state": (state_does_not_fit, 1, 700),
    "evaluation": (evaluation_does_not_fit, 29, 1_437),
    "losses": (losses_do_not_fit, 21, 1_437 + 600),
    # 7 windows of 200 per epoch, which drops 37. An odd number of losses precedes the second batch of a window.
    "window": (window_does_not_fit, 10, 7 * 200 + 3 * 200),
}
FREED = {"keep_losses": False, "evaluate_with_grad": False, "validate_whole": False, "zero_in_place": False}
REMEDIES: list[tuple[str, dict[str, Any]]] = [
    ("state", {"batch_size": 400}),
    ("state", {"batch_size": 350, "accumulate": 2}),
    ("state", {"optimizer": "sgd"}),
    ("state", {"optimizer": "momentum", "batch_size": 600}),
    ("state", {"checkpointing": True, "batch_size": 450}),
    ("state", {"precision": "bfloat16", "batch_size": 450}),
    ("evaluation", FREED),
    ("evaluation", {**FREED, "optimizer": "sgd", "batch_size": 20, "accumulate": 3}),
    ("losses", FREED),
    ("losses", {"batch_size": 64}),  # the continued run keeps losses of its own
    ("losses", {**FREED, "optimizer": "sgd", "batch_size": 50, "accumulate": 2}),
    ("losses", {**FREED, "schedule": "plateau"}),
    ("window", FREED),
    ("window", {**FREED, "batch_size": 30, "accumulate": 5}),
]


@dataclasses.dataclass(frozen=True)
class Past:
    """A run that ran out of memory, with the state it left."""

    config: RunConfig
    ended: Ended
    events: list[Event]
    payload: bytes

    @property
    def losses(self) -> NDArray[np.float32]:
        return np.concatenate([event.losses for event in self.events if isinstance(event, Updates)])


@pytest.fixture(scope="module")
def past(datasets: Datasets) -> Callable[[str], Past]:
    """Return a cached function that trains one of PARENTS to its end."""
    known: dict[str, Past] = {}

    def past(name: str) -> Past:
        if name not in known:
            config, events = PARENTS[name][0](), list[Event]()
            ended = Loop(Trainer(config, datasets("digits")), events.append).run()
            (kept,) = [event for event in events if isinstance(event, Kept)]
            known[name] = Past(config, ended, events, kept.payload)
        return known[name]

    return past


def continued(past: Past, changes: dict[str, Any], datasets: Datasets) -> Trainer:
    trainer = Trainer(with_remedy(past.config, changes), datasets("digits"))
    trainer.take_over(unpack(past.payload))
    return trainer


@pytest.mark.slow
@pytest.mark.parametrize("name", PARENTS)
def test_a_parent_runs_out_at_the_intended_update_and_leaves_its_state(name: str, past: Callable[[str], Past]) -> None:
    _, updates, examples = PARENTS[name]
    run = past(name)
    assert (run.ended.state, run.ended.updates, len(run.losses)) == ("out_of_memory", updates, updates)
    assert (run.ended.allocation.phase == "evaluation") == (name == "evaluation")
    assert run.events[-1] is run.ended
    state = unpack(run.payload)
    assert (state["updates"], state["examples_seen"]) == (updates, examples)
    assert 0 < state["elapsed_s"] <= run.ended.elapsed_s


def test_a_kept_state_equals_the_trainers_and_survives_packing(datasets: Datasets) -> None:
    trainer = Trainer(DIGITS.replace(optimizer="adam", norm="batch", schedule="plateau", lr=1e-3), datasets("digits"))
    for _ in range(3):
        trainer.update(1e-3, torch.zeros(()), torch.zeros(()))
    state = trainer.state()
    assert_same(unpack(pack(state)), state)
    before = [parameter.detach().clone() for parameter in trainer.parameters]
    trainer.update(1e-3, torch.zeros(()), torch.zeros(()))
    assert_same(list(state["model"].values())[:2], before[:2])  # a copy, which the next update does not change


def test_a_run_that_finishes_keeps_no_state(run: Run) -> None:
    assert run(DIGITS.replace(batch_size=500, budget_value=1)).of(Kept) == []


def test_a_state_that_is_too_large_is_not_kept(datasets: Datasets, monkeypatch: pytest.MonkeyPatch) -> None:
    config, events = state_does_not_fit(), list[Event]()
    monkeypatch.setattr("core.run.changes.MOST_BYTES", 100_000)
    ended = Loop(Trainer(config, datasets("digits")), events.append).run()
    assert ended.state == "out_of_memory"
    assert not [event for event in events if isinstance(event, Kept)]


# The reference in plain PyTorch.


def hand_written(past: Past, child: RunConfig, data: Data) -> tuple[list[float], list[float]]:
    """Return the losses and the rates of the remaining updates, from a plain loop."""
    state = unpack(past.payload)
    widths = (64, *child.hidden, 10)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), state["model"].values(), strict=True):
            parameter.copy_(value)
    kind: Any = torch.optim.Adam if child.optimizer == "adam" else torch.optim.SGD
    options = {"momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9, "nesterov": True}}
    optimizer = kind(model.parameters(), lr=child.lr, fused=True, **options.get(child.optimizer, {}))
    if child.optimizer == past.config.optimizer:
        optimizer.load_state_dict(state["optimizer"])

    seen = state["examples_seen"]
    windows = list(windows_left(past.config, child, seen))
    walk = Walk(*shape(child))
    position = updates_until(walk, lambda: walk.seen >= seen)
    total = position + len(windows)
    schedules: dict[str, Callable[[float], float]] = {
        "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
        "linear": lambda share: 1 - share,
        "plateau": lambda share: 1.0,  # two epochs are too few for a reduction
    }
    inputs, targets = data.train_inputs.reshape(-1, 64), data.train_targets
    losses, rates = [], []
    for number, window in enumerate(windows):
        rate = child.lr * schedules[child.schedule]((position + number) / total)
        optimizer.param_groups[0]["lr"] = rate
        examples, loss_of_window = sum(map(len, window)), torch.zeros(())
        for indices in window:
            with torch.autocast("cpu", torch.bfloat16) if child.precision == "bfloat16" else nullcontext():
                loss = cross_entropy(model(inputs[indices]), targets[indices])
            if len(window) > 1:
                loss = loss * (len(indices) / examples)
            loss.backward()
            loss_of_window += loss.detach()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss_of_window))
        rates.append(rate)
    return losses, rates


def windows_left(parent: RunConfig, child: RunConfig, seen: int) -> Iterator[list[Tensor]]:
    """Yield the index tensors of each remaining window, drawing the epochs again."""
    walk = Walk(*shape(parent))
    updates_until(walk, lambda: walk.seen >= seen)
    generator, goal = torch.Generator().manual_seed(parent.seed), int(child.budget_value)
    skip = walk.seen_in_epoch
    for epoch in itertools.count():
        if parent.sampling == "iid":
            drawn = torch.randint(0, 1_437, (1_437,), generator=generator)
        else:
            drawn = torch.randperm(1_437, generator=generator)
        if epoch < walk.epoch:
            continue
        left = drawn[skip:]
        skip = 0
        for size in windows_of(len(left), child.batch_size, child.accumulate, drop_last=child.drop_last):
            if epoch >= goal if child.budget == "epochs" else seen >= goal:
                return
            yield list(left[:size].split(child.batch_size))
            left, seen = left[size:], seen + size
        if child.budget == "epochs" and epoch + 1 >= goal:
            return


@pytest.mark.slow
@pytest.mark.parametrize(("name", "changes"), REMEDIES, ids=str)
def test_a_continued_run_has_the_losses_of_a_plain_loop_from_the_same_state(
    name: str, changes: dict[str, Any], past: Callable[[str], Past], datasets: Datasets
) -> None:
    before, events = past(name), list[Event]()
    trainer = continued(before, changes, datasets)
    child, first = trainer.config, before.ended.updates
    ended = Loop(trainer, events.append).run()
    assert ended.state == "finished"

    blocks = [event for event in events if isinstance(event, Updates)]
    losses = np.concatenate([block.losses for block in blocks])
    expected, rates = hand_written(before, child, datasets("digits"))
    assert losses.tolist() == expected
    assert np.concatenate([block.rates for block in blocks]).tolist() == pytest.approx(rates, rel=1e-12)

    # It ends where its parent would have ended: after as many examples, or at the first update that has seen them.
    planned, seen = planned_examples(before.config), np.concatenate([block.examples_seen for block in blocks])
    assert planned <= seen[-1] < planned + child.effective_batch_size
    if child.budget == "epochs":
        assert seen[-1] == planned

    # Its count continues from where the parent stopped.
    started = events[0]
    assert isinstance(started, Started)
    assert (started.first, started.horizon) == (first, first + len(losses))
    assert (blocks[0].first, ended.updates) == (first, started.horizon)
    assert np.concatenate([block.seconds for block in blocks])[0] > unpack(before.payload)["elapsed_s"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "changes"), REMEDIES, ids=str)
def test_epoch_numbers_continue_and_an_epoch_begun_by_the_parent_is_not_complete(
    name: str, changes: dict[str, Any], past: Callable[[str], Past], datasets: Datasets
) -> None:
    before, events = past(name), list[Event]()
    trainer = continued(before, changes, datasets)
    Loop(trainer, events.append).run()
    earlier = [event for event in before.events if isinstance(event, Epoch)]
    later = [event for event in events if isinstance(event, Epoch)]
    numbers = [event.epoch for event in (*earlier, *later)]
    assert numbers == list(range(1, len(numbers) + 1))
    began_within = unpack(before.payload)["seen_in_epoch"] > 0
    assert later[0].complete == (not began_within)
    last = later[-1]
    assert last.validation_loss is not None
    assert last.updates == trainer.updates
    # The mean loss over the rest of an epoch covers only the examples of this run.
    blocks = [event for event in events if isinstance(event, Updates)]
    losses, seen = (np.concatenate([getattr(block, key) for block in blocks]) for key in ("losses", "examples_seen"))
    count = later[0].updates - before.ended.updates
    sizes = np.diff(seen, prepend=unpack(before.payload)["examples_seen"])
    assert later[0].train_loss == pytest.approx(np.average(losses[:count], weights=sizes[:count]), rel=1e-5)


def test_a_run_that_ran_out_in_its_last_evaluation_is_only_evaluated(datasets: Datasets) -> None:
    config = evaluation_does_not_fit().replace(budget_value=1)
    events: list[Event] = []
    ended = Loop(Trainer(config, datasets("digits")), events.append).run()
    assert (ended.state, ended.updates) == ("out_of_memory", 29)
    (epoch,) = [event for event in events if isinstance(event, Epoch)]
    assert (epoch.epoch, epoch.complete, epoch.validation_loss) == (1, True, None)
    (kept,) = [event for event in events if isinstance(event, Kept)]

    trainer = Trainer(config.replace(**FREED), datasets("digits"))
    trainer.take_over(unpack(kept.payload))
    before = [parameter.detach().clone() for parameter in trainer.parameters]
    later: list[Event] = []
    ended = Loop(trainer, later.append).run()
    assert (ended.state, ended.reason, ended.updates) == ("finished", "budget", 29)
    assert all(torch.equal(*pair) for pair in zip(trainer.parameters, before, strict=True))
    (again,) = [event for event in later if isinstance(event, Epoch)]
    assert (again.epoch, again.updates_in_epoch) == (1, 0)
    assert again.validation_loss == trainer.evaluate().loss


def test_buffers_random_state_and_plateau_are_continued(datasets: Datasets) -> None:
    config = DIGITS.replace(norm="batch", schedule="plateau", batch_size=100, lr=0.5)
    first = Trainer(config, datasets("digits"))
    for _ in range(5):
        first.update(0.5, torch.zeros(()), torch.zeros(()))
    assert first.plateau
    for _ in range(5):
        first.plateau.step(1.0)  # without improvement the rate is halved
    torch.rand(7)  # uses the global generator, as dropout would
    state = unpack(pack(first.state()))
    second = Trainer(config.replace(batch_size=50), datasets("digits"))
    second.take_over(state)
    assert (first.rate(), second.rate()) == (0.25, 0.25)
    assert_same(dict(second.model.named_buffers()), dict(first.model.named_buffers()))
    assert torch.equal(torch.get_rng_state(), state["random"])
    assert second.evaluate().loss == pytest.approx(first.evaluate().loss, rel=1e-6)


def test_a_second_remedy_continues_from_the_first(past: Callable[[str], Past], datasets: Datasets) -> None:
    first = continued(past("losses"), {"batch_size": 50}, datasets)
    for _ in range(4):
        first.update(first.rate(), torch.zeros(()), torch.zeros(()))
    assert first.examples_seen == 1_437 + 600 + 200
    second = Trainer(first.config.replace(batch_size=25), datasets("digits"))
    second.take_over(unpack(pack(first.state())))
    # 637 examples of the second epoch and a whole third epoch are left: 26 and 58 batches.
    assert (second.updates, second.horizon) == (25, 25 + 26 + 58)
    assert second.shift == (58 + 32) - 25  # the examples seen would take 58 and 32 of its own batches
    assert second.order.seen_in_epoch == 800


def test_batch_normalisation_skips_a_remaining_batch_of_one(datasets: Datasets) -> None:
    config = DIGITS.replace(norm="batch", batch_size=100, budget_value=2)
    first = Trainer(config, datasets("digits"))
    for _ in range(2):
        first.update(0.01, torch.zeros(()), torch.zeros(()))
    second = Trainer(config.replace(batch_size=412), datasets("digits"))  # 1,237 is three times that plus one
    second.take_over(unpack(pack(first.state())))
    events: list[Event] = []
    ended = Loop(second, events.append).run()
    assert (ended.state, ended.updates) == ("finished", 2 + 3 + 4)
    assert second.examples_seen == 2 * 1_437 - 1

"""Check accumulated gradients, tensors made from numbers, and recomputed activations against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.memory import Ledger
from core.run.config import RunConfig
from core.run.timeline import Timeline
from core.train.trainer import Trainer
from tests.core.memory.records import profiled_peak

MakeTrainer = Callable[..., Trainer]
Make = Callable[[], nn.Module]

ROWS, WIDTH = 64, 32
ROW_BYTES = 4 * ROWS * WIDTH
SMALL = 4_096  # bytes that a matrix product may take besides its result


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, fused=True)


def rows() -> Tensor:
    return torch.rand(ROWS, WIDTH, generator=torch.Generator().manual_seed(1))


def watched(model: nn.Module, work: Callable[[], object]) -> Timeline:
    with Ledger(model, sgd(model)) as ledger:
        work()
    return ledger.timeline()


def births(timeline: Timeline) -> list[tuple[str, str, str]]:
    """Return phase, module and category of every allocation, in order."""
    return [(change.phase, change.module, change.block.category) for change in timeline.changes if change.bytes > 0]


# Gradients of a tensor used twice.


class Residual(nn.Module):
    """A model with layers that add to their inputs, which therefore receive two gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, values: Tensor) -> Tensor:
        for layer in self.layers:
            values = values + layer(values)
        return values


class Fan(nn.Module):
    """A model that uses one tensor five times."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, WIDTH)

    def forward(self, values: Tensor) -> Tensor:
        hidden = self.first(values)
        return self.last(hidden.exp() + hidden.sin() + hidden.cos() + hidden.tanh() + hidden.sigmoid())


class Tied(nn.Module):
    """A model with three layers that share one matrix, a leaf that accumulates their gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(WIDTH, WIDTH) / WIDTH)

    def forward(self, values: Tensor) -> Tensor:
        return ((values @ self.weight).tanh() @ self.weight).tanh() @ self.weight


class Formula(nn.Module):
    """A model with `atan2`: its backward formula adds two squares, for which PyTorch makes a third tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, values: Tensor) -> Tensor:
        return torch.atan2(self.first(values), self.second(values))


class Lerp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, values: Tensor) -> Tensor:
        one, other = self.first(values), self.second(values)
        return torch.lerp(one, other, torch.hypot(one, other))


class SelfMadeSum(torch.autograd.Function):
    """A backward pass in Python that adds two tensors and still needs the first."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values * values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (values,) = ctx.saved_tensors
        product = gradient * values
        total = product + gradient
        return total + product - gradient


class Custom(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(WIDTH, WIDTH)

    def forward(self, values: Tensor) -> Any:
        return SelfMadeSum.apply(self.first(values))


KINDS: list[Make] = [Residual, Fan, Tied, Formula, Lerp, Custom]


@pytest.mark.parametrize("kind", KINDS)
def test_backward_takes_the_same_bytes_with_and_without_a_ledger(kind: Make) -> None:
    torch.manual_seed(0)
    model, values = kind(), rows()
    held = sum(4 * parameter.numel() for parameter in model.parameters())

    def work() -> None:
        model.zero_grad(set_to_none=True)
        model(values).sum().backward()

    work()  # PyTorch has done its one-time setup
    model.zero_grad(set_to_none=True)
    recorded = held + profiled_peak(work)
    model.zero_grad(set_to_none=True)
    peak = watched(model, work).peak().bytes
    assert abs(peak - recorded) <= SMALL


@pytest.mark.parametrize("kind", KINDS)
def test_a_ledger_changes_no_gradient_by_a_single_bit(kind: Make) -> None:
    torch.manual_seed(0)
    model, values = kind(), rows().requires_grad_()
    results = []
    for work in (lambda run: run(), lambda run: watched(model, run)):
        model.zero_grad(set_to_none=True)
        values.grad = None
        work(lambda: model(values).sum().backward())
        results.append([values.grad, *(parameter.grad for parameter in model.parameters())])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_two_gradients_of_one_tensor_never_take_three_tensors() -> None:
    # The last layer's gradient takes both paths back. The path through the layer is added to a separate buffer.
    model, values = Residual(), rows()
    timeline = watched(model, lambda: model(values).sum().backward())
    live = [
        change.bytes
        for change in timeline.changes
        if change.phase == "backward" and abs(change.bytes) == ROW_BYTES and change.block.phase == "backward"
    ]
    most = max(sum(live[: number + 1]) for number in range(len(live)))
    assert most == 2 * ROW_BYTES


def test_an_addition_in_the_forward_pass_makes_a_tensor() -> None:
    model, values = nn.Linear(WIDTH, WIDTH), rows()
    with torch.no_grad():
        timeline = watched(model, lambda: (values * 2.0) + (values * 3.0))
    assert [change.bytes for change in timeline.changes if change.bytes > 0] == [ROW_BYTES] * 3


def test_a_second_backward_pass_adds_to_the_first_and_its_gradient_is_temporary() -> None:
    model, values = nn.Linear(WIDTH, WIDTH, bias=False), rows()

    def work() -> None:
        for _ in range(2):
            model(values).sum().backward()

    timeline = watched(model, work)
    weights = [change.block.category for change in timeline.changes if change.bytes == 4 * WIDTH * WIDTH]
    assert weights == ["gradients", "temporary"]
    assert timeline.live_bytes()[-1] == 2 * 4 * WIDTH * WIDTH


# Tensors made from numbers.


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (lambda: torch.tensor([1.0, 2.0, 3.0]), 12),
        (lambda: torch.tensor(7), 8),
        (lambda: torch.tensor([[True], [False]]), 2),
        (lambda: torch.full((3,), 2.0, dtype=torch.float64), 24),
    ],
)
def test_a_tensor_made_from_numbers_is_counted_once_until_it_is_released(make: Callable[[], Tensor], size: int) -> None:
    made = []

    def work() -> None:
        made.append(make())
        made.append(made[0].view(-1))
        made.clear()
        torch.ones(1)

    timeline = watched(nn.Linear(2, 2), work)
    assert [change.bytes for change in timeline.changes] == [size, -size, 4, -4]


def test_a_tensor_made_in_the_forward_pass_is_counted() -> None:
    class Scaled(nn.Linear):
        def forward(self, values: Tensor) -> Tensor:
            return super().forward(values) * torch.tensor([2.0] * WIDTH)

    model, values = Scaled(WIDTH, WIDTH), rows()
    timeline = watched(model, lambda: model(values).sum().backward())
    made = [change for change in timeline.changes if change.bytes > 0 and "lift_fresh" in change.block.operation]
    assert [(change.bytes, change.phase, change.block.category) for change in made] == [
        (4 * WIDTH, "forward", "activations")
    ]


# Recomputed activations.


def one_update(config: RunConfig, make_trainer: MakeTrainer) -> Timeline:
    trainer = make_trainer(config)
    trainer.update(0.01, torch.zeros(()), torch.zeros(()))
    (timeline,) = trainer.timelines.values()
    return timeline


def test_recomputed_activations_belong_to_their_module(
    make_trainer: MakeTrainer,
) -> None:
    config = RunConfig(dataset="digits", hidden=(5, 4), batch_size=8, optimizer="sgd", checkpointing=True)
    backward = [birth[1:] for birth in births(one_update(config, make_trainer)) if birth[0] == "backward"]
    assert backward == [
        ("", "temporary"),  # gradient of the loss
        ("", "temporary"),  # gradient of the scores
        ("output", "temporary"),  # gradient of its input, which the forward pass has kept
        ("output", "gradients"),
        ("output", "gradients"),
        ("linear2", "activations"),  # recomputed
        ("relu2", "activations"),
        ("relu2", "temporary"),
        ("linear2", "temporary"),
        ("linear2", "gradients"),
        ("linear2", "gradients"),
        ("linear1", "activations"),
        ("relu1", "activations"),
        ("relu1", "temporary"),
        ("linear1", "gradients"),
        ("linear1", "gradients"),
    ]


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_every_module_of_a_checkpointed_cnn_runs_forward_twice_and_backward(
    norm: str, make_trainer: MakeTrainer
) -> None:
    config = RunConfig(dataset="digits", model="cnn", norm=norm, batch_size=8, optimizer="sgd", checkpointing=True)
    plain = births(one_update(config.replace(checkpointing=False), make_trainer))
    sparing = births(one_update(config, make_trainer))
    again = [module for phase, module, category in sparing if phase == "backward" and category == "activations"]
    layers = ["conv2", "norm2", "relu2", "pool2", "conv1", "norm1", "relu1", "pool1"]
    assert list(dict.fromkeys(again)) == [layer for layer in layers if norm != "none" or "norm" not in layer]
    # Without recomputation, the backward pass equals that of a model that keeps its activations.
    left = [(module, category) for phase, module, category in sparing if phase == "backward"]
    assert [birth for birth in left if birth[1] != "activations"] == [
        (module, category) for phase, module, category in plain if phase == "backward"
    ]


def test_tensors_of_a_checkpointed_segment_are_released_with_it(make_trainer: MakeTrainer) -> None:
    config = RunConfig(dataset="digits", hidden=(5, 4), batch_size=8, optimizer="sgd", checkpointing=True)
    forward = [birth[1:] for birth in births(one_update(config, make_trainer)) if birth[0] == "forward"]
    # The inputs of the segments stay, because recomputation starts from them.
    assert forward[:2] == [("", "batch"), ("", "batch")]
    assert [birth for birth in forward if birth[0]] == [
        ("linear1", "temporary"),
        ("relu1", "activations"),
        ("linear2", "temporary"),
        ("relu2", "activations"),
        ("output", "activations"),
    ]

"""Check bytes, categories, phases and modules of the ledger against bytes computed from shapes by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _len_torch_dispatch_stack

from core.memory import Ledger
from core.run.config import RunConfig
from core.run.timeline import Timeline, peak_of
from core.train.trainer import Trainer

Resize = Callable[..., None]
MakeTrainer = Callable[..., Trainer]

NOTHING = {
    "parameters": 0,
    "gradients": 0,
    "optimizer state": 0,
    "activations": 0,
    "batch": 0,
    "temporary": 0,
}


def update(trainer: Trainer) -> None:
    trainer.update(0.01, torch.zeros(()), torch.zeros(()))


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, fused=True)


def births(timeline: Timeline) -> list[tuple[int, str, str]]:
    """Return bytes, phase and module of every allocation, in order."""
    return [(change.bytes, change.phase, change.module) for change in timeline.changes if change.bytes > 0]


# Bytes counted by hand.


def test_the_bytes_of_a_linear_model_with_adam_equal_a_count_by_hand(make_trainer: MakeTrainer) -> None:
    # 10 classes on 8 x 8 images give 64 x 10 weights and 10 biases, 650 floats. The batch size is 4.
    trainer = make_trainer(RunConfig(dataset="digits", model="linear", optimizer="adam", batch_size=4, lr=1e-3))
    update(trainer)
    update(trainer)
    trainer.evaluate_chunk(0, 4)
    first, second, evaluation = trainer.timelines.values()

    # The state is allocated at the end of the first update, while all gradients, the batch (4 x 64 floats and 4 classes
    # of 8 bytes), the output (4 x 10 floats) and the loss exist: two moments, and a count for each of the two tensors.
    assert first.before == NOTHING | {"parameters": 2_600}
    assert first.peak().by_category == NOTHING | {
        "parameters": 2_600,
        "gradients": 2_600,
        "optimizer state": 2 * 2_600 + 2 * 4,
        "batch": 1_024 + 32,
        "activations": 160 + 4,
    }
    assert (first.peak().bytes, first.peak().phase, first.peak().module) == (11_628, "optimizer", "")

    # The second update peaks at the end of its backward pass. The gradient of the output and the initial gradient 1
    # are also alive.
    assert second.before == NOTHING | {"parameters": 2_600, "optimizer state": 5_208}
    assert second.peak().by_category == NOTHING | {
        "parameters": 2_600,
        "gradients": 2_600,
        "optimizer state": 5_208,
        "batch": 1_024 + 32,
        "activations": 160 + 4,
        "temporary": 160 + 4,
    }
    assert (second.peak().phase, second.peak().module) == ("backward", "linear")

    # An evaluation holds the output, its log-softmax, the loss and its total weight.
    assert evaluation.peak().by_category == NOTHING | {
        "parameters": 2_600,
        "optimizer state": 5_208,
        "batch": 1_056,
        "activations": 160 + 160 + 4 + 4,
    }
    assert evaluation.peak().phase == "evaluation"


def test_the_bytes_of_a_small_mlp_with_momentum_equal_a_count_by_hand(make_trainer: MakeTrainer) -> None:
    # 64 -> 3 -> 10 gives 64 x 3 + 3 + 3 x 10 + 10 = 235 floats. The batch size is 500.
    trainer = make_trainer(RunConfig(dataset="digits", hidden=(3,), optimizer="momentum", batch_size=500))
    update(trainer)
    update(trainer)
    first, second, *_ = trainer.timelines.values()
    batch = 500 * 64 * 4 + 500 * 8
    scores, hidden = 500 * 10 * 4, 500 * 3 * 4

    # The backward pass holds the activations (the hidden layer after its ReLU, the scores, their log-softmax and the
    # loss) and the gradients of log-softmax and scores. Loss and initial gradient take 4 bytes each.
    for timeline, state in ((first, 0), (second, 940)):
        assert timeline.peak().by_category == NOTHING | {
            "parameters": 940,
            "optimizer state": state,
            "batch": batch,
            "activations": 2 * scores + hidden + 4,
            "temporary": 2 * scores + 4,
        }
        assert (timeline.peak().phase, timeline.peak().module) == ("backward", "")

    # No gradients exist before the backward pass. When the optimizer starts, all exist, and the batch, the scores and
    # the loss do until it has finished.
    steps = [change for change in first.changes if change.phase == "optimizer"]
    assert sum(change.bytes for change in steps) == 940 - 940 - batch - scores - 4
    assert {change.block.category for change in steps if change.bytes > 0} == {"optimizer state"}
    start = first.changes.index(steps[0])
    assert first.live_bytes()[start] == 940 + 940 + batch + scores + 4
    assert first.live_bytes()[-1] == 940 + 940  # weights and momentum, without gradients
    assert second.live_bytes()[-1] == 940 + 940


def test_accumulated_gradients_exist_through_the_second_micro_batch(make_trainer: MakeTrainer) -> None:
    config = RunConfig(dataset="digits", model="linear", optimizer="sgd", batch_size=50, accumulate=2)
    trainer = make_trainer(config)
    update(trainer)
    (timeline,) = trainer.timelines.values()
    # The peak of one batch plus the gradients of the first micro-batch and the one just made by the second.
    assert timeline.peak().by_category["gradients"] == 2_600
    assert timeline.peak().by_category["batch"] == 50 * 64 * 4 + 50 * 8
    backward = [module for _, phase, module in births(timeline) if phase == "backward"]
    half = len(backward) // 2
    # The loss belongs to no module, also in the second micro-batch.
    assert backward[:half] == backward[half:]
    assert backward[0] == ""
    assert backward[half - 1] == "linear"


def test_between_two_updates_weights_buffers_and_state_are_alive(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(RunConfig(dataset="digits", hidden=(3,), norm="batch", optimizer="adamw", batch_size=50))
    update(trainer)
    update(trainer)
    _, second = trainer.timelines.values()
    # 235 floats, plus scale and shift for 3 features. The buffers are their mean and variance and a count of 8 bytes.
    weights = (235 + 3 + 3) * 4
    assert second.before == NOTHING | {
        "parameters": weights + 2 * 3 * 4 + 8,
        "optimizer state": 2 * weights + 6 * 4,  # a count for each of the six tensors
    }


# Phases and modules.


def test_every_allocation_belongs_to_the_module_at_work_in_both_passes(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(RunConfig(dataset="digits", model="cnn", norm="group", batch_size=5))
    update(trainer)
    (timeline,) = trainer.timelines.values()
    forward = [module for _, phase, module in births(timeline) if phase == "forward"]
    backward = [module for _, phase, module in births(timeline) if phase == "backward"]
    layers = ["conv1", "norm1", "relu1", "pool1", "conv2", "norm2", "relu2", "pool2", "output"]
    assert [module for module in dict.fromkeys(forward) if module] == layers
    assert [module for module in dict.fromkeys(backward) if module] == layers[::-1]
    # Only the batch, the loss and its gradient have no module: everything a module allocates has its name.
    assert forward[:2] == ["", ""]
    assert backward[: backward.index("output")] == ["", ""]
    assert "" not in backward[backward.index("output") :]


def test_nested_modules_are_named_by_their_full_path() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.Linear(3, 1))
    with Ledger(model, sgd(model)) as ledger:
        model(torch.ones(4, 2)).sum().backward()
    named = [(phase, module) for size, phase, module in births(ledger.timeline()) if module]
    assert named[:2] == [("forward", "0.0"), ("forward", "1")]
    assert ("backward", "0.0") in named


# What counts and what does not.


def test_views_and_in_place_operations_allocate_nothing() -> None:
    model = nn.Linear(4, 4)
    with Ledger(model, sgd(model)) as ledger:
        made = torch.ones(6, 4)
        kept = [made.view(4, 6), made[2:], made.t(), made.add_(1.0), torch.mul(made, 2.0, out=made), made.detach()]
    assert births(ledger.timeline()) == [(6 * 4 * 4, "forward", "")]
    assert len(kept) == 6


def test_a_storage_lives_as_long_as_its_last_view() -> None:
    model = nn.Linear(4, 4)
    with Ledger(model, sgd(model)) as ledger:
        made = torch.ones(6, 4)
        view = made[:1]
        del made
        before = ledger.live_bytes
        del view
        after = ledger.live_bytes
    assert before - after == 6 * 4 * 4
    assert ledger.timeline().live_bytes() == [80, 80 + 96, 80]


def test_tied_weights_count_once_with_their_gradient_and_state() -> None:
    model = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False))
    model[1].weight = model[0].weight
    model.register_buffer("row", model[0].weight.detach()[0])  # views, which take no bytes
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    with Ledger(model, optimizer) as ledger:
        model(torch.ones(1, 8)).sum().backward()
        optimizer.step()
        held = ledger.live_bytes
    assert ledger.timeline().before == NOTHING | {"parameters": 8 * 8 * 4}
    assert held == 3 * 8 * 8 * 4
    with Ledger(model, optimizer) as ledger:
        pass
    assert ledger.timeline().before == NOTHING | {
        "parameters": 256,
        "gradients": 256,
        "optimizer state": 256,
    }


def test_the_batch_is_on_the_device_but_the_data_set_is_not() -> None:
    model = nn.Linear(4, 4)
    outside, indices = torch.ones(1_000, 4), torch.tensor([3, 1, 2])
    with Ledger(model, sgd(model)) as ledger:
        views = [outside[10:20], outside.view(4, 1_000), outside.add_(1.0)]
        batch = outside.index_select(0, indices)
        ledger.claim_batch(batch)
        peak = ledger.timeline().peak()
    assert len(views) == 3
    assert peak.by_category == NOTHING | {"parameters": 80, "batch": 3 * 4 * 4}


def test_allocations_of_telemetry_do_not_count() -> None:
    model = nn.Linear(4, 4)
    with Ledger(model, sgd(model)) as ledger:
        with ledger.quiet():
            unseen = torch.ones(1_000)
        seen = torch.ones(10)
        del unseen
        del seen
    assert ledger.timeline().live_bytes() == [80, 120, 80]


def test_recording_loss_and_gradient_norm_costs_no_bytes(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(RunConfig(dataset="digits", model="linear", optimizer="sgd", batch_size=4))
    update(trainer)
    trainer.evaluate_chunk(0, 4)
    seen = [change.block.operation for timeline in trainer.timelines.values() for change in timeline.changes]
    telemetry = ("norm", "stack", "argmax", "eq.", "aten.sum.default")
    assert not [operation for operation in seen if any(name in operation for name in telemetry)]


def test_a_tensor_released_in_its_phase_is_temporary_and_one_kept_for_backward_is_not(
    make_trainer: MakeTrainer,
) -> None:
    trainer = make_trainer(RunConfig(dataset="digits", hidden=(3,), batch_size=4))
    update(trainer)
    (timeline,) = trainer.timelines.values()
    forward = [
        (c.module, c.block.category) for c in timeline.changes if c.bytes > 0 and c.phase == "forward" and c.module
    ]
    assert forward == [("linear1", "temporary"), ("relu1", "activations"), ("output", "activations")]


def test_the_categories_of_a_peak_add_up_to_it(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(RunConfig(dataset="digits", model="cnn", norm="batch", optimizer="adam", batch_size=20))
    update(trainer)
    update(trainer)
    trainer.evaluate()
    for timeline in trainer.timelines.values():
        assert sum(timeline.peak().by_category.values()) == timeline.peak().bytes == max(timeline.live_bytes())
        assert min(timeline.peak().by_category.values()) >= 0


def test_the_first_of_equal_peaks_is_the_highest(make_trainer: MakeTrainer) -> None:
    low, high = (Timeline(NOTHING | {"parameters": size}, ()) for size in (10, 20))
    again = Timeline(NOTHING | {"gradients": 20}, ())
    assert peak_of([low, high, again]) == high.peak()
    assert peak_of([again, high, low]) == again.peak()


# When a ledger is active.


def hooks(trainer: Trainer) -> int:
    """Return the number of hooks on the model, its parameters and its optimizer."""
    count = 0
    for module in trainer.model.modules():
        count += len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
    for parameter in trainer.parameters:
        count += len(parameter._post_accumulate_grad_hooks or {}) + len(parameter._backward_hooks or {})
    optimizer = trainer.optimizer
    return count + len(optimizer._optimizer_step_pre_hooks) + len(optimizer._optimizer_step_post_hooks)


def test_unwatched_updates_run_without_hooks_or_a_dispatch_mode(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(RunConfig(dataset="digits", hidden=(3,), norm="batch", batch_size=100))
    assert hooks(trainer) == 1  # the trainer's own step counter
    seen: list[tuple[int, int]] = []
    look = nn.Module.register_forward_hook

    def note(*_: Any) -> None:
        seen.append((hooks(trainer), _len_torch_dispatch_stack()))

    look(trainer.model, note)
    for _ in range(4):
        update(trainer)
    (watched, modes), *_ = seen
    assert (watched > 10, modes) == (True, 1)
    assert seen[1] == seen[0]
    assert seen[2] == seen[3] == (2, 0)  # the step counter and the hook of this test
    trainer.evaluate_chunk(0, 100)
    trainer.evaluate_chunk(100, 200)
    assert seen[4][1] == 1
    assert seen[5] == (2, 0)


def test_only_the_first_two_updates_and_new_shapes_are_watched(resize: Resize, make_trainer: MakeTrainer) -> None:
    resize("digits", 100, 25)
    trainer = make_trainer(RunConfig(dataset="digits", batch_size=10, accumulate=3))
    watched = []
    for _ in range(12):  # three epochs of windows of 30, 30, 30 and 10 examples
        before = len(trainer.timelines)
        update(trainer)
        watched.append(len(trainer.timelines) - before)
    assert watched == [1, 1, 0, 1] + [0] * 8
    for _ in range(3):
        trainer.evaluate()
    assert len(trainer.timelines) == 3 + 2  # chunks of 10 and 5
    assert set(trainer.timelines) == {
        ("update", False, True, 10, 10),
        ("update", True, True, 10, 10),
        ("update", True, False, 10, 10),
        ("evaluation", 10),
        ("evaluation", 5),
    }


def test_watching_changes_no_result(make_trainer: MakeTrainer) -> None:
    config = RunConfig(dataset="digits", model="cnn", norm="batch", optimizer="adam", batch_size=40, lr=1e-3)
    watched, unwatched = make_trainer(config), make_trainer(config)
    sizes = (("update", False, False, 40, 40), ("update", True, False, 40, 40))
    unwatched.timelines = dict.fromkeys(sizes, Timeline(NOTHING, ()))
    losses = []
    for trainer in (watched, unwatched):
        losses.append(torch.zeros(3))
        for loss in losses[-1]:
            trainer.update(0.01, loss, torch.zeros(()))
    assert torch.equal(*losses)
    assert len(unwatched.timelines) == 2
    pairs: list[tuple[Tensor, Tensor]] = list(zip(watched.parameters, unwatched.parameters, strict=True))
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("fails", [False, True])
def test_a_ledger_removes_its_hooks_even_after_an_error(fails: bool, make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(RunConfig(dataset="digits"))
    try:
        with trainer.watch("forward"):
            assert hooks(trainer) > 1
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert hooks(trainer) == 1
    assert _len_torch_dispatch_stack() == 0

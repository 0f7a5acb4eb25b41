"""Check the simulated out-of-memory error: its wording, its allocation, and that it undoes the whole update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from accelerate.utils.memory import should_reduce_batch_size

from core.memory import Ledger, SimulatedOutOfMemoryError
from core.run.config import RunConfig
from core.run.events import FailedAllocation
from core.run.fields import CHOICES
from core.train.trainer import Trainer
from core.train.updater import Limit
from core.words.units import MIB
from tests.campaign import campaign
from tests.core.same import assert_same

MakeTrainer = Callable[..., Trainer]

RATE = 0.01


def out_of_memory(trainer: Trainer, verb: Callable[[Trainer], object]) -> SimulatedOutOfMemoryError:
    with pytest.raises(SimulatedOutOfMemoryError) as caught:
        verb(trainer)
    return caught.value


def update(trainer: Trainer) -> float:
    loss = torch.zeros(())
    trainer.update(RATE, loss, torch.zeros(()))
    return float(loss)


ERROR = SimulatedOutOfMemoryError(
    FailedAllocation(
        requested_bytes=48 * MIB,
        live_bytes=3 * MIB,
        limit_bytes=4 * MIB,
        phase="forward",
        module="linear",
        operation="aten.addmm.default",
    )
)


def test_the_error_has_pytorchs_class_and_wording_and_says_that_it_is_simulated() -> None:
    assert isinstance(ERROR, torch.OutOfMemoryError)
    assert isinstance(ERROR, RuntimeError)
    assert ERROR.args == (
        "CUDA out of memory. Tried to allocate 48.00 MiB. GPU 0 has a total capacity of 4.00 MiB of which 1024.00 KiB "
        "is free. Including non-PyTorch memory, this process has 3.00 MiB memory in use. Of the allocated memory "
        "3.00 MiB is allocated by PyTorch, and 0 bytes is reserved by PyTorch but unallocated. If reserved but "
        "unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid "
        "fragmentation.  See documentation for Memory Management  (https://docs.pytorch.org/docs/stable/notes/"
        "cuda.html#optimizing-memory-usage-with-pytorch-cuda-alloc-conf) (Simulated device: no real memory ran out.)",
    )


def test_the_message_counts_the_margin_as_memory_outside_pytorch_and_the_workspace_as_reserved() -> None:
    # A T4 of 14,909 MiB with a margin of 1 GiB: 10 GiB of tensors and 200 MiB of workspace leave 3,445 MiB.
    allocation = FailedAllocation(
        requested_bytes=4 * 2**30,
        live_bytes=10 * 2**30,
        limit_bytes=(14_909 - 1_024) * MIB,
        phase="forward",
        module="",
        operation="",
        workspace_bytes=200 * MIB,
        margin_bytes=2**30,
    )
    assert str(SimulatedOutOfMemoryError(allocation)).startswith(
        "CUDA out of memory. Tried to allocate 4.00 GiB. GPU 0 has a total capacity of 14.56 GiB of which 3.36 GiB is "
        "free. Including non-PyTorch memory, this process has 11.20 GiB memory in use. Of the allocated memory "
        "10.00 GiB is allocated by PyTorch, and 200.00 MiB is reserved by PyTorch but unallocated. If reserved"
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1_024, "1024 bytes"),
        (1_025, "1.00 KiB"),
        (MIB, "1024.00 KiB"),
        (MIB + 1, "1.00 MiB"),
        (1_024 * MIB, "1024.00 MiB"),
        (79_000 * MIB, "77.15 GiB"),
    ],
)
def test_a_size_has_the_unit_that_pytorch_gives_it(size: int, text: str) -> None:
    allocation = FailedAllocation(size, 0, 80 * 2**30, "forward", "", "")
    assert f"Tried to allocate {text}. GPU 0" in str(SimulatedOutOfMemoryError(allocation))


def test_lightning_and_accelerate_recognise_a_batch_that_is_too_large() -> None:
    from lightning.pytorch.utilities.memory import is_cuda_out_of_memory, is_oom_error  # takes two seconds

    assert is_cuda_out_of_memory(ERROR)
    assert is_oom_error(ERROR)
    assert should_reduce_batch_size(ERROR)
    other = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert not is_oom_error(other)
    assert not should_reduce_batch_size(other)


# A linear model with 10 classes on 8 x 8 images has 64 x 10 weights and 10 biases, 2,600 bytes.
LINEAR_BYTES = 2_600
# At batch size 4,000 the batch is 4,000 x 64 floats and 4,000 classes of 8 bytes, the output 4,000 x 10 floats.
INPUT_BYTES, TARGET_BYTES, OUTPUT_BYTES = 1_024_000, 32_000, 160_000


def linear(make_trainer: MakeTrainer, resize: Callable[..., None], limit_bytes: int) -> Trainer:
    resize("digits", 8_000, 4_000)
    limit_mb = limit_bytes / MIB
    config = RunConfig(dataset="digits", model="linear", optimizer="sgd", batch_size=4_000, memory_limit_mb=limit_mb)
    return make_trainer(config)


@pytest.mark.parametrize(
    ("live_bytes", "requested_bytes", "phase", "module", "operation"),
    [
        (LINEAR_BYTES + INPUT_BYTES, TARGET_BYTES, "forward", "", "aten.index_select.default"),
        (LINEAR_BYTES + INPUT_BYTES + TARGET_BYTES, OUTPUT_BYTES, "forward", "linear", "aten.addmm.default"),
        # The output is alive, and its log-softmax is requested.
        (
            LINEAR_BYTES + INPUT_BYTES + TARGET_BYTES + OUTPUT_BYTES,
            OUTPUT_BYTES,
            "forward",
            "",
            "aten._log_softmax.default",
        ),
        # The output, the log-softmax, its gradient, the loss and the initial gradient 1 are alive. The loss's other
        # result, a total weight, has just been released.
        (
            LINEAR_BYTES + INPUT_BYTES + TARGET_BYTES + 3 * OUTPUT_BYTES + 8,
            OUTPUT_BYTES,
            "backward",
            "",
            "aten._log_softmax_backward_data.default",
        ),
    ],
)
def test_the_failed_allocation_has_the_bytes_counted_by_hand(
    live_bytes: int,
    requested_bytes: int,
    phase: str,
    module: str,
    operation: str,
    make_trainer: MakeTrainer,
    resize: Callable[..., None],
) -> None:
    limit_bytes = max(live_bytes + requested_bytes - 1, MIB)
    error = out_of_memory(linear(make_trainer, resize, limit_bytes), update)
    assert error.allocation.to_dict() == {
        "requested_bytes": requested_bytes,
        "live_bytes": live_bytes,
        "limit_bytes": limit_bytes,
        "workspace_bytes": 0,
        "margin_bytes": 0,
        "over_bytes": live_bytes + requested_bytes - limit_bytes,
        "phase": phase,
        "module": module,
        "operation": operation,
        "shape": list(error.allocation.shape),
        "error": str(error),
    }


def test_an_allocation_that_just_fits_is_allowed(make_trainer: MakeTrainer, resize: Callable[..., None]) -> None:
    peak = LINEAR_BYTES + INPUT_BYTES + TARGET_BYTES + 4 * OUTPUT_BYTES + 8
    assert update(linear(make_trainer, resize, peak)) > 0
    assert out_of_memory(linear(make_trainer, resize, peak - 1), update).allocation.over_bytes == 1


def test_a_model_that_does_not_fit_by_itself_runs_out_before_its_first_operation(make_trainer: MakeTrainer) -> None:
    config = RunConfig(dataset="digits", hidden=(1_024, 1_024), memory_limit_mb=1.0)
    failed = out_of_memory(make_trainer(config), update).allocation
    assert (failed.operation, failed.phase, failed.module) == ("parameters", "held", "")
    # The weights and biases of the first layer are alive, but not the 1,024 x 1,024 weights of the second.
    assert (failed.live_bytes, failed.requested_bytes) == (4 * (64 * 1_024 + 1_024), 4 * 1_024 * 1_024)


def test_the_state_of_an_optimizer_that_does_not_fit_is_no_forward_pass(make_trainer: MakeTrainer) -> None:
    config = RunConfig(dataset="digits", model="linear", optimizer="adam", batch_size=10)
    trainer = make_trainer(config)
    update(trainer)
    trainer.limit = Limit(LINEAR_BYTES + 100)  # as of a run that continues on a smaller device
    failed = out_of_memory(trainer, update).allocation
    assert (failed.operation, failed.phase, failed.module) == ("optimizer state", "held", "")


def test_a_margin_is_memory_that_the_run_cannot_use(make_trainer: MakeTrainer, resize: Callable[..., None]) -> None:
    peak = LINEAR_BYTES + INPUT_BYTES + TARGET_BYTES + 4 * OUTPUT_BYTES + 8
    device = linear(make_trainer, resize, 2 * MIB).config
    assert update(make_trainer(device.replace(memory_margin_mb=2 - peak / MIB))) > 0
    failed = out_of_memory(make_trainer(device.replace(memory_margin_mb=2 - (peak - 1) / MIB)), update).allocation
    assert (failed.over_bytes, failed.limit_bytes, failed.margin_bytes) == (1, peak - 1, 2 * MIB - peak + 1)


def test_an_evaluation_runs_out_in_its_own_phase_and_leaves_the_model_training(
    make_trainer: MakeTrainer, resize: Callable[..., None]
) -> None:
    trainer = linear(make_trainer, resize, LINEAR_BYTES + INPUT_BYTES + TARGET_BYTES + OUTPUT_BYTES - 1)
    error = out_of_memory(trainer, Trainer.evaluate)
    failed = error.allocation
    assert (failed.phase, failed.module, failed.operation) == ("evaluation", "linear", "aten.addmm.default")
    assert trainer.model.training


# Failures at every allocation.


class Failing(Ledger):
    """A ledger that runs out at the n-th allocation, whatever its size."""

    def __init__(self, *arguments: Any, at: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.left = at

    def _require(self, size: int, operation: str, shape: tuple[int, ...], *, phase: str | None = None) -> None:
        self.left -= 1
        if self.left == 0:
            self.limit_bytes = 0
        super()._require(size, operation, shape, phase=phase)


class FailingTrainer(Trainer):
    at = 0  # 0 never runs out

    def watch(self, phase: str) -> Ledger:
        return Failing(self.model, self.optimizer, phase=phase, at=self.at)


def strike_everywhere(trainer: FailingTrainer, verb: Callable[[Trainer], object]) -> tuple[int, object]:
    """Fail at the first allocation, then at the second, and so on until `verb` succeeds.

    Return the number of failures and the final result.
    """
    before = trainer.state()
    for strikes in range(10_000):
        trainer.at = strikes + 1
        try:
            result = verb(trainer)
        except SimulatedOutOfMemoryError:
            assert_same(trainer.state(), before)
            assert all(parameter.grad is None for parameter in trainer.parameters)
            assert trainer.model.training
        else:
            return strikes, result
    raise AssertionError("it never succeeds")


MODELS: list[tuple[str, str, int, tuple[int, ...]]] = [
    ("linear", "none", 1, ()),
    ("mlp", "batch", 3, (8, 4)),
    ("mlp", "layer", 1, (8, 4)),
    ("cnn", "batch", 1, ()),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "norm", "accumulate", "hidden", "optimizer"),
    [
        ("linear", "none", 1, (), "sgd"),
        ("mlp", "batch", 2, (4,), "adam"),
        ("mlp", "layer", 1, (4,), "nesterov"),
        ("cnn", "batch", 1, (), "momentum"),
        *campaign((*model, optimizer) for model in MODELS for optimizer in CHOICES["optimizer"]),
    ],
)
def test_an_update_that_runs_out_anywhere_is_undone_and_can_be_repeated(
    model: str, norm: str, accumulate: int, hidden: tuple[int, ...], optimizer: str, make_trainer: MakeTrainer
) -> None:
    config = RunConfig(
        dataset="digits",
        model=model,
        norm=norm,
        hidden=hidden or (8, 4),
        optimizer=optimizer,
        accumulate=accumulate,
        batch_size=13,
        weight_decay=0.01,
        lr=RATE,
    )
    trainer, undisturbed = make_trainer(config, FailingTrainer), make_trainer(config)
    for _ in range(2):
        strikes, loss = strike_everywhere(trainer, update)
        expected = update(undisturbed)
        # Every allocation of the update, and every tensor that existed before.
        timeline = list(undisturbed.timelines.values())[-1]
        assert strikes > sum(change.bytes > 0 for change in timeline.changes)
        assert loss == expected
    strikes, evaluation = strike_everywhere(trainer, lambda trainer: trainer.evaluate())
    assert strikes > 0
    assert evaluation == undisturbed.evaluate()
    trainer.at = 0
    assert [update(trainer) for _ in range(4)] == [update(undisturbed) for _ in range(4)]
    assert_same(trainer.state(), undisturbed.state())


def test_an_update_that_ran_out_is_watched_again(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(RunConfig(dataset="digits"), FailingTrainer)
    trainer.at = 20
    out_of_memory(trainer, update)
    out_of_memory(trainer, update)
    trainer.at = 0
    update(trainer)
    assert ("update", False, False, 100, 100) in trainer.timelines

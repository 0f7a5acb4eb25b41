"""Check the record of allocations made along with the ledger: what counts as workspace and what does not."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import pytest
import torch
from torch import nn
from torch._C._autograd import _profiler_enabled
from torch._subclasses.fake_tensor import FakeTensorMode

from core.forecast.own_model import OwnModel, updater
from core.memory import Ledger
from core.memory.workspace import NAMED, operation, recording, telemetry
from core.run.config import RunConfig
from core.train.trainer import Trainer
from core.train.updater import Updater
from tests.core.forecast.own_models import MODELS
from tests.core.memory.records import profiled_peak, resting_bytes, unwatched

MakeTrainer = Callable[..., Trainer]

FLOATS = 1_000
BYTES = 4 * FLOATS


def own(name: str, examples: int) -> Updater:
    shape, dtype = MODELS[name]
    described = OwnModel(model=f"tests.core.forecast.own_models:{name}", input=shape, input_dtype=dtype)
    return updater(described, described.factory(), examples=examples)


def update(trainer: Updater, examples: int) -> None:
    trainer.update_on((torch.zeros(examples, dtype=torch.int64),), torch.zeros(()), torch.zeros(()))


# The contents of a record.


def test_a_record_has_the_most_bytes_in_use_at_once() -> None:
    with recording() as record:
        first = torch.ones(FLOATS)
        second = torch.ones(2 * FLOATS)
        del first
        third = torch.ones(FLOATS)
        del second, third
    assert record.highest_bytes == 3 * BYTES


def test_memory_an_operation_releases_is_workspace_and_its_result_is_not() -> None:
    with recording() as record:
        with operation("scratch and result"):
            result, scratch = torch.ones(FLOATS), torch.ones(3 * FLOATS)
            del scratch
        with operation("result"):
            other = torch.ones(5 * FLOATS)
        with operation("scratch"):
            torch.ones(2 * FLOATS)
        with operation("scratch"):
            torch.ones(FLOATS)
        del result, other
    assert record.operations == (("scratch and result", 3 * BYTES), ("scratch", 2 * BYTES))
    assert record.highest_bytes == 8 * BYTES


def test_nested_operations_each_have_their_own_workspace() -> None:
    with recording() as record, operation("outer"):
        torch.ones(FLOATS)
        held = torch.ones(FLOATS)
        with operation("inner"):
            torch.ones(4 * FLOATS)
        del held
    assert record.operations == (("outer", 5 * BYTES), ("inner", 4 * BYTES))


def test_the_eight_operations_with_most_workspace_are_named() -> None:
    with recording() as record:
        for number in range(1, 13):
            with operation(f"operation {number}"):
                torch.ones(number * FLOATS)
    assert record.operations == tuple((f"operation {number}", number * BYTES) for number in range(12, 4, -1))
    assert NAMED == 8


def test_allocations_of_telemetry_are_not_recorded() -> None:
    with recording() as record:
        torch.ones(FLOATS)
        with telemetry():
            torch.ones(100 * FLOATS)
            with operation("norm"):
                torch.ones(100 * FLOATS)
        torch.ones(FLOATS)
    assert record.highest_bytes == BYTES
    assert record.operations == ()


# Recording.


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("collects", [True, False])
def test_the_garbage_collector_is_disabled_while_recording(collects: bool, fails: bool) -> None:
    gc.enable() if collects else gc.disable()
    try:
        with recording():
            assert not gc.isenabled()
            assert _profiler_enabled()
            if fails:
                raise KeyError
    except KeyError:
        pass
    finally:
        after = gc.isenabled()
        gc.enable()
    assert after == collects
    assert not _profiler_enabled()


class Knot:
    """Garbage in a reference cycle, which only the collector can free."""

    def __init__(self) -> None:
        self.held, self.itself = torch.ones(50 * FLOATS), self


def test_older_garbage_is_not_freed_while_recording() -> None:
    Knot()
    with recording() as record:
        rubbish = [[] for _ in range(5_000)]  # more than enough to trigger the collector
        torch.ones(FLOATS)
    assert len(rubbish) == 5_000
    assert record.highest_bytes == BYTES
    gc.collect()


def test_a_recording_that_fails_keeps_what_came_before() -> None:
    try:
        with recording() as record:
            torch.ones(FLOATS)
            raise KeyError
    except KeyError:
        pass
    assert record.highest_bytes == BYTES


# The ledger's own record.


def test_a_ledger_of_real_tensors_records_workspace_by_operation() -> None:
    # A convolution with three channels and 5 x 5 weights copies its input, weights and output into separate blocks.
    plain = own("wide_kernels", 64)
    update(plain, 64)
    (timeline,) = plain.timelines.values()
    tensors = timeline.peak().bytes
    assert timeline.recorded_bytes > 1.05 * tensors
    names = [name for name, _ in timeline.operations]
    assert names[0] in ("aten.convolution_backward.default", "aten.convolution.default")
    sizes = [size for _, size in timeline.operations]
    assert sizes == sorted(sizes, reverse=True)
    # At most one operation's workspace exists at a time.
    assert timeline.recorded_bytes - tensors <= sizes[0]


@pytest.mark.parametrize("name", ["wide_kernels", "strided", "residual", "Transformer"])
def test_the_record_of_a_ledger_equals_pytorchs_newer_profiler_without_a_ledger(name: str) -> None:
    watched, plain = own(name, 32), unwatched(own(name, 32))
    before = resting_bytes(plain)
    recorded = before + profiled_peak(partial(update, plain, 32))
    update(watched, 32)
    (timeline,) = watched.timelines.values()
    assert timeline.recorded_bytes == pytest.approx(recorded, rel=0.01)


def test_loss_gradient_norm_and_counts_are_not_recorded(make_trainer: MakeTrainer) -> None:
    # With ten classes the confusion matrix takes 800 bytes, and as many again for the cells it is computed from.
    trainer = make_trainer(RunConfig(dataset="digits", model="linear", optimizer="sgd", batch_size=1))
    trainer.update(0.01, torch.zeros(()), torch.zeros(()))
    trainer.evaluate_chunk(0, 1)
    assert len(trainer.timelines) == 2
    for timeline in trainer.timelines.values():
        assert timeline.recorded_bytes - timeline.peak().bytes < 64
        assert not [name for name, _ in timeline.operations if "norm" in name or "scatter" in name]


def test_fake_tensors_have_no_record() -> None:
    with FakeTensorMode():
        model = nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with Ledger(model, optimizer) as ledger:
            assert not _profiler_enabled()
            assert gc.isenabled()
            model(torch.ones(2, 4)).sum().backward()
    timeline = ledger.timeline()
    assert timeline.changes
    assert (timeline.recorded_bytes, timeline.operations) == (0, ())


def test_an_unwatched_update_makes_no_record_and_leaves_the_collector_enabled(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(RunConfig(dataset="digits", hidden=(3,), batch_size=100))
    seen: list[tuple[bool, bool]] = []
    trainer.model.register_forward_hook(lambda *_: seen.append((_profiler_enabled(), gc.isenabled())))
    for _ in range(4):
        trainer.update(0.01, torch.zeros(()), torch.zeros(()))
        assert trainer._unrecorded is nullcontext
    trainer.evaluate_chunk(0, 100)
    trainer.evaluate_chunk(100, 200)
    recorded, plain = (True, False), (False, True)
    assert seen == [recorded, recorded, plain, plain, recorded, plain]


def test_an_update_that_runs_out_has_no_record(make_trainer: MakeTrainer) -> None:
    # The real process does hold what did not fit, so its record would exceed the limit.
    config = RunConfig(batch_size=1_000, memory_limit_mb=2)
    trainer = make_trainer(config)
    with pytest.raises(torch.OutOfMemoryError):
        trainer.update(0.01, torch.zeros(()), torch.zeros(()))
    peak = trainer.peak()
    assert peak is not None
    assert (peak.workspace_bytes, peak.bytes <= 2 * 2**20) == (0, True)
    assert gc.isenabled()
    assert not _profiler_enabled()

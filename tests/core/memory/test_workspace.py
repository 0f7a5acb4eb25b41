"""The record of every allocation that is made beside the ledger: scratch space, and what is no part of it."""

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


# What is in a record.


def test_a_record_has_the_most_bytes_in_use_at_once() -> None:
    with recording() as record:
        first = torch.ones(FLOATS)
        second = torch.ones(2 * FLOATS)
        del first
        third = torch.ones(FLOATS)
        del second, third
    assert record.highest_bytes == 3 * BYTES


def test_what_an_operation_takes_and_gives_back_is_its_workspace_and_what_it_leaves_is_not() -> None:
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


def test_of_operations_within_one_another_each_has_what_it_saw() -> None:
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


def test_what_telemetry_allocates_is_left_out_of_the_record() -> None:
    with recording() as record:
        torch.ones(FLOATS)
        with telemetry():
            torch.ones(100 * FLOATS)
            with operation("norm"):
                torch.ones(100 * FLOATS)
        torch.ones(FLOATS)
    assert record.highest_bytes == BYTES
    assert record.operations == ()


# How a record is made.


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_waits_for_the_record_to_end_and_then_is_as_it_was(collects: bool, fails: bool) -> None:
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
    """Rubbish that only the collector can let go, because it holds itself."""

    def __init__(self) -> None:
        self.held, self.itself = torch.ones(50 * FLOATS), self


def test_rubbish_from_before_is_not_let_go_within_a_record() -> None:
    Knot()
    with recording() as record:
        rubbish = [[] for _ in range(5_000)]  # more than enough to wake the collector
        torch.ones(FLOATS)
    assert len(rubbish) == 5_000
    assert record.highest_bytes == BYTES
    gc.collect()


def test_a_record_that_fails_has_what_came_before() -> None:
    try:
        with recording() as record:
            torch.ones(FLOATS)
            raise KeyError
    except KeyError:
        pass
    assert record.highest_bytes == BYTES


# The ledger's own record.


def test_a_ledger_of_real_tensors_records_what_no_tensor_accounts_for_and_names_the_operation() -> None:
    # A convolution of three channels and 5 x 5 weights copies its input, weights and output into blocks of its own.
    plain = own("wide_kernels", 64)
    update(plain, 64)
    (timeline,) = plain.timelines.values()
    tensors = timeline.peak().bytes
    assert timeline.recorded_bytes > 1.05 * tensors
    names = [name for name, _ in timeline.operations]
    assert names[0] in ("aten.convolution_backward.default", "aten.convolution.default")
    sizes = [size for _, size in timeline.operations]
    assert sizes == sorted(sizes, reverse=True)
    # No more than one operation's workspace is beside the tensors at once.
    assert timeline.recorded_bytes - tensors <= sizes[0]


@pytest.mark.parametrize("name", ["wide_kernels", "strided", "residual", "Transformer"])
def test_the_record_of_a_ledger_is_that_of_pytorchs_newer_profiler_without_a_ledger(name: str) -> None:
    watched, plain = own(name, 32), unwatched(own(name, 32))
    before = resting_bytes(plain)
    recorded = before + profiled_peak(partial(update, plain, 32))
    update(watched, 32)
    (timeline,) = watched.timelines.values()
    assert timeline.recorded_bytes == pytest.approx(recorded, rel=0.01)


def test_recording_loss_gradient_norm_and_counts_is_in_no_record(make_trainer: MakeTrainer) -> None:
    # Ten classes: the counts by class and answer are 800 bytes, twice that with the cells they come from.
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


def test_an_update_that_is_not_watched_has_no_record_and_leaves_the_collector_alone(make_trainer: MakeTrainer) -> None:
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


def test_of_an_update_that_runs_out_there_is_no_record(make_trainer: MakeTrainer) -> None:
    # What did not fit is in real memory all the same: its record would be above the limit.
    config = RunConfig(batch_size=1_000, memory_limit_mb=2)
    trainer = make_trainer(config)
    with pytest.raises(torch.OutOfMemoryError):
        trainer.update(0.01, torch.zeros(()), torch.zeros(()))
    peak = trainer.peak()
    assert peak is not None
    assert (peak.workspace_bytes, peak.bytes <= 2 * 2**20) == (0, True)
    assert gc.isenabled()
    assert not _profiler_enabled()

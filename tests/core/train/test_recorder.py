"""Check the blocks of recorded updates, and when a run counts as diverged."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

import numpy as np
import pytest
import torch

from core.run.events import Updates
from core.train.recorder import CAPACITY, Diverged, Recorder


def put(record: Recorder, losses: Iterable[float], *, rate: float = 0.1, size: int = 10, seen: int = 0) -> list[bool]:
    """Record updates as a trainer does, by adding to the loss slot; return for each whether the block is due."""
    due = []
    for number, loss in enumerate(losses, 1):
        slot, norm = record.slots()
        slot += loss
        norm.copy_(torch.tensor(2 * loss))
        due.append(record.add(rate, seen + number * size, 0.0))
    return due


@pytest.mark.parametrize("cuts", [[5], [1, 4], [2, 0, 3]])
def test_the_hash_covers_the_little_endian_losses_whatever_the_blocks(cuts: list[int]) -> None:
    losses = [1.5, 0.1, 2.0, 0.25, 0.3]
    record, first = Recorder(), 0
    for length in cuts:
        put(record, losses[first : first + length], seen=first * 10)
        block = record.take()
        assert (block.first, len(block)) == (first, length)
        assert block.losses.tolist() == np.float32(losses[first : first + length]).tolist()
        first += length
    assert record.updates_taken == 5
    assert record.losses_sha256 == hashlib.sha256(np.array(losses, dtype="<f4").tobytes()).hexdigest()


def test_a_block_has_one_entry_per_update_with_the_documented_types() -> None:
    record = Recorder()
    for number in (1, 2, 3):
        slot, norm = record.slots()
        slot += number
        norm.fill_(number / 8)
        record.add(0.1 / number, number * 7, number / 1_000)
    block = record.take()
    columns = {name: getattr(block, name) for name in Updates.__dataclass_fields__ if name != "first"}
    assert {name: (str(column.dtype), column.tolist()) for name, column in columns.items()} == {
        "losses": ("float32", [1.0, 2.0, 3.0]),
        "rates": ("float64", [0.1, 0.1 / 2, 0.1 / 3]),
        "gradient_norms": ("float32", [0.125, 0.25, 0.375]),
        "examples_seen": ("int64", [7, 14, 21]),
        "seconds": ("float64", [0.001, 0.002, 0.003]),
    }


def test_a_block_does_not_change_when_recording_continues() -> None:
    record = Recorder()
    put(record, [1.0, 2.0])
    block = record.take()
    put(record, [8.0, 9.0], seen=20)
    assert (block.losses.tolist(), block.gradient_norms.tolist()) == ([1.0, 2.0], [2.0, 4.0])
    assert record.take().losses.tolist() == [8.0, 9.0]


def test_a_block_is_due_after_two_updates_then_after_50_and_100_ms_of_training() -> None:
    record = Recorder()
    assert [record.add(0.1, 1, 0.001), record.add(0.1, 2, 0.002)] == [False, True]
    now = 0.002
    record.take()
    for pause in (0.05, 0.1, 0.1, 0.1):
        assert not record.add(0.1, 1, now + 0.95 * pause)
        assert not record.add(0.1, 1, now + 0.96 * pause)
        assert record.add(0.1, 1, now + pause + 1e-9)
        now += pause + 1e-9
        record.take()


def test_a_slow_first_update_is_due_alone_after_20_ms() -> None:
    assert not Recorder().add(0.1, 1, 0.0199)
    assert Recorder().add(0.1, 1, 0.02)


def test_a_full_block_is_due_and_loses_nothing() -> None:
    record = Recorder()
    put(record, [1.0, 1.0])
    record.take()
    due = put(record, [1.0] * (CAPACITY - 2))
    assert due == [False] * (CAPACITY - 3) + [True]
    assert len(record.take()) == CAPACITY - 2
    put(record, [7.0, 8.0])
    assert record.take().losses.tolist() == [7.0, 8.0]  # not 8 and 9: reused slots start at zero


def test_a_block_taken_during_an_update_does_not_lose_that_updates_loss() -> None:
    record = Recorder()
    put(record, [1.0, 2.0, 3.0])
    slot, norm = record.slots()
    slot += 0.25  # the first of two micro-batches
    assert record.take().losses.tolist() == [1.0, 2.0, 3.0]
    slot += 0.25
    norm.fill_(4.0)
    record.add(0.1, 40, 0.0)
    put(record, [6.0], seen=40)
    block = record.take()
    assert (block.losses.tolist(), block.gradient_norms.tolist()) == ([0.5, 6.0], [4.0, 12.0])


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1_000.5])
def test_a_loss_that_is_not_finite_or_more_than_a_thousand_times_the_first_diverges(bad: float) -> None:
    record = Recorder()
    put(record, [1.0, 999.0, 1_000.0], size=32)
    record.check()
    put(record, [0.5, bad, 0.5, bad], size=32, seen=96)
    with pytest.raises(Diverged) as caught:
        record.check()
    assert caught.value.update == 5
    assert caught.value.loss == pytest.approx(bad, nan_ok=True)


def test_a_first_loss_that_is_not_finite_diverges() -> None:
    record = Recorder()
    put(record, [math.nan])
    with pytest.raises(Diverged) as caught:
        record.check()
    assert caught.value.update == 1


def test_the_same_update_diverges_whatever_the_blocks() -> None:
    """Taking a block, which depends on the clock, neither ends the run nor forgets a divergence."""
    record = Recorder()
    put(record, [1.0, 0.9, 5_000.0], size=100)
    record.take()
    put(record, [math.nan, 0.1], size=100, seen=300)
    record.take()
    with pytest.raises(Diverged) as caught:
        record.check()
    assert (caught.value.update, caught.value.loss) == (3, 5_000.0)


def test_a_continued_run_diverges_by_the_initial_loss_of_its_parent() -> None:
    record = Recorder(updates=10, examples=1_000, ceiling=2_000.0)
    put(record, [1e-4, 5.0, 2_000.0], size=100, seen=1_000)  # more than 1,000 times its own first loss
    record.check()
    put(record, [2_001.0], size=100, seen=1_300)
    with pytest.raises(Diverged) as caught:
        record.check()
    assert caught.value.update == 14


def test_a_first_loss_of_zero_sets_no_ceiling() -> None:
    record = Recorder()
    put(record, [0.0, 3.0], size=100)
    record.check()


def test_the_initial_loss_is_a_mean_over_32_examples() -> None:
    record = Recorder()
    put(record, [1e-6] + [1.0] * 30, size=1)
    record.check()
    put(record, [1.0, 968.0], size=1, seen=31)  # the mean is 31 / 32 = 0.96875
    record.check()
    put(record, [969.0], size=1, seen=33)
    with pytest.raises(Diverged) as caught:
        record.check()
    assert (caught.value.update, caught.value.loss) == (34, 969.0)


def test_the_loss_of_an_epoch_weighs_every_update_by_its_examples() -> None:
    record = Recorder()
    put(record, [2.0, 4.0], size=100)
    record.take()
    put(record, [9.0], size=50, seen=200)
    record.take()
    assert record.close_epoch(250) == pytest.approx((2 * 100 + 4 * 100 + 9 * 50) / 250)
    put(record, [1.0], size=100, seen=250)
    record.take()
    assert record.close_epoch(100) == 1.0


def test_updates_at_exactly_zero_rate_are_counted() -> None:
    record = Recorder()
    put(record, [1.0, 1.0])
    put(record, [1.0] * 3, rate=0.0, seen=20)
    record.take()
    put(record, [1.0], rate=0.0, seen=50)
    record.take()
    put(record, [1.0], rate=1e-300, seen=60)
    record.take()
    assert record.unchanged_updates == 4

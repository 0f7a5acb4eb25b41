"""Compare the arithmetic of batches with literals and with PyTorch's own samplers and loader."""

from __future__ import annotations

import doctest
from itertools import accumulate as running_sum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from core.run import batching
from core.run.batching import (
    batches_per_epoch,
    examples_per_epoch,
    last_batch_size,
    updates_for_examples,
    updates_per_epoch,
    window_sizes,
)


@pytest.mark.parametrize(
    ("examples", "batch_size", "drop_last", "batches"),
    [
        (10_000, 100, False, 100),
        (10_000, 1_000, False, 10),
        (10_000, 10_000, False, 1),
        (10_000, 1, False, 10_000),
        (1_437, 100, False, 15),
        (1_437, 100, True, 14),
        (1_437, 1_437, True, 1),
        (1_437, 1_436, False, 2),
    ],
)
def test_batches_per_epoch_are_rounded_up_and_with_drop_last_down(
    examples: int, batch_size: int, drop_last: bool, batches: int
) -> None:
    assert batches_per_epoch(examples, batch_size, drop_last=drop_last) == batches
    assert updates_per_epoch(examples, batch_size, drop_last=drop_last) == batches


@pytest.mark.parametrize(
    ("accumulate", "drop_last", "updates"), [(2, False, 8), (2, True, 7), (4, False, 4), (4, True, 3), (15, True, 0)]
)
def test_the_short_last_window_of_1437_at_batch_size_100_is_flushed_or_dropped(
    accumulate: int, drop_last: bool, updates: int
) -> None:
    assert updates_per_epoch(1_437, 100, accumulate, drop_last=drop_last) == updates


def test_the_last_batch_has_the_remaining_examples() -> None:
    assert last_batch_size(1_437, 100) == 37
    assert last_batch_size(1_437, 100, drop_last=True) == 100
    assert last_batch_size(1_400, 100) == 100
    assert last_batch_size(1_437, 1_436) == 1


def test_an_epoch_trains_on_every_example_unless_the_last_batch_is_dropped() -> None:
    assert examples_per_epoch(1_437, 100, 4) == 1_437
    assert examples_per_epoch(1_437, 100, drop_last=True) == 1_400
    assert examples_per_epoch(1_437, 100, 4, drop_last=True) == 1_200


def test_windows_end_with_the_short_batch_and_the_short_window() -> None:
    assert window_sizes(10, 3, 2) == [(3, 3), (3, 1)]
    assert window_sizes(10, 3, 3) == [(3, 3, 3), (1,)]
    assert window_sizes(10, 3, 2, drop_last=True) == [(3, 3)]
    assert window_sizes(10, 3, 4, drop_last=True) == []
    assert window_sizes(5, 5) == [(5,)]


def test_a_budget_of_examples_ends_with_the_first_update_that_reaches_it() -> None:
    assert updates_for_examples(1, 10_000, 100) == 1
    assert updates_for_examples(100, 10_000, 100) == 1
    assert updates_for_examples(101, 10_000, 100) == 2
    assert updates_for_examples(10_000, 10_000, 100) == 100
    # 1,437 examples at batch size 100: update 15 has 37 examples, so 1,437 are seen after 15 and 1,438 after 16.
    assert updates_for_examples(1_437, 1_437, 100) == 15
    assert updates_for_examples(1_438, 1_437, 100) == 16
    assert updates_for_examples(1_401, 1_437, 100, drop_last=True) == 15


def test_the_example_in_the_docstring_is_correct() -> None:
    assert doctest.testmod(batching) == (0, 1)


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, int, int, bool]:
    examples = draw(st.integers(1, 400))
    batch_size = draw(st.integers(1, examples))
    return examples, batch_size, draw(st.integers(1, 12)), draw(st.booleans())


def torch_windows(examples: int, batch_size: int, accumulate: int, drop_last: bool) -> list[tuple[int, ...]]:
    """Group the batches of PyTorch's sampler by k; with `drop_last` a short group is dropped too."""
    sizes = [len(batch) for batch in BatchSampler(SequentialSampler(range(examples)), batch_size, drop_last)]
    groups = [tuple(sizes[first : first + accumulate]) for first in range(0, len(sizes), accumulate)]
    return [group for group in groups if not drop_last or len(group) == accumulate]


@given(shapes())
def test_batches_equal_those_of_pytorchs_sampler_and_loader(shape: tuple[int, int, int, bool]) -> None:
    examples, batch_size, _, drop_last = shape
    sampler = BatchSampler(SequentialSampler(range(examples)), batch_size, drop_last)
    loader = DataLoader(range(examples), batch_size=batch_size, drop_last=drop_last)  # type: ignore[arg-type]
    assert batches_per_epoch(examples, batch_size, drop_last=drop_last) == len(sampler) == len(loader)
    sizes = [len(batch) for batch in loader]
    assert sizes[-1] == last_batch_size(examples, batch_size, drop_last=drop_last)
    assert [size for (size,) in window_sizes(examples, batch_size, drop_last=drop_last)] == sizes


@given(shapes())
def test_windows_equal_pytorchs_batches_in_groups_of_k(shape: tuple[int, int, int, bool]) -> None:
    examples, batch_size, accumulate, drop_last = shape
    expected = torch_windows(*shape)
    assert window_sizes(examples, batch_size, accumulate, drop_last=drop_last) == expected
    assert updates_per_epoch(examples, batch_size, accumulate, drop_last=drop_last) == len(expected)
    assert examples_per_epoch(examples, batch_size, accumulate, drop_last=drop_last) == sum(map(sum, expected))


@given(shapes(), st.integers(1, 3_000))
def test_updates_for_examples_equal_a_count_update_by_update(shape: tuple[int, int, int, bool], budget: int) -> None:
    examples, batch_size, accumulate, drop_last = shape
    epoch = [sum(window) for window in torch_windows(*shape)]
    if not epoch:
        return
    epochs = -(-budget // sum(epoch))
    seen = list(running_sum(epoch * epochs))
    expected = next(number for number, total in enumerate(seen, start=1) if total >= budget)
    assert updates_for_examples(budget, examples, batch_size, accumulate, drop_last=drop_last) == expected

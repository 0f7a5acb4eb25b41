"""Compare the order of the examples with PyTorch's own samplers."""

from __future__ import annotations

from itertools import chain

import pytest
import torch
from torch import Tensor
from torch.utils.data import RandomSampler

from core.run.config import RunConfig
from core.train.order import Order

DIGITS = RunConfig(dataset="digits", batch_size=100, seed=7)


def epoch(order: Order) -> list[list[list[int]]]:
    """Return the windows of one epoch, each a list of micro-batches, each a list of indices."""
    windows = [[part.tolist() for part in order.window()]]
    while not order.advance():
        windows.append([part.tolist() for part in order.window()])
    return windows


def flat(windows: list[list[list[int]]]) -> list[int]:
    return list(chain.from_iterable(chain.from_iterable(windows)))


@pytest.mark.parametrize("seed", [0, 7])
def test_every_epoch_is_the_next_permutation_of_one_seeded_generator(seed: int) -> None:
    order = Order(DIGITS.replace(seed=seed), 1_437)
    generator = torch.Generator().manual_seed(seed)
    epochs = [flat(epoch(order)) for _ in range(3)]
    assert epochs == [torch.randperm(1_437, generator=generator).tolist() for _ in range(3)]
    # PyTorch's sampler draws the same first epoch, then discards a permutation at the end of each.
    assert epochs[0] == list(RandomSampler(range(1_437), generator=torch.Generator().manual_seed(seed)))


def test_iid_sampling_draws_independently_and_an_epoch_still_has_n_draws() -> None:
    order = Order(DIGITS.replace(sampling="iid"), 1_437)
    generator = torch.Generator().manual_seed(7)
    for _ in range(2):
        drawn = flat(epoch(order))
        assert drawn == torch.randint(0, 1_437, (1_437,), generator=generator).tolist()
        assert len(set(drawn)) / 1_437 == pytest.approx(
            1 - 1 / 2.71828, abs=0.03
        )  # an epoch reaches 63% of the examples, some of them several times


@pytest.mark.parametrize(
    ("accumulate", "drop_last", "windows", "last"),
    [
        (1, False, 15, [37]),
        (1, True, 14, [100]),
        (3, False, 5, [100, 100, 37]),
        (4, False, 4, [100, 100, 37]),
        (4, True, 3, [100, 100, 100, 100]),
        (7, False, 3, [37]),
    ],
)
def test_a_window_holds_k_batches_and_the_last_holds_the_rest_unless_dropped(
    accumulate: int, drop_last: bool, windows: int, last: list[int]
) -> None:
    order = Order(DIGITS.replace(accumulate=accumulate, drop_last=drop_last), 1_437)
    for _ in range(2):
        sizes = [[len(part) for part in window] for window in epoch(order)]
        assert len(sizes) == windows
        assert sizes[:-1] == [[100] * accumulate] * (windows - 1)
        assert sizes[-1] == last


def test_every_epoch_drops_a_different_batch() -> None:
    order = Order(DIGITS.replace(drop_last=True), 1_437)
    left_out = [set(range(1_437)) - set(flat(epoch(order))) for _ in range(2)]
    assert [len(indices) for indices in left_out] == [37, 37]
    assert left_out[0] != left_out[1]


def test_the_order_is_independent_of_all_other_random_draws() -> None:
    before = torch.get_rng_state()
    first = epoch(Order(DIGITS, 1_437))
    assert torch.equal(torch.get_rng_state(), before)
    order = Order(DIGITS, 1_437)
    torch.manual_seed(99)
    torch.rand(1_000)
    assert epoch(order) == first


@pytest.mark.parametrize("sampling", ["shuffle", "iid"])
def test_an_order_restored_within_an_epoch_continues_unchanged(sampling: str) -> None:
    config = DIGITS.replace(sampling=sampling)
    order = Order(config, 1_437)
    for _ in range(20):
        order.advance()
    state = order.state()
    assert (order.epoch, order.position) == (1, 5)
    rest = [epoch(order) for _ in range(3)]
    for other in (order, Order(config.replace(seed=8), 1_437)):
        other.restore(state)
        assert (other.epoch, other.position) == (1, 5)
        assert [epoch(other) for _ in range(3)] == rest
    assert len(rest[0]) == 10


def test_window_returns_the_same_window_until_advance() -> None:
    order = Order(DIGITS, 1_437)
    first, again = order.window(), order.window()
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    order.advance()
    later: tuple[Tensor, ...] = order.window()
    assert not torch.equal(first[0], later[0])

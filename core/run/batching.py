"""Count batches, windows and updates. Pure integers, no torch.

There are N examples, batches of size B, and k micro-batches accumulated into one update. A *window* consists of the
micro-batches of one update; with k = 1 it is one batch.
"""

from __future__ import annotations


def batches_per_epoch(examples: int, batch_size: int, *, drop_last: bool = False) -> int:
    """Return ceil(N/B), or floor(N/B) with `drop_last`."""
    return examples // batch_size if drop_last else -(-examples // batch_size)


def updates_per_epoch(examples: int, batch_size: int, accumulate: int = 1, *, drop_last: bool = False) -> int:
    """Return the optimizer steps of one epoch: ceil(batches/k), or floor with `drop_last`.

    A shorter last window is flushed; `drop_last` drops the short batch and the short window.
    """
    batches = batches_per_epoch(examples, batch_size, drop_last=drop_last)
    return batches // accumulate if drop_last else -(-batches // accumulate)


def last_batch_size(examples: int, batch_size: int, *, drop_last: bool = False) -> int:
    """Return how many examples the last batch of an epoch has."""
    return batch_size if drop_last else examples % batch_size or batch_size


def examples_per_epoch(examples: int, batch_size: int, accumulate: int = 1, *, drop_last: bool = False) -> int:
    """Return how many of the N examples an epoch trains on; fewer than N only with `drop_last`."""
    if not drop_last:
        return examples
    return updates_per_epoch(examples, batch_size, accumulate, drop_last=True) * batch_size * accumulate


def window_sizes(
    examples: int, batch_size: int, accumulate: int = 1, *, drop_last: bool = False
) -> list[tuple[int, ...]]:
    """Return the micro-batch sizes of every window of an epoch, in order.

    >>> window_sizes(7, 2, 3)
    [(2, 2, 2), (1,)]
    """
    batches = [batch_size] * batches_per_epoch(examples, batch_size, drop_last=drop_last)
    if batches and not drop_last:
        batches[-1] = last_batch_size(examples, batch_size)
    windows = [tuple(batches[first : first + accumulate]) for first in range(0, len(batches), accumulate)]
    if drop_last and windows and len(windows[-1]) < accumulate:
        windows.pop()
    return windows


def updates_for_examples(
    budget: int, examples: int, batch_size: int, accumulate: int = 1, *, drop_last: bool = False
) -> int:
    """Return the number of updates after which at least `budget` examples have been seen for the first time."""
    per_epoch = examples_per_epoch(examples, batch_size, accumulate, drop_last=drop_last)
    epochs, rest = divmod(budget, per_epoch)
    full = epochs * updates_per_epoch(examples, batch_size, accumulate, drop_last=drop_last)
    # Every window but the last of an epoch has B x k examples, so the rest needs ceil(rest / (B x k)) windows.
    return full + -(-rest // (batch_size * accumulate))

"""Compare nested state to the last bit."""

from __future__ import annotations

from typing import Any

import torch


def assert_same(one: Any, other: Any) -> None:
    """Fail unless two nests of dictionaries, lists and tensors are the same to the last bit."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other

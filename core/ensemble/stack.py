"""Hold one parameter of many models, and its gradient until the optimizer consumes it piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor


class Stack:
    """One parameter of M models as `values` (M, *shape), with its gradient in `values.grad`."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.values = torch.stack([parameter.detach() for parameter in parameters]).requires_grad_()

    @property
    def shaped(self) -> Tensor:
        """A view of the same memory as (M, *shape of the parameter), without gradient."""
        return self.values.detach()

    def note(self, gradient: Tensor) -> None:
        """Accumulate the gradient of a micro-batch, as autograd does."""
        self.values.grad = gradient if self.values.grad is None else self.values.grad + gradient

    def gradients(self, models: int) -> Iterable[Tensor]:
        """Return the gradient in pieces of `models` models. The caller may overwrite a piece, and the next one does."""
        assert self.values.grad is not None
        return self.values.grad.split(models)  # type: ignore[no-untyped-call, no-any-return]

    def clear(self) -> None:
        """Drop the gradient."""
        self.values.grad = None


class Matrices(Stack):
    """The weights of a linear layer of M models, outside autograd.

    `values` and their gradients are (M, in, out), the fastest layout for multiplying a few examples. The gradient is
    kept as its two factors, the layer's inputs and the errors of its outputs. The optimizer multiplies them out one
    piece at a time, so the gradient never leaves the processor's cache.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.values = torch.stack([parameter.detach().mT for parameter in parameters])
        self._factors: list[tuple[Tensor, Tensor]] = []  # one pair per micro-batch
        self._products: list[Tensor] = []  # gradient of each piece, all sharing one piece's memory

    @property
    def shaped(self) -> Tensor:
        return self.values.mT

    def note_factors(self, inputs: Tensor, errors: Tensor) -> None:
        """Store the factors of a micro-batch's gradient: inputs (M, B, in) and errors (M, B, out)."""
        self._factors.append((inputs, errors))

    def gradients(self, models: int) -> Iterator[Tensor]:
        if not self._products:
            piece = torch.empty_like(self.values[:models])
            self._products = [piece[: len(values)] for values in self.values.split(models)]  # type: ignore[no-untyped-call]
        inputs, errors = (
            parts[0] if len(parts) == 1 else torch.cat(parts, 1) for parts in zip(*self._factors, strict=True)
        )
        for product, some, theirs in zip(self._products, inputs.mT.split(models), errors.split(models), strict=True):
            yield torch.bmm(some, theirs, out=product)

    def clear(self) -> None:
        self._factors.clear()

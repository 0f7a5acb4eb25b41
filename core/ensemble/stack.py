"""Hold one parameter of many models, and its gradient until an optimizer asks for it piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor


class Stack:
    """One parameter of M models: `values` (M, *shape), whose gradient is autograd's own."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.values = torch.stack([parameter.detach() for parameter in parameters]).requires_grad_()

    @property
    def shaped(self) -> Tensor:
        """The same memory as (M, *shape of the parameter), for all who do not train it."""
        return self.values.detach()

    def note(self, gradient: Tensor) -> None:
        """Add what a micro-batch found, as autograd does."""
        self.values.grad = gradient if self.values.grad is None else self.values.grad + gradient

    def gradients(self, models: int) -> Iterable[Tensor]:
        """Return the gradient of so many models after the other; each may be overwritten, and is by the next."""
        assert self.values.grad is not None
        return self.values.grad.split(models)  # type: ignore[no-untyped-call, no-any-return]

    def clear(self) -> None:
        """Let go of the gradient."""
        self.values.grad = None


class Matrices(Stack):
    """The weights of a linear layer of M models, of which autograd knows nothing.

    `values` and their gradients are (M, in, out): laid like this, a few examples are multiplied fastest. The gradient
    is kept as its two factors, inputs and errors of the layer's outputs. It is multiplied out where the optimizer needs
    it, a piece at a time, and so never leaves the processor's cache.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.values = torch.stack([parameter.detach().mT for parameter in parameters])
        self._factors: list[tuple[Tensor, Tensor]] = []  # of each micro-batch
        self._products: list[Tensor] = []  # the memory of one, as the gradient of each piece

    @property
    def shaped(self) -> Tensor:
        return self.values.mT

    def note_factors(self, inputs: Tensor, errors: Tensor) -> None:
        """Keep the factors of a micro-batch's gradient: inputs (M, B, in) and errors (M, B, out)."""
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

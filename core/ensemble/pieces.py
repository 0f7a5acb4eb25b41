"""Update the weights of many models in pieces that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from core.ensemble.rules import State, build_rule
from core.ensemble.stack import Stack
from core.run.config import RunConfig

PIECE_BYTES = 2**18  # size of one tensor; the update of a piece uses three to five of them


class Geometry(NamedTuple):
    """Length and direction of every model's change, (M,); see `core.ensemble.Step`."""

    lengths: Tensor
    cosines: Tensor


class _Piece(NamedTuple):
    """One parameter of a few models; every tensor is a view into the tensor of all models."""

    weights: Tensor
    rates: Tensor  # (models, 1, ...)
    state: State
    before: Tensor  # direction of the previous update; empty without geometry
    gradient_norms: Tensor  # (models,)
    norms: Tensor  # norms of the direction, (models,)
    products: Tensor  # dot products with the previous direction, (models,)


class Pieces:
    """The parameters of M models cut into pieces, with the state of the optimizer.

    All passes over a gradient, from its norm to the step, run while its piece is in the cache. With momentum this took
    a quarter less time than running each pass over all models.
    """

    def __init__(self, config: RunConfig, stacks: Sequence[Stack], *, geometry: bool) -> None:
        self._rule, self._states = build_rule(config)
        self._has_geometry = geometry
        like = stacks[0].values
        self._rates = like.new_zeros(len(like))
        self._gradient_norms, self._norms, self._products = like.new_zeros(3, len(stacks), len(like))
        self._norms_before, self._lengths_before = like.new_zeros(2, len(like))
        self._cuts = [(stack, *self._cut(number, stack.values.detach())) for number, stack in enumerate(stacks)]

    def _cut(self, number: int, weights: Tensor) -> tuple[int, list[_Piece]]:
        """Return how many models a piece of this parameter has, and its pieces."""
        models = max(1, PIECE_BYTES * len(weights) // weights.nbytes)
        rates = self._rates.view(-1, *[1] * (weights.dim() - 1))
        state = weights.new_zeros(self._states, *weights.shape)
        before = torch.zeros_like(weights) if self._has_geometry else weights.new_empty(0)
        parts = [slice(first, first + models) for first in range(0, len(weights), models)]
        return models, [
            _Piece(
                weights=weights[part],
                rates=rates[part],
                state=tuple(state[:, part]),
                before=before[part],
                gradient_norms=self._gradient_norms[number, part],
                norms=self._norms[number, part],
                products=self._products[number, part],
            )
            for part in parts
        ]

    @torch.no_grad()
    def move(self, rates: Tensor, update: int) -> tuple[Tensor, Geometry | None]:
        """Make update number `update`, counted from 1, from the gradients in the stacks, and clear them.

        Returns the gradient norms, (M,), and the geometry, None if it was not requested.
        """
        self._rates.copy_(rates)
        for stack, models, pieces in self._cuts:
            within = tuple(range(1, stack.values.dim()))
            for piece, gradient in zip(pieces, stack.gradients(models), strict=True):
                torch.linalg.vector_norm(gradient, dim=within, out=piece.gradient_norms)
                direction = self._rule(gradient, piece.weights, piece.state, update)
                if self._has_geometry:
                    torch.linalg.vector_norm(direction, dim=within, out=piece.norms)
                    torch.sum(piece.before.mul_(direction), within, out=piece.products)
                    piece.before.copy_(direction)
                piece.weights.addcmul_(direction, piece.rates, value=-1)
            stack.clear()
        gradient_norms = torch.linalg.vector_norm(self._gradient_norms, dim=0)
        return gradient_norms, self._geometry() if self._has_geometry else None

    def _geometry(self) -> Geometry:
        norms = torch.linalg.vector_norm(self._norms, dim=0)
        lengths = self._rates * norms
        cosines = self._products.sum(0).div_(norms * self._norms_before).clamp_(-1, 1)
        has_moved_twice = (lengths > 0) & (self._lengths_before > 0)  # the angle is undefined otherwise
        self._norms_before, self._lengths_before = norms, lengths
        return Geometry(lengths, cosines.where(has_moved_twice, torch.nan))

"""Hold the paths of weights in their principal plane, and the loss in that plane. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Path:
    """The path of one arm's weights, projected onto the plane.

    All lists have length n: updates made, the two coordinates, the loss with the weights as they were, and the loss
    at the projected place. The losses differ because the weights do not lie in the plane.
    """

    updates: list[int]
    x: list[float]
    y: list[float]
    loss: list[float]
    plane_loss: list[float]


@dataclass(frozen=True)
class WeightPaths:
    """All paths in one plane.

    `shares` has the two shares of the variance that the axes explain, and `losses[row][column]` the loss on the grid
    of `x` and `y`, measured on so many `examples`.
    """

    paths: list[Path]
    shares: list[float]
    x: list[float]
    y: list[float]
    losses: list[list[float]]
    examples: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> WeightPaths:
        return cls(**dict(values) | {"paths": [Path(**path) for path in values["paths"]]})

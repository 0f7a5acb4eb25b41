"""Hold the paths of weights in the plane in which they are seen best, and the loss around them. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Path:
    """The path of one arm: where its weights were, seen in the plane.

    All (n,): updates made, the two coordinates, the loss with the weights as they were, and the loss at that place of
    the plane. These differ, because the weights are not in the plane.
    """

    updates: list[int]
    x: list[float]
    y: list[float]
    loss: list[float]
    plane_loss: list[float]


@dataclass(frozen=True)
class WeightPaths:
    """All paths in one plane. shares (2,) of their variance that its axes explain; losses [row][column] on a grid."""

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

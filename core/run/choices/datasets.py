"""List the data sets with their sizes and shapes, without building any or importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DATA = Path(__file__).resolve().parents[3] / ".batchlab" / "data"  # built data sets
# A square of twice this width around the origin holds every point of a data set in the plane. The decision boundary is
# drawn over it.
PLANE = 2.5


@dataclass(frozen=True)
class DatasetSpec:
    """The facts about a data set that the arithmetic and the models need.

    `input_shape` is the shape of one example, `outputs` the number of classes, or 1 for regression. If `has_constant`,
    one input has the same value in every example and acts as a bias; the linear model then has no bias of its own.
    `curvature` is the largest curvature of a linear model's loss at zero weights, for all examples; None if unknown.
    """

    name: str
    examples: int
    validation_examples: int
    input_shape: tuple[int, ...]
    outputs: int
    task: Literal["classification", "regression"]
    version: int  # increased when the builder changes, so that an old copy on disk is not mistaken for the new one
    has_constant: bool = False
    curvature: float | None = None

    @property
    def is_image(self) -> bool:
        return len(self.input_shape) == 3

    @property
    def is_plane(self) -> bool:
        """Whether examples are points in the plane, with both coordinates within PLANE of 0."""
        return self.input_shape == (2,)

    @property
    def folder(self) -> str:
        """The name of the folder that holds the built data set."""
        return f"{self.name}-v{self.version}"


DATASETS: dict[str, DatasetSpec] = {
    spec.name: spec
    for spec in (
        DatasetSpec("photos10k", 10_000, 2_000, (1, 16, 16), 10, "classification", 1, curvature=12.792),
        DatasetSpec("digits", 1_437, 360, (1, 8, 8), 10, "classification", 1, curvature=3.2304),
        DatasetSpec("noisy-digits", 1_437, 360, (1, 8, 8), 10, "classification", 1, curvature=3.2304),
        DatasetSpec("linear", 10_000, 2_000, (32,), 1, "regression", 1, curvature=1.0008),
        DatasetSpec("mixture", 2_048, 512, (21,), 10, "classification", 1, has_constant=True, curvature=0.020508),
        DatasetSpec("moons", 2_000, 500, (2,), 2, "classification", 1, curvature=0.50052),
        DatasetSpec("spirals", 2_000, 500, (2,), 2, "classification", 1, curvature=0.59603),
    )
}

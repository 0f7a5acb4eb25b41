"""What data sets there are: sizes, shapes and origin, known without building one or importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DATA = Path(__file__).resolve().parents[3] / ".batchlab" / "data"  # where they are built, once
# Half the width of the square about the origin that holds every point of a data set in the plane: what a decision
# boundary is drawn over.
PLANE = 2.5


@dataclass(frozen=True)
class DatasetSpec:
    """A data set as the arithmetic and the models need it.

    `input_shape` is the shape of one example, `outputs` the classes (or 1 for a regression). `has_constant` says that
    one input is the same in every example, and so is a bias already: the linear model then has none of its own.
    """

    name: str
    examples: int
    validation_examples: int
    input_shape: tuple[int, ...]
    outputs: int
    task: Literal["classification", "regression"]
    version: int  # raised when the builder changes, so that an old copy on disk is not taken for the new one
    has_constant: bool = False

    @property
    def is_image(self) -> bool:
        return len(self.input_shape) == 3

    @property
    def is_plane(self) -> bool:
        """Whether an example is a point that can be drawn: all lie within PLANE of 0 in both coordinates."""
        return self.input_shape == (2,)

    @property
    def folder(self) -> str:
        """The name of the folder that holds it once built."""
        return f"{self.name}-v{self.version}"


DATASETS: dict[str, DatasetSpec] = {
    spec.name: spec
    for spec in (
        DatasetSpec("photos10k", 10_000, 2_000, (1, 16, 16), 10, "classification", 1),
        DatasetSpec("digits", 1_437, 360, (1, 8, 8), 10, "classification", 1),
        DatasetSpec("noisy-digits", 1_437, 360, (1, 8, 8), 10, "classification", 1),
        DatasetSpec("linear", 10_000, 2_000, (32,), 1, "regression", 1),
        DatasetSpec("mixture", 2_048, 512, (21,), 10, "classification", 1, has_constant=True),
        DatasetSpec("moons", 2_000, 500, (2,), 2, "classification", 1),
        DatasetSpec("spirals", 2_000, 500, (2,), 2, "classification", 1),
    )
}

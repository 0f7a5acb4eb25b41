"""Hold the measurements of an experiment before they are judged. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Claimed = Literal["higher", "lower", "equal"]
Progress = Callable[[float], None]  # called with the completed share of an experiment, 0 to 1


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: the settings that distinguish it, and one value of the metric for each seed.

    Values are positive, and infinite if the run diverged.
    """

    settings: Mapping[str, Any]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """Two arms paired by seed, with the claim about the second arm's metric relative to the first's.

    `arm` is the code of the conditions, `held_fixed` holds codes of what both arms share, and `metric` is the code of
    the measured quantity. A contrast adds context and does not count in the verdict on the claim.
    """

    arm: str
    metric: str
    held_fixed: tuple[str, ...]
    first: Arm
    second: Arm
    claimed: Claimed
    seconds: float
    is_contrast: bool = False


@dataclass(frozen=True)
class Exact:
    """A statement that is true or false in every run: whether it `holds`, and the numbers that show it."""

    arm: str
    held_fixed: tuple[str, ...]
    holds: bool
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_contrast: bool = False


Trial = Pair | Exact


@dataclass(frozen=True)
class Line:
    """A line of a chart: measured points with one standard error each, or a law without errors."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Line:
        """Build a line from `dataclasses.asdict`, with or without a JSON round trip."""
        return cls(values["name"], tuple(values["x"]), tuple(values["y"]), tuple(values["error"]))


@dataclass(frozen=True)
class Findings:
    """The trials and chart lines of one experiment."""

    trials: Sequence[Trial]
    lines: Sequence[Line] = ()

"""Hold what an experiment measured, before anybody judges it. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Claimed = Literal["higher", "lower", "equal"]
Progress = Callable[[float], None]  # the share of an experiment that is done, 0 to 1


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: the settings that tell it from the other, and its figure for each seed.

    A figure is positive; infinite where that training diverged.
    """

    settings: Mapping[str, Any]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """Two arms, seed by seed, and what the claim says of the second's figure beside the first's.

    `arm` is a code for the conditions, `held_fixed` for what both have in common, `metric` for the figure. A contrast
    shows what else there is to know, and has no part in the claim's own verdict.
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
    """Something that is so or not, in any run: what the claim says `holds`, and the numbers that show it."""

    arm: str
    held_fixed: tuple[str, ...]
    holds: bool
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_contrast: bool = False


Trial = Pair | Exact


@dataclass(frozen=True)
class Line:
    """Points of a chart: measured with what they may be off by (one standard error), or a law without."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Line:
        """Read what `dataclasses.asdict` made of one, also by way of JSON."""
        return cls(values["name"], tuple(values["x"]), tuple(values["y"]), tuple(values["error"]))


@dataclass(frozen=True)
class Findings:
    """All that one experiment has to show."""

    trials: Sequence[Trial]
    lines: Sequence[Line] = ()

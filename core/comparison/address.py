"""Write arms as a short text for a URL, and read it back. No torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.comparison.setup import ARMS
from core.run.config import RunConfig
from core.run.fields import written
from core.words.errors import ConfigError, Problem

ALL_DEFAULTS = "default"
LONGEST = 4_000  # characters; six arms with every field changed take fewer


def write(arms: Sequence[RunConfig]) -> str:
    """Return the settings of each arm that differ from the defaults: "batch_size:1000,lr:0.5;batch_size:50"."""
    usual = RunConfig().to_dict()
    changed = [{name: value for name, value in arm.to_dict().items() if value != usual[name]} for arm in arms]
    return ";".join(
        ",".join(f"{name}:{written(value)}" for name, value in each.items()) or ALL_DEFAULTS for each in changed
    )


def read(text: str) -> tuple[RunConfig, ...]:
    """Return the arms that `write` wrote; an empty text gives none. Raises ConfigError for any other text."""
    if len(text) > LONGEST:
        raise ConfigError(Problem("not_arms", {"value": text[:80]}))
    parts = text.split(";") if text else []
    if len(parts) > ARMS[1]:
        raise ConfigError(Problem("too_many_arms", {"value": len(parts), "low": ARMS[0], "high": ARMS[1]}))
    return tuple(_arm(part) for part in parts)


def _arm(text: str) -> RunConfig:
    if text == ALL_DEFAULTS:
        return RunConfig()
    pairs = [pair.partition(":") for pair in text.split(",")]
    values = {name: value for name, colon, value in pairs if colon}
    if len(values) < len(pairs):  # a pair without a colon, or a repeated name
        raise ConfigError(Problem("not_arms", {"value": text[:80]}))
    return RunConfig.from_mapping(values)

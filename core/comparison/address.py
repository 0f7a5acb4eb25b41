"""Write arms as a short text for a URL, and read it back. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, unquote

from core.comparison.setup import ARMS, Arm, clean_name
from core.run.config import RunConfig
from core.run.fields import written
from core.words.errors import ConfigError, Problem

ALL_DEFAULTS = "default"
NAME = "name"
LONGEST = 6_000  # characters; six named arms with every field changed take fewer


def write(arms: Sequence[Arm]) -> str:
    """Return each arm's name and the settings that differ from the defaults: "name:Low,lr:0.01;batch_size:50"."""
    return ";".join(",".join(_pairs(arm)) or ALL_DEFAULTS for arm in arms)


def _pairs(arm: Arm) -> list[str]:
    usual = RunConfig().to_dict()
    changed = [f"{name}:{written(value)}" for name, value in arm.config.to_dict().items() if value != usual[name]]
    return [f"{NAME}:{quote(arm.name, safe=' ')}", *changed] if arm.name else changed


def read(text: str) -> tuple[Arm, ...]:
    """Return the arms that `write` wrote; an empty text gives none. Raises ConfigError for any other text."""
    if len(text) > LONGEST:
        raise ConfigError(Problem("not_arms", {"value": text[:80]}))
    parts = text.split(";") if text else []
    if len(parts) > ARMS[1]:
        raise ConfigError(Problem("too_many_arms", {"value": len(parts), "low": ARMS[0], "high": ARMS[1]}))
    return tuple(_arm(part) for part in parts)


def _arm(text: str) -> Arm:
    if text == ALL_DEFAULTS:
        return Arm(RunConfig())
    pairs = [pair.partition(":") for pair in text.split(",")]
    values = {name: value for name, colon, value in pairs if colon}
    if len(values) < len(pairs):  # a pair without a colon, or a repeated name
        raise ConfigError(Problem("not_arms", {"value": text[:80]}))
    name = clean_name(unquote(values.pop(NAME, "")))
    return Arm(RunConfig.from_mapping(values), name)

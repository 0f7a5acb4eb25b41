"""Write arms as a short text, as an address has them, and read it back. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.comparison.setup import ARMS
from core.config import RunConfig
from core.errors import ConfigError, Problem

ALL_DEFAULTS = "default"


def write(arms: Sequence[RunConfig]) -> str:
    """Return of each arm what is not as by default: "batch_size:1000,lr:0.5;batch_size:50"."""
    usual = RunConfig().to_dict()
    changed = [{name: value for name, value in arm.to_dict().items() if value != usual[name]} for arm in arms]
    return ";".join(",".join(f"{name}:{_text(value)}" for name, value in each.items()) or ALL_DEFAULTS
                    for each in changed)  # fmt: skip


def read(text: str) -> tuple[RunConfig, ...]:
    """Return the arms that `write` wrote. Raises ConfigError, also on any other text and on too many arms."""
    parts = text.split(";") if text else []
    if len(parts) > ARMS[1]:
        raise ConfigError(Problem("too_many_arms", {"value": len(parts), "low": ARMS[0], "high": ARMS[1]}))
    return tuple(_arm(part) for part in parts)


def _arm(text: str) -> RunConfig:
    pairs = [] if text == ALL_DEFAULTS else [pair.partition(":") for pair in text.split(",")]
    return RunConfig.from_mapping({name: value for name, _, value in pairs})


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(str, value))
    return "none" if value is None else str(value).lower().removesuffix(".0")

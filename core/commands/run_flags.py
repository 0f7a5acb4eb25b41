"""Read a RunConfig from the command line: one flag for each field, shared by `train` and `predict`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.run.config import FIELDS, RunConfig
from core.run.fields import FIELD_SPECS
from core.words.errors import ConfigError, Problem


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a run: its fields, and where to keep what it records."""
    for field in FIELDS:
        flag = "--" + field.replace("_", "-")
        if FIELD_SPECS[field].kind == "flag":
            parser.add_argument(flag, action="store_const", const="true")
        else:
            parser.add_argument(flag, help=_help(field), metavar="VALUE")
    parser.add_argument("--epochs", metavar="E", help="short for --budget epochs --budget-value E")
    parser.add_argument("--losses", type=Path, metavar="FILE.npy", help="write the float32 loss of every update")
    parser.add_argument("--database", metavar="URL", help="record the run in this database; none without it")


def fields_given(options: argparse.Namespace) -> dict[str, str]:
    """Return the fields of a run that were set on the command line, as text."""
    return {field: getattr(options, field) for field in FIELDS if getattr(options, field) is not None}


def config_given(options: argparse.Namespace) -> RunConfig:
    """Build the config from the flags. Raises ConfigError."""
    values: dict[str, Any] = fields_given(options)
    if options.epochs is not None:
        if "budget" in values or "budget_value" in values:
            raise ConfigError(Problem("two_budgets"))
        values |= {"budget": "epochs", "budget_value": options.epochs}
    return RunConfig.from_mapping(values)


def _help(field: str) -> str:
    """Return the values that a field may have, and its default."""
    spec = FIELD_SPECS[field]
    bounds = f"{spec.bounds[0]:g} to {spec.bounds[1]:,.12g}" if spec.bounds else ""
    default = getattr(RunConfig(), field)
    shown = "-".join(map(str, default)) if isinstance(default, tuple) else "none" if default is None else default
    return "; ".join(filter(None, [", ".join(spec.choices) or bounds, f"default {shown}"]))

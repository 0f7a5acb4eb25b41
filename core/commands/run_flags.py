"""Read a RunConfig from the command line: one flag for each field, shared by `train` and `predict`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.run.config import FIELDS, RunConfig
from core.run.fields import FIELD_SPECS, written
from core.words.catalogue import catalogue
from core.words.errors import ConfigError, Problem


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a run: its fields, and the places for its losses and its record."""
    for field in FIELDS:
        flag = "--" + field.replace("_", "-")
        if FIELD_SPECS[field].kind == "flag":
            parser.add_argument(flag, action="store_const", const="true")
        else:
            parser.add_argument(flag, help=_help(field), metavar="VALUE")
    say = catalogue().say
    parser.add_argument("--epochs", metavar="E", help=say("command.run.epochs"))
    parser.add_argument("--losses", type=Path, metavar="FILE.npy", help=say("command.run.losses"))
    parser.add_argument("--database", metavar="URL", help=say("command.run.database"))


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
    """Return the help text of a field: its valid values and its default."""
    spec, words = FIELD_SPECS[field], catalogue()
    default = written(getattr(RunConfig(), field))
    if spec.choices:
        return words.say("command.run.choices", choices=", ".join(spec.choices), default=default)
    if spec.bounds:
        low, high = spec.bounds
        return words.say("command.run.bounds", low=low, high=high, default=default)
    return words.say("command.run.default", default=default)

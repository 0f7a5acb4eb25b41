"""Run `python -m core predict`: print the memory that a run or the training of a custom model will need."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from core.commands.json_lines import print_json
from core.commands.run_flags import add_run_flags, config_given, fields_given
from core.commands.tables import table
from core.run.config import parse
from core.words.catalogue import catalogue
from core.words.errors import ConfigError, Problem

OWN_FLAGS = ("input", "input_dtype", "loss", "optimizer_implementation")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a run and those that only `predict` has."""
    add_run_flags(parser)
    say = catalogue().say
    for name in OWN_FLAGS:
        parser.add_argument("--" + name.replace("_", "-"), metavar="VALUE", help=say(f"command.predict.{name}"))
    parser.add_argument("--no-workspace", action="store_true", help=say("command.predict.no_workspace"))
    parser.add_argument("--table", action="store_true", help=say("command.predict.table"))


def run(options: argparse.Namespace) -> int:
    """Print the prediction as one JSON object or as a table. Raises ConfigError."""
    is_own = ":" in (options.model or "")
    values = _own_model(options, fields_given(options)) if is_own else _configured_run(options)
    if options.table:
        print(table(values, catalogue()), flush=True)
    else:
        print_json(**values)
    return 0


def _configured_run(options: argparse.Namespace) -> dict[str, Any]:
    for name in OWN_FLAGS:
        if getattr(options, name) is not None:
            raise ConfigError(Problem("only_for_own_model", {"flag": "--" + name.replace("_", "-")}))
    config = config_given(options)

    import torch

    from core.forecast import summary

    torch.set_num_threads(1)  # training has one thread, and workspace depends on their number
    return summary.of_run(config, workspace=not options.no_workspace)


def _own_model(options: argparse.Namespace, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the summary for a custom model. `given` holds the fields of a run that were set."""
    from core.forecast import summary
    from core.forecast.own_model import OWN_FIELDS

    values = dict(given) | {name: getattr(options, name) for name in OWN_FLAGS if getattr(options, name) is not None}
    values = {name.removeprefix("optimizer_") if name in OWN_FLAGS else name: text for name, text in values.items()}
    for name in values:
        if name not in OWN_FIELDS and name != "lr":
            raise ConfigError(Problem("not_for_own_model", {"flag": "--" + name.replace("_", "-")}))
    if "lr" in values:  # checked and then left out, because the learning rate takes no memory
        _, problems = parse({"lr": values.pop("lr")})
        if problems:
            raise ConfigError(*problems)
    for flag in ("epochs", "losses", "database"):
        if getattr(options, flag) is not None:
            raise ConfigError(Problem("not_for_own_model", {"flag": f"--{flag}"}))
    return summary.of_own_model(values, workspace=not options.no_workspace)

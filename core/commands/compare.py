"""Run `python -m core compare A.json B.json`: train configurations side by side and print which ends lower."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from core.commands.file_arguments import read_text
from core.comparison import shipped
from core.comparison.presets import PRESETS
from core.comparison.result import Standing, standings
from core.comparison.setup import (
    BUDGETS,
    DEFAULT_SEEDS,
    RULES,
    Comparison,
    compared,
    differences,
    held_fixed,
)
from core.run.choices.datasets import DATA
from core.run.config import RunConfig
from core.run.fields import written
from core.science.statistics import geometric_mean
from core.words.errors import ConfigError, Problem

if TYPE_CHECKING:
    from core.comparison.course import Course


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `compare`."""
    parser.add_argument("files", nargs="*", type=Path, metavar="A.json", help="settings as `to_json` writes them")
    parser.add_argument("--preset", metavar="NAME", help=f"instead of files: {', '.join(PRESETS)}")
    parser.add_argument("--seeds", default=str(DEFAULT_SEEDS), metavar="S", help=f"default {DEFAULT_SEEDS}")
    parser.add_argument("--budget", metavar="NAME", help=f"what is made equal: {', '.join(BUDGETS)}; default epochs")
    parser.add_argument("--rule", default="fixed", metavar="NAME", help=f"for the rate: {', '.join(RULES)}")
    parser.add_argument("--json", action="store_true", help="print one JSON object for each way of counting")
    parser.add_argument("--record", action="store_true", help="keep the page's first comparison for its first visit")


def run(options: argparse.Namespace) -> int:
    """Train the configurations and print the result. Raises ConfigError."""
    comparison = shipped.COMPARISON if options.record else _comparison(options)
    import torch

    from core.comparison.runner import Runner
    from core.datasets.build import build
    from core.datasets.tensors import load
    from core.run.control import Control
    from core.train.fingerprint import fingerprint

    torch.set_num_threads(1)  # as in the dashboard
    began = perf_counter()
    runner = Runner(comparison, load(build(comparison.arms[0].dataset, DATA)), Control(), _progress)
    runner.run()
    if options.record:
        shipped.write(runner.courses, when=datetime.now(UTC).date(), fingerprint=fingerprint())
    names = arm_names(comparison)
    found = [_values(comparison, each, names, perf_counter() - began) for each in standings(runner.courses)]
    if options.json:
        for values in found:
            print(json.dumps(values), flush=True)
        return 0
    for name, course in zip(names, runner.courses, strict=True):
        mean = geometric_mean(course.newest("training_loss"))
        loss = "none" if math.isinf(mean) else f"{mean:.4g}"
        made = int(course.updates[-1]) if len(course.updates) else 0
        print(f"{name}: {course.state}, {made:,} updates at rate {course.lr:.3g}, training loss {loss}")
    for values in found:
        print(_sentence(values))
    return 0


def arm_names(comparison: Comparison) -> list[str]:
    """Return a name for each arm, made of the fields in which the arms differ."""
    fields = differences(comparison.arms, is_tuned=comparison.is_tuned)
    names = [", ".join(f"{name}={written(getattr(arm, name))}" for name in fields) for arm in comparison.arms]
    return [
        name if name and names.count(name) == 1 else f"arm {number} {name}".strip()
        for number, name in enumerate(names, 1)
    ]


def _comparison(options: argparse.Namespace) -> Comparison:
    arms: Sequence[RunConfig]
    budget = options.budget or "epochs"
    if options.preset is not None:
        if options.preset not in PRESETS:
            values = {"field": "preset", "value": options.preset, "choices": ", ".join(PRESETS)}
            raise ConfigError(Problem("not_a_choice", values))
        if options.files:
            raise ConfigError(Problem("files_or_preset", {"value": options.preset, "files": len(options.files)}))
        arms = PRESETS[options.preset].arms
    else:
        arms = [_read(path) for path in options.files]
    try:
        seeds: Any = int(options.seeds)
    except ValueError:
        seeds = options.seeds
    if budget not in BUDGETS or options.rule not in RULES:
        bad = ("budget", budget, BUDGETS) if budget not in BUDGETS else ("rule", options.rule, RULES)
        values = {"field": bad[0], "value": bad[1], "choices": ", ".join(bad[2])}
        raise ConfigError(Problem("not_a_choice", values))
    return compared(arms, seeds=seeds, budget=budget, rule=options.rule)


def _read(path: Path) -> RunConfig:
    text = read_text(path)
    try:
        return RunConfig.from_json(text)
    except ConfigError as error:
        values = {"value": str(path), "reason": str(error)}
        raise ConfigError(Problem("file_refused", values)) from None


def _values(comparison: Comparison, found: Standing, names: Sequence[str], seconds: float) -> dict[str, Any]:
    clear = "EQUIVALENT" if found.equal else "AHEAD" if found.is_clear else "INCONCLUSIVE"
    return {
        "claim": None,
        "arm": f"equal_{found.axis}",
        "held_fixed": list(held_fixed(comparison, found.axis)),
        "verdict": clear,
        "effect_ratio": found.ratio,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "seeds": comparison.seeds,
        "seconds": seconds,
        "at": found.at,
        "measure": found.measure,
        "best": names[found.best],
        "second": names[found.second],
        "losses": [loss if loss < float("inf") else None for loss in found.losses],
    }


def _sentence(values: dict[str, Any]) -> str:
    words = {"EQUIVALENT": "within 25% of", "AHEAD": "lower than", "INCONCLUSIVE": "not clearly lower than"}
    ratio = "" if values["effect_ratio"] is None else f", {values['effect_ratio']:.3g} times lower"
    p = "" if values["p"] is None else f", p = {values['p']:.2g}"
    head = f"{values['arm'].replace('_', ' ')} ({_number(values['at'])}): {values['measure'].replace('_', ' ')} of"
    return f"{head} {values['best']} is {words[values['verdict']]} that of {values['second']}{ratio}{p}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"


def _progress(courses: Sequence[Course]) -> None:
    if sys.stderr.isatty():
        shares = [course.updates[-1] / course.planned for course in courses if len(course.updates)]
        print(f"\r{sum(shares) / len(courses):5.0%}", end="\r", file=sys.stderr, flush=True)

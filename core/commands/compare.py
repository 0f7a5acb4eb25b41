"""Run `python -m core compare A.json B.json`: train configurations side by side and print which one wins."""

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
from core.comparison.presets import PRESETS, Preset
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
from core.words.catalogue import Catalogue, catalogue
from core.words.errors import ConfigError, Problem

if TYPE_CHECKING:
    from core.comparison.course import Course


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `compare`."""
    say = catalogue().say
    budgets, rules = ", ".join(BUDGETS), ", ".join(RULES)
    parser.add_argument("files", nargs="*", type=Path, metavar="A.json", help=say("command.compare.files"))
    parser.add_argument("--preset", metavar="NAME", help=say("command.compare.preset", choices=", ".join(PRESETS)))
    seeds = say("command.compare.seeds", default=DEFAULT_SEEDS)
    parser.add_argument("--seeds", default=str(DEFAULT_SEEDS), metavar="S", help=seeds)
    parser.add_argument("--budget", metavar="NAME", help=say("command.compare.budget", choices=budgets))
    parser.add_argument("--rule", default="fixed", metavar="NAME", help=say("command.compare.rule", choices=rules))
    parser.add_argument("--json", action="store_true", help=say("command.compare.json"))
    parser.add_argument("--record", action="store_true", help=say("command.compare.record"))


def run(options: argparse.Namespace) -> int:
    """Train the configurations and print the result, or record the presets. Raises ConfigError."""
    if options.record:
        return _record([_preset(options.preset)] if options.preset is not None else list(PRESETS.values()))
    comparison = _comparison(options)
    courses, seconds = _trained(comparison)
    names, found = arm_names(comparison), standings(courses)
    if options.json:
        for standing in found:
            print(json.dumps(_values(comparison, standing, names, seconds)), flush=True)
        return 0
    words = catalogue()
    for name, course in zip(names, courses, strict=True):
        print(_arm(name, course, words))
    for standing in found:
        print(_sentences(standing, names, words))
    return 0


def _trained(comparison: Comparison) -> tuple[list[Course], float]:
    """Train a comparison; return its courses and the seconds that it took."""
    import torch

    from core.comparison.runner import Runner
    from core.datasets.build import build
    from core.datasets.tensors import load
    from core.run.control import Control

    torch.set_num_threads(1)  # the app gives each run one thread
    began = perf_counter()
    runner = Runner(comparison, load(build(comparison.arms[0].dataset, DATA)), Control(), _progress)
    runner.run()
    return runner.courses, perf_counter() - began


def _record(presets: Sequence[Preset]) -> int:
    """Train and record these presets, with equal epochs and the default number of seeds."""
    from core.train.fingerprint import fingerprint

    for preset in presets:
        courses, _ = _trained(compared(preset.arms))
        shipped.write(preset, courses, when=datetime.now(UTC).date(), fingerprint=fingerprint())
    return 0


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        raise ConfigError(Problem("not_a_choice", {"field": "preset", "value": name, "choices": ", ".join(PRESETS)}))
    return PRESETS[name]


def arm_names(comparison: Comparison) -> list[str]:
    """Return a name for each arm from the fields that differ, alike in every language: "batch_size=100, lr=0.05"."""
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
        arms = _preset(options.preset).arms
        if options.files:
            raise ConfigError(Problem("files_or_preset", {"value": options.preset, "files": len(options.files)}))
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
        raise ConfigError(
            *(Problem("file_refused", {"value": str(path), "reason": each}) for each in error.problems)
        ) from None


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


def _arm(name: str, course: Course, words: Catalogue) -> str:
    mean = geometric_mean(course.newest("training_loss"))
    return words.count(
        "command.compare.arm",
        int(course.updates[-1]) if len(course.updates) else 0,
        arm=name,
        state=words.say(f"compare.arm_state.{course.state}"),
        rate=course.lr,
        loss=words.say("command.table.none") if math.isinf(mean) else words.formatted(mean, ".4g"),
    )


def _sentences(found: Standing, names: Sequence[str], words: Catalogue) -> str:
    at = words.duration(found.at) if found.axis == "seconds" else _number(found.at, words)
    key = "equal" if found.equal else "ahead" if found.is_clear else "unclear"
    sentences = [
        words.say(
            f"command.compare.{key}",
            budget=words.say(f"equal_budget.{found.axis}", at=at),
            measure=words.say(f"measure.{found.measure}"),
            best=names[found.best],
            second=names[found.second],
        )
    ]
    if found.ratio is not None:
        sentences.append(words.say("command.compare.ratio", ratio=words.times(found.ratio)))
    if found.p is not None:
        sentences.append(words.say("command.compare.p", p=words.rough(found.p)))
    return " ".join(sentences)


def _number(value: float, words: Catalogue) -> str:
    return words.formatted(value, ",.0f" if value >= 1_000 else ".4g")


def _progress(courses: Sequence[Course]) -> None:
    if sys.stderr.isatty():
        shares = [course.updates[-1] / course.planned for course in courses if len(course.updates)]
        print(f"\r{catalogue().percent(sum(shares) / len(courses)):>5}", end="\r", file=sys.stderr, flush=True)

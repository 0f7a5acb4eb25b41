"""Run `python -m core claims`: run the experiments of the claims and print their verdicts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from core.claims.claims import CLAIMS, TESTED
from core.claims.results import SEEDS, Results, write
from core.commands.file_arguments import check_writable
from core.science.judge import Outcome
from core.science.seeds import first_seed
from core.words.catalogue import catalogue
from core.words.errors import ConfigError, Problem

FIRST_KEYS = ("claim", "arm", "held_fixed", "verdict", "effect_ratio", "low", "high", "p", "seeds", "seconds")
MORE_KEYS = ("p_adjusted", "equivalent", "metric", "claimed", "is_contrast", "diverged", "first", "second", "facts")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `claims`."""
    say = catalogue().say
    choices = say("command.claims.claim", choices=", ".join(TESTED))
    parser.add_argument("--claim", metavar="CODE", help=choices)
    parser.add_argument("--seed", default="0", metavar="S", help=say("command.seed", seeds=SEEDS))
    parser.add_argument("--json", action="store_true", help=say("command.claims.json"))
    parser.add_argument("--output", type=Path, metavar="FILE", help=say("command.output"))


def run(options: argparse.Namespace) -> int:
    """Run the experiments that the flags select and print their verdicts. Raises ConfigError."""
    _show(_results(options), as_json=options.json)
    return 0


def _results(options: argparse.Namespace) -> Results:
    """Run the experiments; progress goes to standard error if that is a terminal."""
    codes = TESTED if options.claim is None else (_code(options.claim),)
    first = first_seed(options.seed)
    if options.output:
        check_writable(options.output)
    import torch

    from core.claims import experiments

    torch.set_num_threads(1)  # the app gives each run one thread

    def progress(code: str, share: float) -> None:
        if sys.stderr.isatty():
            end = "\r" if share < 1 else "\r         \r"
            print(f"\r{code:4}{catalogue().percent(share):>5}", end=end, file=sys.stderr, flush=True)

    results = experiments.run(codes, range(first, first + SEEDS), progress)
    if options.output:
        write(results, options.output)
    return results


def _show(results: Results, *, as_json: bool) -> None:
    """Print the results: one object for each trial, or a paragraph for each claim."""
    if as_json:
        for result in results.claims.values():
            for outcome in result.outcomes:
                print(json.dumps(_values(outcome), ensure_ascii=False), flush=True)
        return
    from core.claims.telling import conditions, finding, fixed

    words = catalogue()
    for code, result in results.claims.items():
        verdict = words.say(f"claims.verdict.{result.verdict}")
        print(f"{code}  {words.say(f'claim.{code}')}")
        spent = words.say("command.claims.verdict", verdict=verdict, seconds=words.duration(result.seconds))
        print(f"    {spent} {conditions(result.outcomes, words)}")
        for outcome in result.outcomes:
            mark = words.say(f"claims.badge.{'contrast' if outcome.is_contrast else outcome.verdict}")
            name = words.say(f"claims.arm.{code}.{outcome.arm}")
            print(f"    {mark:>12}  {name}: {finding(outcome, words)} {fixed(outcome, words)}".rstrip())
        print()
    is_tested = any(outcome.p is not None for result in results.claims.values() for outcome in result.outcomes)
    sentences = [words.count("claims.origin.tests", results.tests)] if is_tested else []
    first, last = (words.number(seed) for seed in (results.seeds[0], results.seeds[-1]))
    print(*sentences, words.say("claims.origin.seeds", first=first, last=last))


def _values(outcome: Outcome) -> dict[str, Any]:
    values = outcome.to_dict()
    return {name: values[name] for name in FIRST_KEYS + MORE_KEYS}


def _code(given: str) -> str:
    code = given.strip().upper()
    if code in TESTED:
        return code
    problem = "claim_of_words" if code in CLAIMS else "unknown_claim"
    raise ConfigError(Problem(problem, {"value": given, "choices": ", ".join(TESTED)}))

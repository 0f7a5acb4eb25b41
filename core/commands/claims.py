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

TOLD = ("claim", "arm", "held_fixed", "verdict", "effect_ratio", "low", "high", "p", "seeds", "seconds")
MORE = ("p_adjusted", "equivalent", "metric", "claimed", "is_contrast", "diverged", "first", "second", "facts")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `claims`."""
    parser.add_argument("--claim", metavar="CODE", help=f"one of {', '.join(TESTED)}; all without it")
    parser.add_argument("--seed", default="0", metavar="S", help=f"the first of {SEEDS} seeds, default 0")
    parser.add_argument("--json", action="store_true", help="print one JSON object for each experiment")
    parser.add_argument("--output", type=Path, metavar="FILE", help="keep the results in a file, as the page reads it")


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

    torch.set_num_threads(1)  # as in the dashboard: one thread for each training

    def progress(code: str, share: float) -> None:
        if sys.stderr.isatty():
            print(f"\r{code:4}{share:5.0%}", end="\r" if share < 1 else "\r         \r", file=sys.stderr, flush=True)

    results = experiments.run(codes, range(first, first + SEEDS), progress)
    if options.output:
        write(results, options.output)
    return results


def _show(results: Results, *, as_json: bool) -> None:
    """Print the results: one object for each experiment, or a paragraph for each claim."""
    if as_json:
        for result in results.claims.values():
            for outcome in result.outcomes:
                print(json.dumps(_values(outcome), ensure_ascii=False), flush=True)
        return
    from core.claims.telling import conditions, finding, fixed

    say = catalogue().say
    for code, result in results.claims.items():
        print(f"{code}  {say(f'claim.{code}')}")
        print(f"    {result.verdict}, {result.seconds:.1f} s. {conditions(result.outcomes, say)}")
        for outcome in result.outcomes:
            mark = "also" if outcome.is_contrast else outcome.verdict.lower()
            name = say(f"arm.{code}.{outcome.arm}")
            print(f"    {mark:>12}  {name}: {finding(outcome, say)}. {fixed(outcome, say)}".rstrip())
        print()
    corrected = f"Corrected for {results.tests} tests (Holm). " if results.tests > 1 else ""
    print(f"{corrected}Seeds {results.seeds[0]} to {results.seeds[-1]}.")


def _values(outcome: Outcome) -> dict[str, Any]:
    values = outcome.to_dict()
    return {name: values[name] for name in TOLD + MORE}


def _code(given: str) -> str:
    code = given.strip().upper()
    if code in TESTED:
        return code
    problem = "claim_of_words" if code in CLAIMS else "unknown_claim"
    raise ConfigError(Problem(problem, {"value": given, "choices": ", ".join(TESTED)}))

"""Run `python -m core schedules`: train the same run under every schedule and print the results."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.commands.file_arguments import check_writable
from core.schedule_bench.arms import ARMS, BATCH_SIZES, SEEDS
from core.schedule_bench.results import Bench, write
from core.science.seeds import first_seed
from core.words.catalogue import Catalogue, catalogue
from core.words.errors import ConfigError, Problem


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `schedules`."""
    say = catalogue().say
    sizes = say("command.schedules.batch_size", choices=", ".join(map(str, BATCH_SIZES)))
    parser.add_argument("--batch-size", metavar="B", help=sizes)
    parser.add_argument("--seed", default="0", metavar="S", help=say("command.seed", seeds=SEEDS))
    parser.add_argument("--json", action="store_true", help=say("command.schedules.json"))
    parser.add_argument("--output", type=Path, metavar="FILE", help=say("command.output"))


def run(options: argparse.Namespace) -> int:
    """Run the bench that the flags select and print its results. Raises ConfigError."""
    _show(_benches(options), as_json=options.json)
    return 0


def _benches(options: argparse.Namespace) -> list[Bench]:
    """Run the bench; progress goes to standard error if that is a terminal."""
    sizes = BATCH_SIZES if options.batch_size is None else (_size(options.batch_size),)
    first = first_seed(options.seed)
    if options.output:
        check_writable(options.output)
    import torch

    from core.schedule_bench.experiment import bench

    torch.set_num_threads(1)  # the app gives each run one thread
    benches, words = [], catalogue()
    for size in sizes:

        def progress(share: float, size: int = size) -> None:
            if sys.stderr.isatty():
                end = "\r" if share < 1 else f"\r{' ' * 40}\r"
                shown = words.say("command.schedules.progress", size=size, share=words.percent(share))
                print(f"\r{shown}", end=end, file=sys.stderr, flush=True)

        benches.append(bench(size, range(first, first + SEEDS), progress))
    if options.output:
        write(benches, options.output)
    return benches


def _show(benches: Sequence[Bench], *, as_json: bool) -> None:
    """Print the benches: one object for each schedule, or a table for each batch size with its conclusions."""
    if as_json:
        for bench in benches:
            for arm in ARMS:
                print(json.dumps(_values(bench, arm)), flush=True)
        return
    from core.schedule_bench.telling import conclusions

    words = catalogue()
    for bench in benches:
        first, last = (words.number(seed) for seed in (bench.seeds[0], bench.seeds[-1]))
        values = {"size": words.number(bench.batch_size), "seconds": words.duration(bench.seconds)}
        print(words.say("command.schedules.title", first=first, last=last, **values))
        for line in _table(bench, words):
            print(f"    {line}")
        for sentence in conclusions(bench, words):
            print(f"    {sentence}")
        print()


def _table(bench: Bench, words: Catalogue) -> list[str]:
    """Return a header and a line for each schedule."""
    from core.schedule_bench.plans import rate_plan
    from core.schedule_bench.telling import error_text, relative_distance
    from core.science.telling import p_text

    columns = ("arm", "peak", "updates", "end", "ratio", "p", "error")
    rows = [[words.say(f"command.schedules.{name}") for name in columns]]
    for arm in ARMS:
        trained, compared = bench.tuned[arm], bench.against.get(arm)
        rows.append(
            [
                words.say(f"schedules.arm.{arm}"),
                words.number(trained.peak),
                words.number(rate_plan(arm, bench.batch_size).updates),
                words.say("schedules.ratio.diverged") if trained.end is None else words.formatted(trained.end, ".3g"),
                relative_distance(compared, words) if compared else "",
                p_text(compared.p_adjusted, words) if compared else "",
                error_text(trained.off, words),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(*cell) for cell in zip(columns, row, widths, strict=True)).rstrip() for row in rows]


def _aligned(column: str, text: str, width: int) -> str:
    return f"{text:<{width}}" if column in ("arm", "ratio") else f"{text:>{width}}"


def _values(bench: Bench, arm: str) -> dict[str, Any]:
    trained, compared = bench.tuned[arm], bench.against.get(arm)
    values = {
        "batch_size": bench.batch_size,
        "schedule": arm,
        "peak_rate": trained.peak,
        "ends": trained.ends,
        "end": trained.end,
        "low": trained.end_low,
        "high": trained.end_high,
        "diverged": trained.diverged,
        "exact": trained.exact[-1],
    }
    if compared:
        values |= {
            "ratio": compared.ratio,
            "ratio_low": compared.low,
            "ratio_high": compared.high,
            "p": compared.p,
            "p_adjusted": compared.p_adjusted,
            "equivalent": compared.equivalent,
        }
    return values


def _size(given: str) -> int:
    if given.strip() in map(str, BATCH_SIZES):
        return int(given)
    choices = ", ".join(map(str, BATCH_SIZES))
    raise ConfigError(Problem("not_a_choice", {"field": "batch_size", "choices": choices, "value": given}))

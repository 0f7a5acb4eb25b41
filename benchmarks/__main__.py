"""Measure, print and write `benchmarks/results.json`: `make bench`, or `make bench ARGS="epochs recording"`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks import ensemble, epochs, long_run, memory, page, processes, recording
from core.train.fingerprint import fingerprint

PARTS = ("epochs", "ensemble", "recording", "processes", "long_run", "memory", "page")
RESULTS = Path(__file__).parent / "results.json"


def main(parts: list[str]) -> None:
    torch.set_num_threads(1)
    results: dict[str, Any] = {"fingerprint": fingerprint()}
    for part in parts or PARTS:
        results[part] = globals()[f"_{part}"]()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def _epochs() -> dict[str, Any]:
    times = epochs.measure()
    ms = {name: {size: 1_000 * median(seen) for size, seen in by_size.items()} for name, by_size in times.items()}
    print(f"ms an epoch of {epochs.EXAMPLES:,} examples, MLP 64-128-64-10, SGD with momentum, one thread")
    print(f"{'':22}" + "".join(f"{f'B={size:,}':>10}" for size in epochs.SIZES))
    for name, by_size in ms.items():
        print(f"{name:22}" + "".join(f"{by_size[size]:10.1f}" for size in epochs.SIZES))
    ratios = {f"{name} / floor": epochs.ratio(times, name, "floor") for name in ("ours", "the same inline")}
    peers = ("DataLoader loop", "Lightning", "Lightning, recording")
    ratios |= {f"{peer} / ours": epochs.ratio(times, peer, "ours") for peer in peers}
    for name, by_size in ratios.items():
        print(f"{name:28}" + "".join(f"{f'B={size:,}':>9} {ratio:5.2f}" for size, ratio in by_size.items()))
    return {"ms": ms, "ratios": ratios}


def _ensemble() -> dict[int, Any]:
    print(f"ms an update of {ensemble.RUNS} runs, MLP 256-128-64-10, SGD with momentum")
    return {threads: _on_threads(threads) for threads in ensemble.THREADS}


def _on_threads(threads: int) -> dict[str, Any]:
    times = ensemble.measure(threads)
    ms = {name: {size: 1_000 * median(seen) for size, seen in by_size.items()} for name, by_size in times.items()}
    print(f"{f'threads: {threads}':28}" + "".join(f"{f'B={size:,}':>10}" for size in ensemble.SIZES))
    for name, by_size in ms.items():
        print(f"{name:28}" + "".join(f"{by_size[size]:10.2f}" for size in ensemble.SIZES))
    pairs = (("trainers", "ensemble"), ("trainers", "with geometry"), ("with geometry", "ensemble"))
    ratios = {f"{one} / {other}": ensemble.ratio(times, one, other) for one, other in pairs}
    for name, by_size in ratios.items():
        print(f"{name:28}" + "".join(f"{ratio:10.2f}" for ratio in by_size.values()))
    return {"ms": ms, "ratios": ratios}


def _recording() -> float:
    cost = recording.measure()
    print(f"recording one update: {cost:.1f} microseconds")
    return cost


def _processes() -> dict[str, float]:
    return _shown(processes.measure())


def _long_run() -> dict[str, float]:
    print(f"a run of {long_run.UPDATES:,} updates")
    return _shown(long_run.measure())


def _memory() -> dict[str, float]:
    print("memory, asked in a warm process")
    return _shown(memory.measure())


def _page() -> dict[str, float]:
    print("the live page, Chromium on the same machine")
    return _shown(page.measure())


def _shown(figures: dict[str, float]) -> dict[str, float]:
    for name, value in figures.items():
        print(f"{name:45}{value:8.1f}")
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])

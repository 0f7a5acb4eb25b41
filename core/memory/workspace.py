"""Record every allocation of an update with PyTorch's own profiler: what no tensor accounts for is workspace."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch._C._autograd import _disable_profiler_legacy, _enable_profiler_legacy
from torch._C._profiler import ProfilerConfig, ProfilerState, _ExperimentalConfig, _RecordFunctionFast

OPERATION, QUIET = "batch lab: ", "batch lab, telemetry"
NAMED = 8  # operations


@dataclass
class Record:
    """The most bytes by which memory in use rose, and the bytes that each operation took and gave back."""

    highest_bytes: int = 0
    operations: tuple[tuple[str, int], ...] = ()


def operation(name: str) -> Any:
    """Return a context in which an operation of the ledger runs; costs next to nothing where no record is made."""
    return _RecordFunctionFast(OPERATION + name)


def telemetry() -> Any:
    """Return a context whose allocations are left out."""
    return _RecordFunctionFast(QUIET)


@contextmanager
def recording() -> Iterator[Record]:
    """Record what happens inside; the record is filled in at the end.

    The older of PyTorch's two profilers: it adds a millisecond to an update, the newer one two and lines on stderr.
    Neither knows what a release belonged to, so nothing from before may be let go inside that is not in the ledger:
    Python's collector waits.
    """
    made, collects = Record(), gc.isenabled()
    gc.disable()
    _enable_profiler_legacy(ProfilerConfig(ProfilerState.CPU, False, True, False, False, False, _ExperimentalConfig()))
    try:
        yield made
    finally:
        threads = _disable_profiler_legacy()
        if collects:
            gc.enable()
        for events in threads:
            _read(events, made)


def _read(events: list[Any], made: Record) -> None:
    live, quiet = 0, 0
    names: list[str] = []
    inside: list[tuple[str, int, int]] = []  # operations at work: name, live bytes at first, the most since
    most: dict[str, int] = {}
    for event in events:
        kind = event.kind()
        if kind == "memory_alloc":
            live += 0 if quiet else event.cpu_memory_usage()
            made.highest_bytes = max(made.highest_bytes, live)
            inside = [(name, first, max(highest, live)) for name, first, highest in inside]
        elif kind == "push":
            names.append(event.name())
            quiet += names[-1] == QUIET
            if names[-1].startswith(OPERATION):
                inside.append((names[-1].removeprefix(OPERATION), live, live))
        elif kind == "pop" and names:
            ended = names.pop()
            quiet -= ended == QUIET
            if ended.startswith(OPERATION):
                name, first, highest = inside.pop()
                most[name] = max(most.get(name, 0), highest - max(first, live))
    found = sorted(((name, size) for name, size in most.items() if size > 0), key=lambda item: -item[1])
    made.operations = tuple(found[:NAMED])

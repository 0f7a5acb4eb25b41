"""Record every allocation of an update with PyTorch's profiler. Bytes that belong to no tensor are workspace."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch._C._autograd import _disable_profiler_legacy, _enable_profiler_legacy
from torch._C._profiler import ProfilerConfig, ProfilerState, _ExperimentalConfig, _RecordFunctionFast

OPERATION, QUIET = "batch lab: ", "batch lab, telemetry"
NAMED = 8  # operations kept in a record


@dataclass
class Record:
    """The largest rise of the memory in use, and the workspace of the operations that need most, in bytes."""

    highest_bytes: int = 0
    operations: tuple[tuple[str, int], ...] = ()


def operation(name: str) -> Any:
    """Return a context that labels an operation in the record. It is almost free while nothing is recorded."""
    return _RecordFunctionFast(OPERATION + name)


def telemetry() -> Any:
    """Return a context that excludes its allocations from the record."""
    return _RecordFunctionFast(QUIET)


@contextmanager
def recording() -> Iterator[Record]:
    """Record the allocations made inside; the record is filled in at the end.

    This uses the older of PyTorch's two profilers: it adds 1 ms to an update, while the newer one adds 2 ms and prints
    to stderr. Neither knows which allocation a release belongs to, so no older storage may be freed inside unless the
    ledger holds it. Python's garbage collector is therefore disabled.
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
    inside: list[tuple[str, int, int]] = []  # running operations: name, live bytes at the start, maximum since
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

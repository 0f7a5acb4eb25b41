"""Record every allocation with the newer of PyTorch's two profilers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile, record_function

from core.run.timeline import Timeline
from core.train.updater import Updater

TELEMETRY = "telemetry"


class Everything(dict[Any, Any]):
    """Timelines that contain every shape, so that an updater runs as in the middle of a training."""

    def __contains__(self, shape: object) -> bool:
        return True

    def __missing__(self, shape: object) -> Timeline:
        return Timeline({}, ())  # read before each update by an updater that keeps its losses


def unwatched(updater: Updater) -> Updater:
    """Return the updater without any ledger, with its telemetry labelled in the record."""
    updater.timelines = Everything()
    updater._unrecorded = lambda: record_function(TELEMETRY)
    return updater


def allocations(events: Any, *, telemetry: bool = False) -> Iterator[tuple[int, int, int, bool]]:
    """Return (time, address, bytes, whether telemetry) of every allocation, and of releases with negative bytes."""
    for event in events:
        if event.tag == _EventType.Allocation:
            yield event.start_time_ns, event.extra_fields.ptr, event.extra_fields.alloc_size, telemetry
        yield from allocations(event.children, telemetry=telemetry or event.name == TELEMETRY)


def profiled_peak(work: Callable[[], object]) -> int:
    """Return the largest rise of the memory in use while `work` ran, in bytes, without telemetry."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        work()
    kineto = record.profiler.kineto_results  # type: ignore[union-attr]
    live = highest = 0
    held = set()
    for _, address, size, telemetry in sorted(allocations(kineto.experimental_event_tree())):
        if size > 0 and not telemetry:
            held.add(address)
        elif address in held:  # other releases are telemetry or older garbage that Python happened to collect
            held.remove(address)
        else:
            continue
        live += size
        highest = max(highest, live)
    return highest


def resting_bytes(updater: Updater) -> int:
    """Return the bytes held between two updates: weights, buffers and optimizer state, each storage once."""
    states = (value for state in updater.optimizer.state.values() for value in state.values())
    held = [*updater.model.parameters(), *updater.model.buffers()]
    held += [value for value in states if hasattr(value, "untyped_storage")]
    storages = {tensor.untyped_storage()._cdata: tensor.untyped_storage() for tensor in held}
    return sum(storage.nbytes() for storage in storages.values())

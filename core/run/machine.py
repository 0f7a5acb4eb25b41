"""Query this machine: cores, free memory, and whether a process is alive."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60  # cgroup v1 reports a huge number if there is no limit


def cores() -> int:
    """Return the number of cores this process may use, which is how many trainings may run at once."""
    return len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1


def free_memory_bytes(cgroup: Path = CGROUP) -> int:
    """Return the memory available to this process, within the container's limit if there is one.

    Inside a container, psutil alone reports the memory of the whole machine.
    """
    free = int(psutil.virtual_memory().available)
    for limit, used, stat, cache in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        capacity = _number(cgroup / limit)
        if capacity is not None and capacity < UNLIMITED:
            reclaimable = _field(cgroup / stat, cache)
            free = min(free, max(0, capacity - (_number(cgroup / used) or 0) + reclaimable))
    return free


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # the file does not exist or holds "max"
        return None


def _field(path: Path, name: str) -> int:
    try:
        fields = dict(line.split() for line in path.read_text().splitlines())
        return int(fields.get(name, 0))
    except (OSError, ValueError):
        return 0


def this_process() -> str:
    """Return a name that identifies this process among all past and future ones."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}"


def is_alive(process_name: str) -> bool:
    """Return whether the process with a name from `this_process` still runs.

    A process on another machine counts as alive. An invalid name does not.
    """
    try:
        machine, pid, created = process_name.rsplit("/", 2)
        return machine != socket.gethostname() or f"{psutil.Process(int(pid)).create_time():.2f}" == created
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.AccessDenied:
        return True

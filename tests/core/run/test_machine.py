"""Check free memory inside a container, with files laid out like cgroups, and whether processes are alive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.run import machine

MIB = 2**20


def test_the_limit_of_a_container_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{100 * MIB}\n")
    (tmp_path / "memory.current").write_text(f"{70 * MIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {50 * MIB}\ninactive_file {20 * MIB}\n")
    assert machine.free_memory_bytes(tmp_path) == 50 * MIB


def test_the_layout_of_cgroup_v1_is_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "memory"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(f"{64 * MIB}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{60 * MIB}\n")
    (folder / "memory.stat").write_text(f"total_inactive_file {1 * MIB}\n")
    assert machine.free_memory_bytes(tmp_path) == 5 * MIB


def test_without_a_limit_the_memory_of_the_machine_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.free_memory_bytes(tmp_path) > 100 * MIB


def test_a_process_is_dead_after_its_end_even_if_its_pid_is_reused() -> None:
    me = machine.this_process()
    assert machine.is_alive(me)
    host, pid, _ = me.rsplit("/", 2)
    assert not machine.is_alive(f"{host}/{pid}/1.00")
    child = subprocess.run(
        [sys.executable, "-c", "from core.run import machine; print(machine.this_process())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not machine.is_alive(child.stdout.strip())


@pytest.mark.parametrize("name", ["", "me", "host/1", "{host}/abc/1.00", "{host}/-1/1.00", "{host}/1/soon"])
def test_an_invalid_process_name_is_not_alive(name: str) -> None:
    host, _, _ = machine.this_process().rsplit("/", 2)
    assert not machine.is_alive(name.format(host=host))


def test_a_process_on_another_machine_counts_as_alive() -> None:
    assert machine.is_alive("elsewhere/1/1.00")

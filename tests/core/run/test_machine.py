"""Free memory as a container sees it, from real files in the layout of cgroups; processes alive or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.run import machine

MIB = 2**20


def test_the_container_limit_counts_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{100 * MIB}\n")
    (tmp_path / "memory.current").write_text(f"{70 * MIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {50 * MIB}\ninactive_file {20 * MIB}\n")
    assert machine.free_memory_bytes(tmp_path) == 50 * MIB


def test_the_older_layout_is_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "memory"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(f"{64 * MIB}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{60 * MIB}\n")
    (folder / "memory.stat").write_text(f"total_inactive_file {1 * MIB}\n")
    assert machine.free_memory_bytes(tmp_path) == 5 * MIB


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.free_memory_bytes(tmp_path) > 100 * MIB


def test_a_process_is_alive_until_it_ends_even_if_its_number_is_used_again() -> None:
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
def test_what_names_no_process_is_not_alive(name: str) -> None:
    host, _, _ = machine.this_process().rsplit("/", 2)
    assert not machine.is_alive(name.format(host=host))


def test_a_process_of_another_machine_counts_as_alive() -> None:
    assert machine.is_alive("elsewhere/1/1.00")

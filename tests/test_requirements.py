"""The pins: one version of everything, and exactly one torch on every machine."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[1]

LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
MACOS = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
WINDOWS = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"}
MACHINES = {
    "Linux x86_64": LINUX | {"platform_machine": "x86_64"},
    "Linux aarch64": LINUX | {"platform_machine": "aarch64"},
    "macOS arm64": MACOS | {"platform_machine": "arm64"},
    "Windows AMD64": WINDOWS | {"platform_machine": "AMD64"},
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
WITH_A_CPU_BUILD = {("Linux x86_64", "3.12"), ("Linux x86_64", "3.13"), ("Linux x86_64", "3.14")}


def requirements(file: str) -> list[Requirement]:
    lines = [line.strip() for line in (ROOT / file).read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]


def torch_on(machine: str, python: str) -> Requirement:
    environment = MACHINES[machine] | {"python_version": python, "python_full_version": f"{python}.1"}
    fitting = [
        each
        for each in requirements("requirements.txt")
        if each.name == "torch" and (each.marker is None or each.marker.evaluate(environment))
    ]
    assert len(fitting) == 1, f"{machine}, Python {python}: {len(fitting)} lines of torch apply"
    return fitting[0]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", MACHINES)
def test_every_machine_has_exactly_one_torch_of_the_same_version(machine: str, python: str) -> None:
    torch = torch_on(machine, python)
    if (machine, python) not in WITH_A_CPU_BUILD:
        assert (torch.url, str(torch.specifier)) == (None, "==2.13.0")
        return
    assert torch.url is not None
    assert torch.url.startswith("https://download.pytorch.org/whl/cpu/")
    name, version, _, tags = parse_wheel_filename(torch.url.rsplit("/", 1)[1].replace("%2B", "+"))
    assert (name, str(version)) == ("torch", "2.13.0+cpu")
    interpreter = "cp" + python.replace(".", "")
    assert {(tag.interpreter, tag.abi, tag.platform) for tag in tags} == {
        (interpreter, interpreter, "manylinux_2_28_x86_64")
    }


def test_a_python_newer_than_the_cpu_builds_still_has_a_torch() -> None:
    assert torch_on("Linux x86_64", "3.15").url is None


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_other_requirement_is_one_exact_version_and_the_one_installed_here(file: str) -> None:
    for each in requirements(file):
        if each.url is None:
            (pin,) = each.specifier
            assert pin.operator == "=="
            assert importlib.metadata.version(each.name).partition("+")[0] == pin.version, each.name


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_its_reason_beside_it(file: str) -> None:
    reason = False
    for line in (ROOT / file).read_text().splitlines():
        if not line.strip():
            reason = False
        elif line.startswith("#"):
            reason = True
        elif not line.startswith("-r"):
            assert reason, f"{file}: no comment stands over {line!r}"


def test_developing_starts_from_what_running_needs() -> None:
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text().splitlines()
    running = {canonicalize_name(each.name) for each in requirements("requirements.txt")}
    developing = {canonicalize_name(each.name) for each in requirements("requirements-dev.txt")}
    assert running.isdisjoint(developing)

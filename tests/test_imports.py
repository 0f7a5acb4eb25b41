"""Imports point downwards through the layers of the tree, in no circle, and the web server stays free of torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The layers, from the top. A folder may import folders on lower lines, never on its own line or above.
LAYERS = (
    "app    core.__main__",  # the entry points
    "pages  core.commands",
    "ui.*",  # one folder for each page
    "ui.setup",
    "ui.kit",
    "ui.charts",
    "ui.shell",
    "core.host",
    "core.claims  core.comparison  core.schedule_bench  core.trajectories",
    "core.forecast",
    "core.science",
    "core.ensemble",
    "core.train",
    "core.memory  core.datasets  core.store",
    "core.run",
    "core.words",
)
RANK = {folder: rank for rank, folders in enumerate(LAYERS) for folder in folders.split()}

# Packages that take seconds and hundreds of megabytes to load: the host process loads them once for all runs.
HEAVY = ("torch", "sklearn", "scipy")
# Folders that the web server loads. They load nothing heavy, not even inside a function.
LIGHT = ("app", "pages", "ui", "core.run", "core.words", "core.store")


@dataclass(frozen=True)
class Import:
    """One import: the module's full name, and whether it runs when the file is loaded, later, or never."""

    name: str
    when: str  # "load", "call" (inside a function) or "types" (under TYPE_CHECKING)


@cache
def imports(path: Path, root: Path) -> tuple[Import, ...]:
    """Return what a file imports. `from core import store` gives both "core" and "core.store"."""
    package = path.relative_to(root).with_suffix("").parts[:-1]

    def walk(node: ast.AST, when: str) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, when) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield Import(module, when)
            yield from (Import(f"{module}.{alias.name}", when) for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            when = "call"
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            when = "types"
        for child in ast.iter_child_nodes(node):
            yield from walk(child, when)

    return tuple(walk(ast.parse(path.read_text()), "load"))


def modules(root: Path) -> dict[str, Path]:
    """Return every module of the app by its full name."""
    paths = [root / "app.py", *(path for top in ("core", "pages", "ui") for path in sorted((root / top).rglob("*.py")))]
    return {_name(path, root): path for path in paths if path.exists()}


def _name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def targets(found: Mapping[str, Path], module: str, root: Path, *whens: str) -> list[str]:
    """Return the modules of the app that a module imports: of `from core import store` only `core.store`."""
    names = [each.name for each in imports(found[module], root) if each.when in whens and each.name in found]
    inner = [name for name in names if not any(other.startswith(f"{name}.") for other in names)]
    return list(dict.fromkeys(inner))


# Layers.


def folder(module: str) -> str:
    """Return the folder of a module: its package within core or ui. Each page has its own."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ("core", "ui", "pages") else parts[0]


def rank(of: str) -> int | None:
    known = "pages" if of.startswith("pages.") else of
    return RANK.get(known, RANK["ui.*"] if known.startswith("ui.") else None)


def wrong_arrows(root: Path) -> list[str]:
    found, wrong = modules(root), []
    for module, path in found.items():
        for target in targets(found, module, root, "load", "call", "types"):
            here, there = folder(module), folder(target)
            if here == there:
                continue
            above, below = rank(here), rank(there)
            start = f"{path.relative_to(root)} imports {target}, but"
            if above is None or below is None:
                wrong.append(f"{start} LAYERS does not name {here if above is None else there}")
            elif module.startswith("core") and not target.startswith("core"):
                wrong.append(f"{start} core imports nothing of {target.split('.')[0]}")
            elif above == below:
                wrong.append(f"{start} {here} and {there} stand side by side")
            elif above > below:
                wrong.append(f"{start} {here} stands below {there}")
    return wrong


def test_every_import_goes_down_the_layers() -> None:
    assert wrong_arrows(ROOT) == []


def grow(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("file", "line", "target", "sentence"),
    [
        (
            "core/run/plan.py",
            "from core.train import loop",
            "core/train/loop.py",
            "core/run/plan.py imports core.train.loop, but core.run stands below core.train",
        ),
        (
            "core/store/runs.py",
            "def f():\n    import core.datasets.build",
            "core/datasets/build.py",
            "core/store/runs.py imports core.datasets.build, but core.store and core.datasets stand side by side",
        ),
        (
            "core/words/errors.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core.run.events import Peak",
            "core/run/events.py",
            "core/words/errors.py imports core.run.events, but core.words stands below core.run",
        ),
        (
            "core/host/answers.py",
            "from ..commands.predict import run",
            "core/commands/predict.py",
            "core/host/answers.py imports core.commands.predict, but core.host stands below core.commands",
        ),
        (
            "ui/memory/peak.py",
            "from ui.live.cards import Card",
            "ui/live/cards.py",
            "ui/memory/peak.py imports ui.live.cards, but ui.memory and ui.live stand side by side",
        ),
        (
            "ui/kit/seed.py",
            "from core.commands.files import check",
            "core/commands/files.py",
            "ui/kit/seed.py imports core.commands.files, but ui.kit stands below core.commands",
        ),
        (
            "core/commands/train.py",
            "from ui.shell import text",
            "ui/shell/text.py",
            "core/commands/train.py imports ui.shell.text, but core imports nothing of ui",
        ),
        (
            "pages/live.py",
            "import pages.memory",
            "pages/memory.py",
            "pages/live.py imports pages.memory, but pages.live and pages.memory stand side by side",
        ),
        ("pages/live.py", "import app", "app.py", "pages/live.py imports app, but pages.live stands below app"),
        (
            "core/new/thing.py",
            "from core.run import plan",
            "core/run/plan.py",
            "core/new/thing.py imports core.run.plan, but LAYERS does not name core.new",
        ),
        (
            "ui/new/page.py",
            "from ui.live.cards import Card",
            "ui/live/cards.py",
            "ui/new/page.py imports ui.live.cards, but ui.new and ui.live stand side by side",
        ),
    ],
)
def test_an_import_that_does_not_go_down_is_named(
    tmp_path: Path, file: str, line: str, target: str, sentence: str
) -> None:
    assert wrong_arrows(grow(tmp_path, {target: "", file: line})) == [sentence]


@pytest.mark.parametrize(
    ("file", "line", "target"),
    [
        ("core/train/trainer.py", "import torch\nfrom core.train.updater import Updater", "core/train/updater.py"),
        ("ui/live/page.py", "import streamlit\nfrom core import store", "core/store/__init__.py"),
        ("pages/compare.py", "from ui.compare.page import panel", "ui/compare/page.py"),
        ("app.py", "import streamlit as st\nfrom pages import compare", "pages/compare.py"),
        ("core/__main__.py", "from core.commands import train", "core/commands/train.py"),
    ],
)
def test_an_import_that_goes_down_passes(tmp_path: Path, file: str, line: str, target: str) -> None:
    assert wrong_arrows(grow(tmp_path, {target: "", file: line})) == []


# Circles.


def circles(root: Path) -> list[str]:
    """Return each circle of imports as a sentence, those for types included."""
    found = modules(root)
    done: set[str] = set()
    path: list[str] = []
    said: list[str] = []

    def visit(module: str) -> None:
        if module in path:
            said.append(f"{' -> '.join([*path[path.index(module) :], module])} is a circle of imports")
            return
        if module in done:
            return
        path.append(module)
        for target in targets(found, module, root, "load", "types"):
            visit(target)
        done.add(path.pop())

    for module in found:
        visit(module)
    return said


def test_no_imports_form_a_circle() -> None:
    assert circles(ROOT) == []


@pytest.mark.parametrize(
    ("last", "sentences"),
    [
        ("import core.run.a", ["core.run.a -> core.run.b -> core.run.c -> core.run.a is a circle of imports"]),
        ("from . import a", ["core.run.a -> core.run.b -> core.run.c -> core.run.a is a circle of imports"]),
        ("from core.run import d", []),
        ("def f():\n    import core.run.a", []),
    ],
)
def test_a_circle_is_named(tmp_path: Path, last: str, sentences: list[str]) -> None:
    files = {"a": "from core.run import b", "b": "from core.run.c import f", "c": last, "d": ""}
    assert circles(grow(tmp_path, {f"core/run/{name}.py": text for name, text in files.items()})) == sentences


# What the web server loads.


def is_light(module: str) -> bool:
    return any(module == light or module.startswith(f"{light}.") for light in LIGHT)


def heavy_ways(root: Path) -> list[str]:
    """Return for each light module the shortest way in which it loads a heavy package, as a sentence.

    Imports inside the functions of a light module count, since the function is there to be called.
    """
    found, said = modules(root), []
    for start in filter(is_light, found):
        ways = [[start]]
        seen = {start}
        while ways:
            way = ways.pop(0)
            whens = ("load", "call") if is_light(way[-1]) else ("load",)
            names = [each.name for each in imports(found[way[-1]], root) if each.when in whens]
            heavy = next((name.split(".")[0] for name in names if name.split(".")[0] in HEAVY), None)
            if heavy:
                said.append(f"{found[start].relative_to(root)} loads {heavy}: {' -> '.join([*way, heavy])}")
                break
            for name in names:
                parts = name.split(".")
                packages = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]  # Python loads each on the way
                new = [package for package in packages if package in found and package not in seen]
                seen.update(new)
                ways += [[*way, package] for package in new]
    return said


def test_no_light_module_reaches_a_heavy_package() -> None:
    assert heavy_ways(ROOT) == []


@pytest.mark.parametrize(
    ("files", "sentences"),
    [
        ({"ui/live/page.py": "import torch.nn"}, ["ui/live/page.py loads torch: ui.live.page -> torch"]),
        ({"app.py": "def f():\n    from sklearn import svm"}, ["app.py loads sklearn: app -> sklearn"]),
        (
            {"core/run/plan.py": "from core.run import fields", "core/run/fields.py": "import scipy"},
            [
                "core/run/fields.py loads scipy: core.run.fields -> scipy",
                "core/run/plan.py loads scipy: core.run.plan -> core.run.fields -> scipy",
            ],
        ),
        (
            {
                "pages/live.py": "from core.ensemble.suitability import problem_with",
                "core/ensemble/__init__.py": "import core.ensemble.stack",
                "core/ensemble/suitability.py": "",
                "core/ensemble/stack.py": "import torch",
            },
            ["pages/live.py loads torch: pages.live -> core.ensemble -> core.ensemble.stack -> torch"],
        ),
        (
            {
                "ui/live/page.py": "from core.claims import results",
                "core/claims/results.py": "def f():\n    import torch",
            },
            [],
        ),
        ({"core/store/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"}, []),
        ({"core/train/trainer.py": "import torch"}, []),
    ],
)
def test_the_way_to_a_heavy_package_is_named(tmp_path: Path, files: dict[str, str], sentences: list[str]) -> None:
    assert heavy_ways(grow(tmp_path, files)) == sentences


def light_modules() -> list[str]:
    """Return every light module that may be imported by itself, and every module that one of them imports.

    A page and app.py draw when they are imported, which takes a browser session.
    """
    found = modules(ROOT)
    light = [module for module in found if is_light(module)]
    used = {target for module in light for target in targets(found, module, ROOT, "load", "call")}
    return sorted(module for module in {*light, *used} if module.split(".")[0] not in ("app", "pages"))


@pytest.mark.slow
def test_the_web_server_never_loads_torch() -> None:
    script = f"""
import importlib, sys
for name in {light_modules()!r}:
    importlib.import_module(name)
    for heavy in {HEAVY!r}:
        if heavy in sys.modules:
            sys.exit(f"importing {{name}} loads {{heavy}} into the web server")
"""
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


# Streamlit.


def streamlit_in_core(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)} imports streamlit; only ui/, pages/ and app.py may"
        for module, path in modules(root).items()
        if module.startswith("core") and any(each.name.split(".")[0] == "streamlit" for each in imports(path, root))
    ]


def test_the_engine_knows_no_streamlit() -> None:
    assert streamlit_in_core(ROOT) == []


@pytest.mark.parametrize("line", ["import streamlit as st", "def f():\n    from streamlit.runtime import exists"])
def test_streamlit_in_the_engine_is_named(tmp_path: Path, line: str) -> None:
    grow(tmp_path, {"core/store/runs.py": line, "ui/live/page.py": line})
    assert streamlit_in_core(tmp_path) == ["core/store/runs.py imports streamlit; only ui/, pages/ and app.py may"]

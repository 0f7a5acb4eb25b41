"""Dependencies point one way, `app, pages -> ui -> core`, and the web server stays free of torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Which rooms of this project each room may import.
ALLOWED = {"core": {"core"}, "ui": {"core", "ui"}, "pages": {"core", "ui"}, "app": {"core", "ui", "pages"}}
MAY_IMPORT = {
    "app": "nothing",
    "pages": "only app.py",
    "ui": "only ui/, pages/ and app.py",
    "streamlit": "only ui/, pages/ and app.py",
}
# What the web server must not load: memory and seconds that the host process pays once for all.
HEAVY = ("torch", "sklearn", "scipy")


def sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file of the app with its room."""
    for room in ALLOWED:
        for path in [root / f"{room}.py", *sorted((root / room).rglob("*.py"))]:
            if path.exists():
                yield room, path


def imports(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of every module a file imports, inside functions too.

    `from core import store` yields both "core" and "core.store".
    """
    package = path.relative_to(root).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def violations(root: Path) -> list[str]:
    found: dict[str, None] = {}
    for room, path in sources(root):
        name = path.relative_to(root)
        for _, module in imports(path, root):
            top = module.split(".")[0]
            if top in ALLOWED and top not in ALLOWED[room]:
                found[f"{name} imports {top}; {MAY_IMPORT[top]} may"] = None
            if top == "streamlit" and room == "core":
                found[f"{name} imports streamlit; {MAY_IMPORT['streamlit']} may"] = None
            if top in HEAVY and room != "core":
                found[f"{name} imports {top}; only core/ may, and it asks the host"] = None
    return list(found)


def test_dependencies_point_one_way() -> None:
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line", "sentence"),
    [
        ("core/store.py", "import streamlit as st", "core/store.py imports streamlit; only ui/, pages/ and app.py may"),
        (
            "core/store.py",
            "def f():\n    from streamlit import cache_data",
            "core/store.py imports streamlit; only ui/, pages/ and app.py may",
        ),
        ("core/a/b.py", "from ui import live", "core/a/b.py imports ui; only ui/, pages/ and app.py may"),
        ("core/a/b.py", "import app", "core/a/b.py imports app; nothing may"),
        ("ui/live/page.py", "import pages.compare", "ui/live/page.py imports pages; only app.py may"),
        ("ui/live/page.py", "import torch.nn", "ui/live/page.py imports torch; only core/ may, and it asks the host"),
        ("pages/compare.py", "import app", "pages/compare.py imports app; nothing may"),
        (
            "app.py",
            "from sklearn.datasets import load_digits",
            "app.py imports sklearn; only core/ may, and it asks the host",
        ),
    ],
)
def test_a_wrong_import_is_named_in_a_sentence(tmp_path: Path, file: str, line: str, sentence: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line)
    assert violations(tmp_path) == [sentence]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("core/train/trainer.py", "import torch"),
        ("ui/live/page.py", "import streamlit\nfrom core import store\nfrom ui import session"),
        ("pages/compare.py", "from ui.live.page import panel\nfrom core.run.config import RunConfig"),
        ("app.py", "import streamlit as st\nfrom pages import compare"),
    ],
)
def test_a_right_import_passes(tmp_path: Path, file: str, line: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line)
    assert violations(tmp_path) == []


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def server_modules() -> list[str]:
    """Return every module of core that app, pages or ui imports, and every one of ui."""
    modules = {"core.run.config"}
    for room, path in sources(ROOT):
        if room == "core":
            continue
        modules |= {name for _, name in imports(path, ROOT) if name.startswith("core.") and is_module(name)}
        if room == "ui":
            modules.add(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    return sorted(modules)


def test_the_web_server_never_loads_torch() -> None:
    script = f"""
import importlib, sys
for name in {server_modules()!r}:
    importlib.import_module(name)
    for heavy in {HEAVY!r}:
        if heavy in sys.modules:
            sys.exit(f"importing {{name}} loads {{heavy}} into the web server")
"""
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

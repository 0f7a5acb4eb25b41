"""The tree stays easy to look through: short folders, short modules, and the formatter's own line breaks."""

from __future__ import annotations

import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_FILES = 15  # Python files in a folder
MOST_LINES = 300


def sources(root: Path, *tops: str) -> Iterator[Path]:
    """Yield the Python files of these top folders, and app.py."""
    for path in [root / "app.py", *(path for top in tops for path in sorted((root / top).rglob("*.py")))]:
        if path.exists():
            yield path


def full_folders(root: Path) -> list[str]:
    count = Counter(path.parent for path in sources(root, "core", "ui", "pages", "benchmarks"))
    return [
        f"{folder.relative_to(root)}/ holds {files} Python files; at most {MOST_FILES} are easy to look through"
        for folder, files in count.items()
        if files > MOST_FILES
    ]


def long_modules(root: Path) -> list[str]:
    lines = {path: len(path.read_text().splitlines()) for path in sources(root, "core", "ui", "pages", "benchmarks")}
    return [
        f"{path.relative_to(root)} has {count} lines; split a module of more than {MOST_LINES}"
        for path, count in lines.items()
        if count > MOST_LINES
    ]


def formatter_comments(root: Path) -> list[str]:
    said = []
    for path in sources(root, "core", "ui", "pages", "benchmarks", "tests"):
        with path.open("rb") as file:
            said += [
                f"{path.relative_to(root)}:{token.start[0]} overrules the formatter; take its layout as it is"
                for token in tokenize.tokenize(file.readline)
                if token.type == tokenize.COMMENT and token.string.removeprefix("#").strip().startswith("fmt:")
            ]
    return said


def test_no_folder_holds_more_than_fifteen_python_files() -> None:
    assert full_folders(ROOT) == []


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    assert long_modules(ROOT) == []


def test_no_comment_overrules_the_formatter() -> None:
    assert formatter_comments(ROOT) == []


@pytest.mark.parametrize(
    ("folder", "files", "sentences"),
    [
        ("core/run", 15, []),
        ("core/run", 16, ["core/run/ holds 16 Python files; at most 15 are easy to look through"]),
        ("tests/core", 16, []),
    ],
)
def test_a_full_folder_is_named(tmp_path: Path, folder: str, files: int, sentences: list[str]) -> None:
    for number in range(files):
        path = tmp_path / folder / f"m{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / folder / "style.css").touch()
    assert full_folders(tmp_path) == sentences


@pytest.mark.parametrize(
    ("file", "lines", "sentences"),
    [
        ("ui/live/page.py", 300, []),
        ("ui/live/page.py", 301, ["ui/live/page.py has 301 lines; split a module of more than 300"]),
        ("tests/test_a.py", 301, []),
    ],
)
def test_a_long_module_is_named(tmp_path: Path, file: str, lines: int, sentences: list[str]) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text("pass\n" * lines)
    assert long_modules(tmp_path) == sentences


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        (
            "x = 1  # fmt: skip",
            ["tests/a.py:2 overrules the formatter; take its layout as it is"],
        ),
        ("#fmt:off", ["tests/a.py:2 overrules the formatter; take its layout as it is"]),
        ("x = '# fmt: skip'", []),
    ],
)
def test_a_comment_for_the_formatter_is_named(tmp_path: Path, line: str, sentences: list[str]) -> None:
    path = tmp_path / "tests" / "a.py"
    path.parent.mkdir()
    path.write_text(f"\n{line}\n")
    assert formatter_comments(tmp_path) == sentences

"""Each recipe of CONTRIBUTING.md works when its snippets are applied, and edits no more files than it says."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from core.schedule_bench.results import SHIPPED
from core.words.catalogue import languages
from tests import test_imports

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "CONTRIBUTING.md"
HELD = ("tests/core/words/test_keys.py", "tests/ui/test_literals.py")
SOURCES = ("app.py", "core", "pages", "ui", "pyproject.toml", *HELD)
RECIPES = ("an optimizer", "a schedule", "a data set", "a metric card", "a page", "a language")
HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Snippet:
    """A block of code of the guide: the file that it goes to, and where in the file."""

    language: str
    code: str
    title: str = ""
    into: str = ""  # the list, tuple or dictionary whose last item it becomes: of a name, or of a function's literal
    before: str = ""  # the definition that it precedes


def sections() -> dict[str, str]:
    """Return the text below each heading of the guide."""
    _, *parts = HEADING.split(GUIDE.read_text())
    return dict(zip(parts[::2], parts[1::2], strict=True))


def snippets(recipe: str) -> list[Snippet]:
    found = FENCE.findall(sections()[f"Add {recipe}"])
    return [Snippet(language, code, **dict(OPTION.findall(options))) for language, options, code in found]


# Apply snippets to a copy.


def apply(snippet: Snippet, root: Path) -> None:
    path = root / snippet.title
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(snippet.code)
        return
    text = path.read_text()
    if snippet.into:
        text = with_last_item(text, snippet.into, snippet.code)
    elif snippet.before:
        line = definition(text, snippet.before).lineno - 1
        text = with_lines(text, line, f"{snippet.code}\n\n")
    else:
        text = with_entries(text, snippet.code)
    path.write_text(text)


def definition(text: str, name: str) -> ast.stmt:
    """Return the function or the assignment of a name at the top level of a module."""
    for node in ast.parse(text).body:
        match node:
            case ast.FunctionDef(name=found) if found == name:
                return node
            case ast.Assign(targets=[ast.Name(id=found)]) | ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return node
    raise LookupError(f"there is no {name} at the top level")


def with_last_item(text: str, name: str, code: str) -> str:
    """Return a module with the code as the last item of the longest literal in a definition."""
    literals = [node for node in ast.walk(definition(text, name)) if isinstance(node, ast.List | ast.Tuple | ast.Dict)]
    longest = max(literals, key=lambda node: len(items(node)))
    first, last = items(longest)[0], items(longest)[-1]
    assert last.end_lineno
    line = text.splitlines()[last.end_lineno - 1]
    if first.lineno == last.end_lineno:
        end = line[last.end_col_offset :]
        return with_lines(text, last.end_lineno - 1, f"{line.removesuffix(end)}, {code.rstrip().rstrip(',')}{end}\n", 1)
    above = text.splitlines()[first.lineno - 1]
    margin = above[: len(above) - len(above.lstrip())]
    return with_lines(text, last.end_lineno, textwrap.indent(code, margin))


def items(node: ast.List | ast.Tuple | ast.Dict) -> list[ast.expr]:
    return node.values if isinstance(node, ast.Dict) else node.elts


def with_lines(text: str, line: int, code: str, replaced: int = 0) -> str:
    rows = text.splitlines(keepends=True)
    return "".join([*rows[:line], code, *rows[line + replaced :]])


def with_entries(text: str, code: str) -> str:
    """Return the words with each entry of the code replaced where it is there, or appended."""
    for key, value in tomllib.loads(code).items():
        entry = f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}"
        there = re.compile(rf"^{re.escape(json.dumps(key))} = .*$", re.MULTILINE)
        text = there.sub(lambda _, entry=entry: entry, text) if there.search(text) else f"{text}{entry}\n"
    return text


def titles_in_every_language(title: str, root: Path) -> list[str]:
    """Return a file, and for words that a recipe adds in English those of the other languages; none for a command."""
    if not title.startswith("core/words/en/"):
        return [title] if title else []
    return [title.replace("/en/", f"/{language}/") for language in languages(root / "core/words")]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with all six recipes applied, in the order of the guide."""
    root = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        part = ROOT / name
        if part.is_dir():
            shutil.copytree(part, root / name)  # with the bytecode of the files that no recipe edits
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(part, root / name)
    for recipe in RECIPES:
        for snippet in snippets(recipe):
            for title in titles_in_every_language(snippet.title, root):
                apply(replace(snippet, title=title), root)
            if snippet.code.startswith("cp "):
                subprocess.run(shlex.split(snippet.code), cwd=root, check=True)
    return root


def python(*command: str, root: Path) -> str:
    result = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"BATCHLAB_DATABASE": str(root / "runs.sqlite")},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_run_trains_with_the_new_optimizer_schedule_and_data_set(tree: Path) -> None:
    flags = ("--dataset", "xor", "--optimizer", "rmsprop", "--schedule", "polynomial", "--lr", "0.01", "--epochs", "2")
    first, *_, last = map(json.loads, python("-m", "core", "train", *flags, root=tree).splitlines())
    assert first["total_updates"] == 40  # 2 epochs of 2,000 examples at batch size 100
    assert (last["event"], last["updates"], last["unchanged_updates"]) == ("finished", 40, 0)


OPEN = """
import json, os, sys
from pathlib import Path
from streamlit.testing.v1 import AppTest

shown = {}
for language in ("en", "de"):
    os.environ["BATCHLAB_LANGUAGE"] = language
    test = AppTest.from_file(str(Path.cwd() / "app.py"), default_timeout=60)
    test.switch_page("pages/arithmetic.py").run()
    from core.run.config import RunConfig
    from ui.live.cards import blank, cards

    shown[language] = {
        "exceptions": len(test.exception),
        "titles": [title.value for title in test.title],
        "tables": [table.value.to_dict("list") for table in test.table],
        "cards": [[card.label, card.value] for card in cards(RunConfig(), None, None)],
        "blank": [card.label for card in blank()],
    }
print(json.dumps(shown))
"""


@pytest.fixture(scope="module")
def shown(tree: Path) -> dict[str, Any]:
    """What the new page and the cards show in English and in the new language."""
    opened: dict[str, Any] = json.loads(python("-W", "ignore", "-c", OPEN, root=tree).splitlines()[-1])
    return opened


def test_the_new_page_opens(shown: dict[str, Any]) -> None:
    for language in ("en", "de"):
        assert shown[language]["exceptions"] == 0
        assert shown[language]["titles"] == ["Arithmetic"]
    columns = {"Batch size": ["1", "10", "100", "1,000"], "Updates per epoch": ["10,000", "1,000", "100", "10"]}
    assert shown["en"]["tables"] == [columns]


def test_the_new_card_is_the_last_one(shown: dict[str, Any]) -> None:
    assert shown["en"]["cards"][-1] == ["Epochs", "\u2014"]
    assert shown["en"]["blank"][-1] == "Epochs"
    assert len(shown["en"]["cards"]) == len(shown["en"]["blank"])


def test_the_new_language_has_its_own_words_and_numbers(shown: dict[str, Any]) -> None:
    assert [shown[language]["cards"][0] for language in ("en", "de")] == [
        ["Updates", "500"],
        ["Aktualisierungen", "500"],
    ]
    assert shown["de"]["tables"][0]["Batch size"] == ["1", "10", "100", "1.000"]


def test_every_word_that_the_recipes_add_is_asked_for_and_stands_in_the_catalogue(tree: Path) -> None:
    assert " passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", *HELD, root=tree)


@pytest.mark.parametrize(
    ("recipe", "new", "sibling"), [("a schedule", "polynomial", "linear"), ("a data set", "xor", "moons")]
)
def test_a_recipe_has_every_entry_that_a_sibling_has(recipe: str, new: str, sibling: str) -> None:
    (words,) = [snippet for snippet in snippets(recipe) if is_words(snippet.title)]
    there = tomllib.loads((ROOT / words.title).read_text())
    expected = [key.replace(sibling, new) for key in there if sibling in key.split(".")]
    assert list(tomllib.loads(words.code)) == expected


def test_what_the_recipes_add_keeps_to_the_layers_and_to_the_format(tree: Path) -> None:
    assert test_imports.wrong_arrows(tree) == []
    assert test_imports.circles(tree) == []
    assert test_imports.heavy_ways(tree) == []
    python("-m", "ruff", "format", "--check", "app.py", "core", "pages", "ui", root=tree)
    python("-m", "ruff", "check", "app.py", "core", "pages", "ui", root=tree)


# Count files.


def is_words(title: str) -> bool:
    return title.startswith("core/words/")


@pytest.mark.parametrize(
    ("recipe", "files"),
    [
        ("an optimizer", ["core/run/choices/optimizers.py"]),
        ("a schedule", ["core/run/choices/schedules.py"]),
        ("a data set", ["core/run/choices/datasets.py", "core/datasets/build.py"]),
        ("a metric card", ["ui/live/cards.py"]),
        ("a page", ["ui/arithmetic/__init__.py", "ui/arithmetic/page.py", "pages/arithmetic.py", "ui/shell/pages.py"]),
        ("a language", []),
    ],
)
def test_a_recipe_edits_these_files_and_one_file_of_words_at_most(recipe: str, files: list[str]) -> None:
    titles = list(dict.fromkeys(snippet.title for snippet in snippets(recipe) if snippet.title))
    assert [title for title in titles if not is_words(title)] == files
    assert len(list(filter(is_words, titles))) <= 1


def test_the_schedules_are_recomputed_by_one_command_into_the_file_that_the_page_reads() -> None:
    commands = [shlex.split(snippet.code) for snippet in snippets("a schedule") if snippet.language == "sh"]
    shipped = str(SHIPPED.relative_to(ROOT))
    assert commands == [[".venv/bin/python", "-m", "core", "schedules", "--output", shipped]]


def test_the_table_of_the_tree_has_every_room_from_the_top_layer_down() -> None:
    rows = [line for line in sections()["The tree"].splitlines() if line.startswith("| `")]
    rooms = [room.replace("/", ".") for row in rows for room in re.findall(r"`((?:core|ui)/\w+)/`", row)]
    folders = [path.parent for top in ("core", "ui") for path in (ROOT / top).glob("*/*.py")]
    assert sorted(rooms) == sorted({f"{folder.parent.name}.{folder.name}" for folder in folders})
    ranks = [test_imports.RANK.get(room, test_imports.RANK["ui.*"]) for room in rooms]
    assert ranks == sorted(ranks)


def test_every_command_of_the_guide_is_a_target_of_make() -> None:
    targets = set(re.findall(r"`make (\w+)", GUIDE.read_text()))
    rules = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets >= {"run", "quick", "test", "check"}
    assert targets - rules == set()


def test_every_file_and_folder_of_the_guide_exists() -> None:
    paths = set(re.findall(r"`((?:core|ui|tests|docs)/[\w/]+(?:\.\w+|/))`", GUIDE.read_text()))
    assert len(paths) > 40
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []

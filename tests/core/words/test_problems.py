"""Every code of the engine has a sentence, and every sentence gets the values it names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from core.words.catalogue import catalogue
from core.words.errors import BatchLabError, ConfigError, Problem

ROOT = Path(__file__).parents[3]
CORE = sorted((ROOT / "core").rglob("*.py"))
PREFIX = "problem."
SENTENCES = {
    key.removeprefix(PREFIX): text
    for key, text in catalogue().entries.items()
    if key.startswith(PREFIX) and not key.endswith(".screen")
}


def names_in(text: str) -> set[str]:
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in Formatter().parse(text) if name}


def codes_of(node: ast.expr) -> set[str]:
    """Return the codes an argument may be: a literal, or either side of a conditional."""
    if isinstance(node, ast.IfExp):
        return codes_of(node.body) | codes_of(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def keys_of(node: ast.expr, scope: ast.AST) -> set[str] | None:
    """Return the keys of a dict as written: a literal, a union, or a variable assigned above. None: cannot tell."""
    if isinstance(node, ast.Dict):
        keys: set[str] = set()
        for key in node.keys:
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                return None
            keys.add(key.value)
        return keys
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, right = keys_of(node.left, scope), keys_of(node.right, scope)
        return None if left is None or right is None else left | right
    if isinstance(node, ast.Name):
        above = [
            found
            for found in ast.walk(scope)
            if isinstance(found, ast.Assign)
            and found.lineno < node.lineno
            and any(isinstance(target, ast.Name) and target.id == node.id for target in found.targets)
        ]
        return keys_of(max(above, key=lambda found: found.lineno).value, scope) if above else None
    return None


def problems_in(source: str) -> Iterator[tuple[int, str, set[str] | None]]:
    """Yield line, code and the keys of the values of every `Problem(...)`."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Problem" and node.args):
            continue
        around = [each for each in functions if each.lineno <= node.lineno <= (each.end_lineno or 0)]
        scope = max(around, key=lambda each: each.lineno) if around else tree
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        values = node.args[1] if len(node.args) > 1 else keywords.get("values")
        for code in codes_of(node.args[0]):
            yield node.lineno, code, set() if values is None else keys_of(values, scope)


def complaints(source: str, where: str) -> list[str]:
    found = []
    for line, code, keys in problems_in(source):
        if code not in SENTENCES:
            found.append(f"{where}:{line} uses the code {code!r}, which core/words/en/problems.toml does not have")
        elif keys is not None and (missing := names_in(SENTENCES[code]) - keys):
            found.append(f"{where}:{line} gives {code!r} no {', '.join(sorted(missing))}")
    return found


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_problem_has_a_sentence_and_gives_it_its_values(path: Path) -> None:
    assert complaints(path.read_text(), str(path.relative_to(ROOT))) == []


def test_the_search_finds_a_missing_code_and_a_missing_value() -> None:
    source = (
        'Problem("no_such_code")\n'
        'def check():\n    names = {"field": 1}\n    raise ConfigError(Problem("not_a_choice", names | {"value": 2}))\n'
        'Problem("not_a_choice" if odd else "gone", values)\n'
    )
    assert sorted(complaints(source, "core/x.py")) == [
        "core/x.py:1 uses the code 'no_such_code', which core/words/en/problems.toml does not have",
        "core/x.py:4 gives 'not_a_choice' no choices",
        "core/x.py:5 uses the code 'gone', which core/words/en/problems.toml does not have",
    ]


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_can_be_made_from_its_values(code: str) -> None:
    made = catalogue().explain(code, **dict.fromkeys(names_in(SENTENCES[code]), 1_234))
    assert made
    assert "{" not in made


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_is_used_somewhere(code: str) -> None:
    sources = [*CORE, *ROOT.glob("*.py"), *(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    assert any(f'"{code}"' in path.read_text() for path in sources)


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        catalogue().explain("no_such_code")


def test_an_error_reads_as_its_sentences() -> None:
    first = Problem("not_json", {"value": "x"})
    second = Problem("out_of_bounds", {"field": "seed", "value": -1, "low": 0, "high": 9_999})
    error = ConfigError(first, second)
    assert isinstance(error, BatchLabError)
    assert str(error) == "expected a run as a JSON object, got 'x'; seed must be between 0 and 9,999, got -1"

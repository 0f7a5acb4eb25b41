"""The style sheets and the script of every page."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui.shell import assets

ROOT = Path(__file__).parents[3]
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def style() -> str:
    return COMMENT.sub("", assets.style())


def sources() -> Iterator[ast.Module]:
    for folder in ("ui", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ast.parse(path.read_text())


def pattern(node: ast.expr) -> str | None:
    """Return a text as a pattern, with * for what is filled in; None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    return None


def called(node: ast.expr) -> str:
    """Return the name of a function without that of its module."""
    return ast.unparse(node).split(".")[-1]


def key_parameters(module: ast.Module) -> dict[str, int]:
    """Return the functions that pass one of their parameters on as a key, with the place of that parameter."""
    found = {}
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef):
            names = [parameter.arg for parameter in function.args.args]
            for node in ast.walk(function):
                value = node.value if isinstance(node, ast.keyword) and node.arg == "key" else None
                if isinstance(value, ast.Name) and value.id in names:
                    found[function.name] = names.index(value.id)
    return found


def keys() -> set[str]:
    """Return the keys that the modules of ui/ and pages/ give to widgets and containers, as patterns."""
    modules = list(sources())
    passed_on = {name: place for module in modules for name, place in key_parameters(module).items()}
    found = set()
    for node in (node for module in modules for node in ast.walk(module)):
        if not isinstance(node, ast.Call):
            continue
        values = [keyword.value for keyword in node.keywords if keyword.arg == "key"]
        name = called(node.func)
        if name in passed_on and len(node.args) > passed_on[name]:
            values.append(node.args[passed_on[name]])
        found |= {text for value in values if (text := pattern(value)) is not None}
        if ast.unparse(node.func) == "plots.draw":
            is_part = any(keyword.arg == "part" for keyword in node.keywords)
            found.add(f"chart_{called(node.args[0])}{'_*' if is_part else ''}")
    return found


def test_every_style_sheet_of_ui_is_part_of_the_style() -> None:
    files = sorted(path.relative_to(ROOT / "ui").as_posix() for path in (ROOT / "ui").rglob("*.css"))
    assert sorted(assets.SHEETS) == files


def test_every_custom_property_that_is_used_is_defined_and_every_defined_one_is_used() -> None:
    used = set(re.findall(r"var\((--[\w-]+)\)", style()))
    defined = re.findall(r"(--[\w-]+):", style())
    assert used == set(defined)
    assert len(defined) == len(set(defined))


def test_colours_are_only_in_the_tokens() -> None:
    for name in assets.SHEETS[1:]:
        text = COMMENT.sub("", (ROOT / "ui" / name).read_text())
        assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsl|light-dark|color-mix", text) == [], name


def test_no_style_sheet_has_words_of_its_own() -> None:
    contents = re.findall(r"content: ([^;}]+)", style())
    assert sorted(contents) == ['""', r'"\2713\00a0"', "attr(data-text)", "var(--word-menu)"]


def test_every_key_in_a_selector_is_drawn_by_a_module() -> None:
    drawn = keys()
    exact = set(re.findall(r"\.st-key-([\w-]+)", style()))
    starts = set(re.findall(r'\[class\*="st-key-([\w-]+)"\]', style()))
    assert len(exact) > 20
    assert [key for key in sorted(exact) if not any(fnmatchcase(key, each) for each in drawn)] == []
    assert [key for key in sorted(starts) if f"{key}*" not in drawn] == []


def test_a_key_that_nobody_draws_would_be_found() -> None:
    assert not any(fnmatchcase("a_removed_container", each) for each in keys())


@pytest.mark.parametrize(
    ("text", "css"),
    [
        ("Setup", '"Setup"'),
        ("\uc124\uc815", '"\uc124\uc815"'),
        ('a"b', r'"a\22 b"'),
        ("a\\b\nc", r'"a\5c b\a c"'),
        ("</style><b>", r'"\3c \2f style\3e \3c b\3e "'),
    ],
)
def test_a_word_cannot_end_its_css_string(text: str, css: str) -> None:
    assert assets.quoted(text) == css


def test_the_word_on_the_sidebar_button_comes_from_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    assert '--word-menu: "Menu";' in assets.style()
    monkeypatch.setattr(assets, "say", lambda key: {"menu": "Auswahl"}[key])
    assert '--word-menu: "Auswahl";' in assets.style()


def test_a_page_has_one_style_and_one_script(app: Callable[..., AppTest]) -> None:
    bodies = [element.proto.body for element in app().get("html")]
    assert [body for body in bodies if "<style>" in body] == [assets.style()]
    assert [body for body in bodies if "<script>" in body] == [assets.script()]
    assert "batchLabListens" in assets.script()

"""No sentence stands in the code of pages/ or ui/: the syntax trees hold keys, codes and markup only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).parents[2]
SENTENCE = re.compile(r"[^\W\d_]{2,}[,:;]? [^\W\d_]+[,:;]? [^\W\d_]{2,}")  # three words in a row
MARKUP = re.compile(r"<[^>]*>?|:[a-z-]+\[|:material/\w+:|\w+=['\"]")
WORD = re.compile(r"[^\W\d_]{2,}")
# What draws its first argument as text.
DRAWING = {
    "badge",
    "button",
    "caption",
    "checkbox",
    "code",
    "download_button",
    "error",
    "expander",
    "header",
    "info",
    "link_button",
    "markdown",
    "metric",
    "multiselect",
    "number_input",
    "page_link",
    "pills",
    "popover",
    "radio",
    "segmented_control",
    "select_slider",
    "selectbox",
    "slider",
    "subheader",
    "success",
    "tab",
    "tabs",
    "text",
    "text_area",
    "text_input",
    "title",
    "toggle",
    "warning",
    "write",
}


def is_docstring(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    parent = parents.get(node)
    return isinstance(parent, ast.Expr) and isinstance(parents.get(parent), ast.Module | ast.ClassDef | ast.FunctionDef)


def is_raised(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Return whether a text is that of an error for developers."""
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.Raise):
            return True
    return False


def is_from_ui(node: ast.AST) -> TypeGuard[ast.ImportFrom]:
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ui"


def literals(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every sentence in a source, and of every text that is drawn as it stands."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    ours = {alias.name for node in ast.walk(tree) if is_from_ui(node) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_text = SENTENCE.search(MARKUP.sub(" | ", node.value))
            if is_text and not is_docstring(node, parents) and not is_raised(node, parents):
                yield node.lineno, node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DRAWING:
            if isinstance(node.func.value, ast.Name) and node.func.value.id in ours:
                continue  # `widgets.slider("batch_size", ...)` takes a key
            texts = [arg for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            yield from ((text.lineno, text.value) for text in texts if WORD.search(MARKUP.sub(" ", text.value)))


@pytest.mark.parametrize("room", ["ui", "pages"])
def test_no_sentence_stands_in_the_code(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} says {text!r}; put it into core/words/en"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, text in literals(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('st.caption("Loss")', ["Loss"]),
        ('place.button(":material/stop: Stop")', [":material/stop: Stop"]),
        ('text = "the loss has fallen"', ["the loss has fallen"]),
        ('text = f"the loss has fallen to {loss}"', ["the loss has fallen to "]),
        ('st.caption(say("chart.loss"))', []),
        ('"""Draw the loss of a run."""\nKEY = "limit name"', []),
        ('raise ValueError("a chart needs a table")', []),
        ("st.html(\"<table class='results wide tall'>\")", []),
        ('st.markdown("\\u00a0")', []),
        ('from ui.setup import widgets\nwidgets.slider("batch_size")', []),
        ('from ui.setup import widgets\nwidgets.slider("Batch size of a run")', ["Batch size of a run"]),
    ],
)
def test_the_search_tells_sentences_from_keys_and_markup(source: str, found: list[str]) -> None:
    assert [text for _, text in literals(source)] == found

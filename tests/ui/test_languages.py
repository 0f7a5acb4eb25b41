"""Every page speaks another language throughout: shown here in a pseudo-language whose words are all marked.

A text without the mark was not taken from the catalogue; a missing key stops the page.
"""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from babel import Locale
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from core.claims.claims import CLAIMS
from core.run.choices.datasets import DATASETS
from core.run.config import FIELDS
from core.run.fields import CHOICES
from tests import pseudo
from ui.shell.pages import PAGES

# Fields of Streamlit's messages that a person never reads.
CODES = {
    "command",
    "data",
    "deferred_file_id",
    "element_id",
    "format",
    "icon",
    "id",
    "key",
    "language",
    "page",
    "page_script_hash",
    "query_param_key",
    "query_string",
    "shortcut",
    "spec",
    "tag",
    "theme",
    "type",
    "url",
    "width",
}
# What reads alike in every language: units, keys of a keyboard, products, and codes of settings.
UNITS = {"e", "B", "KiB", "MiB", "GiB", "ms", "s", "m", "h", "x"}
KEYBOARD = {"Ctrl", "Alt", "Enter", "J", "L", "N", "P", "U", "X"}
PRODUCTS = {"torch", "cpu", "AVX"}
# What Babel writes in the language that the pseudo-language varies.
BABEL = {"and", "AM", "PM", *Locale("en").months["format"]["wide"].values()}
# The error of the simulated device keeps PyTorch's own words, which training tools search for.
PYTORCH = "CUDA out of memory."
HANGUL = re.compile("[\uac00-\ud7a3]")
# A tensor on the memory chart, by its module, operation and shape: "conv1: convolution (1000, 16, 8, 8)"; an operation
# by itself, "ones_like"; and a word at which a long value is cut short.
TENSOR = re.compile(r"(?:[\w.]+: )?\w+ \(\d[\d, ]*\)|\w+\u2026|(?<!/)\b[a-z]+(?:_[a-z0-9]+)+\b")


@pytest.fixture(scope="module", autouse=True)
def language(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("words")
    pseudo.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATCHLAB_WORDS", str(folder))
        patch.setenv("BATCHLAB_LANGUAGE", pseudo.LANGUAGE)
        yield


def alike() -> set[str]:
    """Return the words that a page may show as they are."""
    codes = {word for name in FIELDS for word in name.split("_")} | set(FIELDS)
    codes |= {word for choices in CHOICES.values() for choice in choices for word in re.findall(r"[^\W\d_]+", choice)}
    codes |= {word for name in DATASETS for word in re.findall(r"[^\W\d_]+", name)}
    codes |= {re.sub(r"\d", "", code) for code in CLAIMS}
    return codes | UNITS | KEYBOARD | PRODUCTS | BABEL


def strings(message: Message) -> Iterator[str]:
    """Yield the texts of an element that a person may read, without links."""
    for field, value in message.ListFields():
        if field.name in CODES:
            continue
        for item in [value] if isinstance(value, str | bytes) or not hasattr(value, "__iter__") else value:
            if isinstance(item, Message):
                yield from strings(item)
            elif isinstance(item, str) and not item.startswith(("<style", "<script", "/?", PYTORCH)):
                yield item


def words_of_chart(message: Message) -> Iterator[str]:
    """Yield the titles and texts of a chart, the names in its legends and of its columns, and its table's labels."""
    spec = json.loads(message.spec)  # type: ignore[attr-defined]

    def walk(node: Any, key: str = "") -> Iterator[str]:
        if isinstance(node, dict):
            for name, value in node.items():
                yield from walk(value, name)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value, key)
        elif isinstance(node, str) and key in ("title", "subtitle", "text", "description"):
            yield node
        elif isinstance(node, str) and key == "labelExpr":
            yield from re.findall(r"'[^']*': '((?:[^'\\]|\\.)*)'", node)

    yield from walk(spec)
    yield from (columns := spec["usermeta"]["columns"]).values()
    label = columns.get("label", "label")
    named = {each.name: each.data.data for each in message.datasets}  # type: ignore[attr-defined]
    for name, data in named.items() or [("", message.data.data)]:  # type: ignore[attr-defined]
        table = pa.ipc.open_stream(data).read_all()
        if name == "readable":
            yield from table.column_names
        elif label in table.column_names:
            yield from filter(None, table[label].to_pylist())


def unmarked(test: AppTest) -> dict[str, list[str]]:
    """Return the texts of a page that hold words without the mark, with those words."""
    known = alike()
    found: dict[str, list[str]] = {}
    for node in test._tree:
        message = getattr(node, "proto", None)
        if not isinstance(message, Message):
            continue
        texts = [*strings(message), *(words_of_chart(message) if hasattr(message, "spec") else ())]
        for text in texts:
            shown = TENSOR.sub("", html.unescape(text))
            words = [word for word in pseudo.unmarked_words(shown) if word not in known and not HANGUL.search(word)]
            if words:
                found[text] = words
    return found


def page(app: Callable[..., AppTest], name: str, **query: object) -> AppTest:
    test = app(**query)
    if name != PAGES[0].name:
        test.switch_page(f"pages/{name}.py").run()
    assert not test.exception
    return test


def test_the_pseudo_language_marks_words_and_leaves_values_and_markup_alone() -> None:
    text = pseudo.marked("**Start** {count:,} runs :material/play: <b>now</b>")
    assert re.sub(pseudo.MARK, "", text) == "**Start** {count:,} runs :material/play: <b>now</b>"
    assert text.count(pseudo.MARK) == 2 + 2 + 1  # 30% of 5, 4 and 3 letters, rounded up
    assert pseudo.unmarked_words(text) == []
    assert pseudo.unmarked_words(f"{text} of 12 updates") == ["of", "updates"]


@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_a_page_has_all_its_words_from_the_catalogue(app: Callable[..., AppTest], name: str) -> None:
    assert unmarked(page(app, name)) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"dataset": "digits", "budget_value": 1},
        {"dataset": "digits", "model": "cnn", "batch_size": 1_000, "memory_limit_mb": 1, "budget_value": 1},
        {"dataset": "moons", "lr": 900, "optimizer": "sgd", "budget_value": 1},
    ],
    ids=["finished", "out of memory", "diverged"],
)
def test_a_run_and_its_end_are_told_in_the_words_of_the_catalogue(
    app: Callable[..., AppTest], settings: dict[str, object]
) -> None:
    test = page(app, "live", **settings)
    test.button(key="start").click().run()
    until = time.monotonic() + 60
    while not test.button(key="stop").disabled:
        assert time.monotonic() < until
        time.sleep(0.2)
        test.run()
    assert not test.exception
    assert unmarked(test) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 20_000, "lr": -1, "epochs": 3},
        {"dataset": "digits", "batch_size": 5_000},
        {"run": "no-such-run"},
    ],
    ids=["refused", "too large", "unknown run"],
)
def test_a_refusal_is_told_in_the_words_of_the_catalogue(
    app: Callable[..., AppTest], settings: dict[str, object]
) -> None:
    assert unmarked(page(app, "live", **settings)) == {}

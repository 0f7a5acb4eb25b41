"""Every key that the code asks for has words, and every entry is asked for.

Keys are read from the syntax trees. Where a key is put together (`say(f"form.{name}")`) each part that varies must
be a text that stands somewhere in the code, such as the code of a record: no list of kinds is kept by hand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from core.words.catalogue import catalogue

ROOT = Path(__file__).parents[3]
ASKING = {"say", "count"}
PLURAL = re.compile(r"\.(zero|one|two|few|many|other)$")
ENTRIES = catalogue().entries


@cache
def trees() -> tuple[ast.AST, ...]:
    files = [ROOT / "app.py"]
    for folder in ("pages", "ui", "core"):
        files += sorted((ROOT / folder).rglob("*.py"))
    return tuple(ast.parse(file.read_text()) for file in files)


def patterns(node: ast.expr) -> Iterator[str]:
    """Yield the keys that an argument may be, with a NUL for each part that varies."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
        yield "".join(str(part) for part in parts)
    elif isinstance(node, ast.IfExp):
        yield from patterns(node.body)
        yield from patterns(node.orelse)


@cache
def asked() -> frozenset[str]:
    """Return the patterns of the keys that are asked for where the key stands in the call itself."""
    found = set()
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in ASKING:
                    found |= {pattern for pattern in patterns(node.args[0]) if pattern.strip("\0.")}
    return frozenset(found)


@cache
def written() -> frozenset[str]:
    """Return all texts of the code, put together or not, that could be a key, and the names of functions.

    A chart has the name of its function.
    """
    nodes = [node for tree in trees() for node in ast.walk(tree)]
    names = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    texts = {pattern for node in nodes if isinstance(node, ast.expr) for pattern in patterns(node)}
    return frozenset(names | {text for text in texts if text and len(text) < 80})


def expression(pattern: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(re.escape(part) for part in pattern.split("\0")))


@cache
def put_together() -> tuple[re.Pattern[str], ...]:
    """Return the patterns with a part that varies and letters enough to tell them from any text."""
    return tuple(
        expression(text) for text in written() if "\0" in text and (len(text.strip("\0._")) > 2 or text == "\0_\0")
    )


def is_made(text: str, depth: int = 2) -> bool:
    """Return whether a text stands in the code, or is put together there from texts that do."""
    if text in written() or text in ("", "True", "False") or text.isdecimal():
        return True
    if depth == 0:
        return False
    matches = (pattern.fullmatch(text) for pattern in put_together())
    return any(match and all(is_made(part, depth - 1) for part in match.groups()) for match in matches)


def is_asked_for(key: str) -> bool:
    return is_made(key) or is_made(PLURAL.sub("", key))


def test_every_key_that_is_asked_for_has_words() -> None:
    keys = {name for key in ENTRIES for name in (key, PLURAL.sub("", key))}
    assert len(asked()) > 200
    missing = [
        pattern.replace("\0", "{}")
        for pattern in asked()
        if (pattern not in keys if "\0" not in pattern else not any(map(expression(pattern).fullmatch, keys)))
    ]
    assert missing == []


def test_every_entry_is_asked_for() -> None:
    assert [key for key in ENTRIES if not is_asked_for(key)] == []


def test_a_plural_has_both_of_the_english_forms() -> None:
    plurals = {PLURAL.sub("", key) for key in ENTRIES if PLURAL.search(key)}
    assert len(plurals) > 30
    assert [f"{key}.{form}" for key in plurals for form in ("one", "other") if f"{key}.{form}" not in ENTRIES] == []


def test_no_entry_is_empty_and_none_has_a_value_without_a_name() -> None:
    for key, text in ENTRIES.items():
        assert text.strip(), key
        assert not re.search(r"\{\d*[:!}]", text), key

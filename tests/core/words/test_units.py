"""Sizes of memory are in binary units, and no sentence mixes two of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.words.catalogue import catalogue

ROOT = Path(__file__).parents[3]
BINARY = re.compile(r"\b[KMGT]iB\b")
DECIMAL = re.compile(r"(?<![-_])\b[kKMGT]B\b")  # the flag --memory-limit-mb is lower case
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("text", ["T4, 16 GB", "about 20 MB", "3 kB"])
def test_decimal_units_are_found(text: str) -> None:
    assert DECIMAL.search(text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_documentation_has_no_decimal_units(path: Path) -> None:
    assert DECIMAL.findall(path.read_text()) == []


def test_no_sentence_has_a_decimal_unit_or_two_binary_ones() -> None:
    entries = catalogue().entries
    assert [key for key, text in entries.items() if DECIMAL.search(text)] == []
    assert [key for key, text in entries.items() if len(set(BINARY.findall(text))) > 1] == []


def test_a_unit_that_the_words_spell_out_is_that_of_a_field_or_of_a_small_size() -> None:
    """A size in a sentence is a value that `Catalogue.mib` writes, so that its unit follows its size."""
    spelt = {key for key, text in catalogue().entries.items() if BINARY.search(text)}
    names = {key for key in spelt if key.split(".")[0] in ("form", "label", "own", "setting", "axis")}
    assert spelt - names == {"claim.C1.test", "claim.C8.test", "claims.evidence.C8.y"}

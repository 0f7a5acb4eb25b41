"""Make a pseudo-language from the English: every word marked and the text about 30% longer.

Whatever a page shows without the mark did not come from the catalogue. What is cut off in this language would be
cut off in a real one.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from pathlib import Path

LANGUAGE = "en_XA"
MARK = "\u1e8b"  # a letter, so that it stays within its word; no language here uses it
GROWTH = 0.3
# What is not text: values, HTML, entities, Markdown's icons, colours, code, formulas and addresses.
MARKUP = re.compile(
    r"(\{[^}]*\}|<[^>]*>|&\w+;|:material/\w+:|:[a-z]+(?:-badge|-background)?\[|`[^`]*`|\]\([^)]*\)|https?://\S+|\$[^$]*\$)"
)
RAISED = "\u00b2\u00b3\u00b9\u2070-\u2079"  # the digits of a power of ten
WORD = re.compile(rf"[^\W\d_{RAISED}]+(?:['\u2019][^\W\d_{RAISED}]+)*")


def marked(text: str) -> str:
    """Return a text with all its words marked and lengthened; values and markup stay as they are."""
    parts = MARKUP.split(text)
    parts[::2] = [WORD.sub(lambda word: word[0] + MARK * math.ceil(GROWTH * len(word[0])), part) for part in parts[::2]]
    return "".join(parts)


def unmarked_words(text: str) -> list[str]:
    """Return the words of a shown text that do not carry the mark."""
    plain = "".join(MARKUP.split(text)[::2])
    return [word for word in WORD.findall(plain) if MARK not in word]


def write(folder: Path) -> None:
    """Write the pseudo-language into a folder of languages."""
    english = Path(__file__).parents[1] / "core" / "words" / "en"
    (folder / LANGUAGE).mkdir(parents=True)
    for path in english.glob("*.toml"):
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        # A JSON string is a TOML string too.
        lines = [f"{json.dumps(key)} = {json.dumps(marked(text))}\n" for key, text in entries.items()]
        (folder / LANGUAGE / path.name).write_text("".join(lines), encoding="utf-8")

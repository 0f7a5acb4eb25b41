"""Read the style sheets and the script that are part of every page."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from ui.shell.pages import PAGES
from ui.shell.text import say

UI = Path(__file__).parents[1]
# Later sheets win over earlier ones of the same specificity.
SHEETS = (
    "shell/tokens.css",
    "shell/style.css",
    "kit/style.css",
    "setup/style.css",
    *(page.style for page in PAGES if page.style),
)
SCRIPTS = ("shell/shortcut.js", "shell/zoom.js")
# Custom properties that hold words, with the key of each.
WORDS = {"--word-menu": "menu"}


def style() -> str:
    """Return one style element with all style sheets and the words that they show."""
    words = " ".join(f"{name}: {quoted(say(key))};" for name, key in WORDS.items())
    return f"<style>\n:root {{ {words} }}\n{_sheets()}</style>"


@cache
def script() -> str:
    """Return the script element: keys that Streamlit does not know, and the ranges of charts."""
    paths = json.dumps([page.path or "./" for page in PAGES])
    scripts = "".join((UI / name).read_text() for name in SCRIPTS)
    return f"<script>\nwindow.batchLabPages = {paths}\n{scripts}</script>"


def quoted(text: str) -> str:
    """Return a text as a CSS string, with everything escaped that could end the string or the style element."""
    safe = "".join(sign if sign.isalnum() or sign in " -." else f"\\{ord(sign):x} " for sign in text)
    return f'"{safe}"'


@cache
def _sheets() -> str:
    return "".join((UI / name).read_text() for name in SHEETS)

"""Write results as an HTML table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    label: str,
    name: str = "",
    chosen: int | None = None,
    numeric: Collection[int] = (),
) -> str:
    """Return a table of texts, which are escaped, in a region that scrolls where it is too wide.

    `label` names the region for screen readers and `name` is a CSS class of the table. The row with the number
    `chosen` is bold and the columns in `numeric` are aligned to the right. An empty head is left out.
    """
    lines = [_row(head, "th scope='col'", numeric)] if head else []
    lines += [
        _row(cells, "td", numeric, css_class="chosen" if number == chosen else "") for number, cells in enumerate(rows)
    ]
    css_classes = f"results {name}".rstrip()
    # A region that scrolls must take the focus, or the keyboard cannot scroll it.
    return (
        f"<div class='wide' role='region' tabindex='0' aria-label='{escape(label)}'>"
        f"<table class='{css_classes}'>{''.join(lines)}</table></div>"
    )


def _row(cells: Sequence[str], tag: str, numeric: Collection[int], *, css_class: str = "") -> str:
    name = tag.split()[0]
    inner = "".join(
        f"<{tag}{_css_class('number' if column in numeric else '')}>{escape(text)}</{name}>"
        for column, text in enumerate(cells)
    )
    return f"<tr{_css_class(css_class)}>{inner}</tr>"


def _css_class(name: str) -> str:
    return f" class='{name}'" if name else ""

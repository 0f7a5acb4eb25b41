"""Draw the small pictures on the cards as SVG data URLs. They repeat the numbers of the card as shapes."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from ui.charts.style import BLUE, LIMIT_COLOUR

WIDTH, HEIGHT, EDGE = 120.0, 24.0, 2.0
MOST_TICKS = 60  # more would run together into a bar
FAINT = "#8f959d59"  # visible on white and on black
STROKE = f'fill="none" stroke="{BLUE}" stroke-width="1.5" vector-effect="non-scaling-stroke"'
SAFE = " =/:,.;()"  # characters that a URL in double quotes may contain unescaped
OPEN = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none">'


def _picture(content: str) -> str:
    # An image, because Streamlit removes inline SVG from HTML.
    return f'<img alt="" src="data:image/svg+xml,{quote(f"{OPEN}{content}</svg>", safe=SAFE)}">'


NOTHING = _picture("")
TREND = 5  # values: fewer show no trend


def line(values: Sequence[float] | NDArray[np.float64]) -> str:
    """Draw values from left to right, the lowest at the bottom; nothing if they are too few for a trend."""
    if len(values) < TREND:
        return NOTHING
    low, high = min(values), max(values)
    height = (HEIGHT - 2 * EDGE) / (high - low) if high > low else 0.0
    step = WIDTH / (len(values) - 1)
    base = HEIGHT - EDGE if high > low else HEIGHT / 2
    points = " ".join(f"{step * place:.1f},{base - height * (value - low):.1f}" for place, value in enumerate(values))
    return _picture(f'<polyline points="{points}" {STROKE}/>')


def progress(share: float) -> str:
    """Draw a bar filled up to a share between 0 and 1."""
    return _picture(_bar(WIDTH, FAINT) + _bar(WIDTH * min(max(share, 0.0), 1.0), BLUE))


def against_limit(size: float, limit: float | None) -> str:
    """Draw a size as a bar, with a dashed rule at the limit if there is one."""
    if not limit:
        return _picture(_bar(WIDTH, BLUE))
    end = max(size, limit) * 1.05
    place = WIDTH * limit / end
    rule = f'<path d="M{place:.1f} 0V{HEIGHT:g}" {STROKE} stroke-dasharray="4 3"/>'.replace(BLUE, LIMIT_COLOUR)
    return _picture(_bar(WIDTH, FAINT) + _bar(WIDTH * size / end, BLUE) + rule)


def ticks(count: int) -> str:
    """Draw an epoch with a stroke for each of its updates, up to MOST_TICKS."""
    drawn = min(count, MOST_TICKS)
    step = WIDTH / drawn
    strokes = "".join(f"M{step * (place + 0.5):.1f} {EDGE:g}V{HEIGHT - EDGE:g}" for place in range(drawn))
    return _picture(f'<path d="{strokes}" {STROKE}/>')


def _bar(width: float, colour: str) -> str:
    return f'<rect y="{HEIGHT / 2 - 3:g}" width="{width:.1f}" height="6" fill="{colour}"/>'

"""Write small pictures as data URLs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colour = tuple[int, int, int, int]  # red, green, blue, and opacity


def grey(image: NDArray[np.uint8]) -> str:
    """Return a picture (height, width) of 0, black, to 255, white."""
    return _address(Image.fromarray(image))


def tinted(shares: bytes, side: int, colours: Sequence[Colour]) -> str:
    """Return a square of shares in 255ths, its rows from the bottom up, coloured along three `colours`."""
    table = np.frombuffer(shares, np.uint8).reshape(side, side)[::-1]
    stops = np.linspace(0, 255, len(colours))
    channels = [np.interp(table, stops, [colour[channel] for colour in colours]) for channel in range(4)]
    return _address(Image.fromarray(np.stack(channels, -1).round().astype(np.uint8)))


def _address(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

"""Small pictures, read back pixel by pixel."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ui.kit import png

BLACK, WHITE, ORANGE, CLEAR = (0, 0, 0, 255), (255, 255, 255, 255), (255, 155, 45, 128), (150, 152, 145, 0)


def read(address: str) -> Image.Image:
    head, _, content = address.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(content, validate=True)))


def test_a_grey_picture_has_the_pixels_that_it_was_given() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16), np.uint8)
    image = read(png.grey(pixels))
    assert (image.format, image.mode, image.size) == ("PNG", "L", (16, 8))
    assert np.array_equal(np.asarray(image), pixels)


def test_a_tinted_picture_has_its_first_row_at_the_bottom() -> None:
    image = read(png.tinted(bytes([0, 0, 255, 255]), 2, (BLACK, WHITE)))
    assert (image.mode, image.size) == ("RGBA", (2, 2))
    assert np.asarray(image).tolist() == [[list(WHITE)] * 2, [list(BLACK)] * 2]


def test_a_tinted_picture_has_its_first_column_on_the_left() -> None:
    image = read(png.tinted(bytes([0, 255, 0, 255]), 2, (BLACK, WHITE)))
    assert np.asarray(image).tolist() == [[list(BLACK), list(WHITE)]] * 2


@pytest.mark.parametrize(
    ("share", "pixel"),
    [
        (0, ORANGE),
        (255, (45, 149, 245, 128)),
        (51, (213, 154, 85, 77)),  # two fifths of the way to the middle
        (204, (87, 150, 205, 77)),
        (127, CLEAR),
    ],
)
def test_a_share_is_a_colour_between_its_neighbours(share: int, pixel: tuple[int, int, int, int]) -> None:
    image = read(png.tinted(bytes([share]), 1, (ORANGE, CLEAR, (45, 149, 245, 128))))
    assert np.abs(np.asarray(image)[0, 0].astype(int) - pixel).max() <= 1

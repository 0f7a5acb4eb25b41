"""Take the pictures of README.md and of this folder from a running app: `make pictures`, with names as ARGS or all.

Stills are PNG files; the one in motion shows how two clicks train batch size 1,000 after batch size 100. The claims
quote an article in Korean, so Chromium needs a font with Hangul (Debian: fonts-nanum).
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

from benchmarks.server import serve
from tests.browser.find_chromium import ARGUMENTS, find

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1280, 800
TALL = 1000  # height for pages whose first chart ends below HEIGHT
WAIT_MS = 120_000  # the first training and the first prediction of a server load torch
MENU = 70  # pixels that it covers
SETTLED_S = 1.5  # charts are drawn after their elements are there
COLOURS = 256  # size of the palette

MOVING = "two-clicks"
MOVING_WIDTH = 960
SMALL_BATCH, LARGE_BATCH = "500 / 500", "50 / 50"  # updates, when they have ended
EVERY_S = 0.15  # between two frames
STILL_MS, LAST_MS = 1_500, 5_000  # how long a frame stands before a click, and at the end
# Tooltips would cover the form. A screenshot has no pointer, so a circle follows the mouse.
NO_TOOLTIPS = """
addEventListener('DOMContentLoaded', () => {
    const style = document.createElement('style');
    style.textContent = '[data-testid=stTooltipContent] { display: none; }';
    document.head.append(style);
});
"""
POINTER = """
const pointer = document.createElement('div');
pointer.style.cssText = 'position:fixed;z-index:9999999;width:26px;height:26px;margin:-13px;border-radius:50%;'
    + 'background:#e8590c99;border:2px solid #e8590c;pointer-events:none;left:-50px;top:-50px';
document.body.append(pointer);
addEventListener('mousemove', event => {
    pointer.style.left = `${event.clientX}px`;
    pointer.style.top = `${event.clientY}px`;
}, true);
"""


@dataclass(frozen=True)
class Picture:
    """A still of one page: its address, the element to wait for, and what to do before the picture is taken."""

    address: str
    waits_for: str
    prepare: Callable[[Page], None] = lambda page: None
    height: int = HEIGHT
    top: str = ""  # the element at the top of the picture; without it, the top of the page


def button(page: Page, key: str) -> Locator:
    """Return a button by its key; one with a tooltip is there twice, for a mouse and for a finger."""
    return page.locator(f".st-key-{key} button").filter(visible=True).first


def start(page: Page) -> None:
    """Start the run of the form and wait until its id is in the URL."""
    expect(button(page, "start")).to_be_enabled(timeout=WAIT_MS)
    before = page.url
    button(page, "start").click()
    page.wait_for_function(
        "before => location.href !== before && new URLSearchParams(location.search).has('run')",
        arg=before,
        timeout=WAIT_MS,
    )


def train_small_batch(page: Page) -> None:
    """Train batch size 100 to its end. Reloading shows this run, not the recorded one with the same numbers."""
    start(page)
    page.reload()
    expect_updates(page, SMALL_BATCH)


def expect_updates(page: Page, text: str) -> None:
    expect(page.locator(".card strong").first).to_have_text(text, timeout=WAIT_MS)


def two_runs(page: Page) -> None:
    """Train batch size 100, then 1,000, so that the first run is shown behind the second."""
    train_small_batch(page)
    button(page, "article_1000").click()
    expect(page.locator(".st-key-batch_size input").first).to_have_value("1000", timeout=WAIT_MS)
    start(page)
    expect_updates(page, LARGE_BATCH)


def out_of_memory(page: Page) -> None:
    start(page)
    expect(page.locator("[class*=st-key-remedy_line_]").nth(3)).to_be_visible(timeout=WAIT_MS)


STILLS = {
    "live": Picture("", ".cards", two_runs, height=TALL),
    "out-of-memory": Picture("?model=cnn&budget_value=2", ".cards", out_of_memory, top=".st-key-black_box"),
    "memory": Picture("memory?model=cnn", ".st-key-memory_depths .marks"),
    "trajectories": Picture("trajectories", ".st-key-trajectories_more .marks"),
    "compare": Picture("compare", ".st-key-compare_charts .marks"),
    "claims": Picture("claims", ".st-key-claims_shown .marks"),
    "schedules": Picture("schedules", ".st-key-schedules_charts .marks", height=TALL),
}


def still(page: Page, picture: Picture) -> Image.Image:
    expect(page.locator(picture.waits_for).first).to_be_visible(timeout=WAIT_MS)
    picture.prepare(page)
    if picture.top:
        page.add_style_tag(content=f"{picture.top} {{ scroll-margin-top: {MENU}px; }}")
        page.locator(picture.top).first.evaluate("element => element.scrollIntoView()")
    time.sleep(SETTLED_S)
    return shot(page)


def shot(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def moving(page: Page) -> list[tuple[Image.Image, int]]:
    """Return the frames of two clicks, each with the milliseconds that it stands."""
    train_small_batch(page)
    page.evaluate(POINTER)
    time.sleep(SETTLED_S)
    frames = [(shot(page), STILL_MS)]
    for key, updates in (("article_1000", SMALL_BATCH), ("start", LARGE_BATCH)):
        box = button(page, key).bounding_box()
        assert box
        page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.7 * box["height"])
        time.sleep(SETTLED_S)
        frames.append((shot(page), STILL_MS))
        page.mouse.down()
        page.mouse.up()
        ends = time.monotonic() + WAIT_MS / 1_000
        while time.monotonic() < ends:
            time.sleep(EVERY_S)
            frames.append((shot(page), round(1_000 * EVERY_S)))
            if page.locator(".card strong").first.inner_text() == updates:
                ends = min(ends, time.monotonic() + 2 * SETTLED_S)
        expect_updates(page, updates)
    return [*frames, (shot(page), LAST_MS)]


def write_still(image: Image.Image, path: Path) -> None:
    reduced(image).save(path, optimize=True)


def write_moving(frames: list[tuple[Image.Image, int]], path: Path) -> None:
    """Write frames as a GIF in the colours of the last one; equal frames in a row become one."""
    size = (MOVING_WIDTH, MOVING_WIDTH * TALL // WIDTH)
    small = [image.resize(size, Image.Resampling.LANCZOS) for image, _ in frames]
    palette = reduced(small[-1])
    images: list[Image.Image] = []
    times: list[int] = []
    for image, (_, stands_ms) in zip(small, frames, strict=True):
        frame = image.quantize(palette=palette, dither=Image.Dither.NONE)
        if images and frame.tobytes() == images[-1].tobytes():
            times[-1] += stands_ms
        else:
            images.append(frame)
            times.append(stands_ms)
    images[0].save(path, save_all=True, append_images=images[1:], duration=times, loop=0, optimize=True)


def reduced(image: Image.Image) -> Image.Image:
    """Return an image with a palette: all colours are near one of it, and k-means makes frequent ones exact."""
    return image.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)


def main(names: list[str]) -> None:
    path = find()  # may start Playwright itself
    with serve() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for name in names or [*STILLS, MOVING]:
            picture = Picture("", ".cards", height=TALL) if name == MOVING else STILLS[name]
            page = browser.new_page(
                viewport={"width": WIDTH, "height": picture.height}, color_scheme="light", reduced_motion="reduce"
            )
            page.add_init_script(NO_TOOLTIPS)
            page.goto(f"{server.url}/{picture.address}")
            file = HERE / f"{name}.{'gif' if name == MOVING else 'png'}"
            if name == MOVING:
                write_moving(moving(page), file)
            else:
                write_still(still(page, picture), file)
            page.close()
            print(f"{file.name:20}{file.stat().st_size / 1024:6.0f} KiB", flush=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])

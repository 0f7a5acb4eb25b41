"""Steps that several browser tests take, and the words on screen that they look for."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

ENGINE_WAIT_MS = 60_000  # for what an engine that has just started computes on a busy machine
PHONE = {"width": 390, "height": 844}
LONG = "?budget_value=5000"  # a run that does not end by itself
SLOW = f"{LONG}&pace=20"  # one that leaves the processor to the page

RUNNING, FINISHED, RECORDED = "Running", "Finished", "Recorded"
PAUSED, STOPPED = "Paused at update", "Stopped at update"
OUT_OF_MEMORY = "Out of memory (simulated)"
MATCHES = "predicted = measured"


def button(page: Page, key: str) -> Locator:
    """Return a button by its key; Streamlit draws one with a tooltip twice, for a mouse and for a finger."""
    return page.locator(f".st-key-{key} button").filter(visible=True).first


def state(page: Page) -> Locator:
    """Return the element that shows the state of the run."""
    return page.locator(".st-key-state")


def card(page: Page, label: str) -> Locator:
    """Return the value of a card."""
    return page.locator(".card").filter(has=page.get_by_text(label, exact=True)).locator("strong")


def field(page: Page, name: str) -> Locator:
    """Return the input of a setting."""
    return page.locator(f".st-key-{name} input").first


def set_field(page: Page, name: str, value: str) -> None:
    field(page, name).fill(value)
    field(page, name).press("Enter")


def wait_for_query(page: Page, *parameters: str) -> None:
    """Wait until the URL has exactly these parameters, such as "batch=256", in any order."""
    page.wait_for_function(
        "wanted => location.search.slice(1).split('&').sort().join('&') === wanted", arg="&".join(sorted(parameters))
    )


def run_of(page: Page) -> str:
    """Return the id of the run in the URL."""
    return str(page.evaluate("new URLSearchParams(location.search).get('run')"))


def start(page: Page) -> None:
    expect(button(page, "start")).to_be_enabled()
    button(page, "start").click()


def start_running(page: Page) -> None:
    start(page)
    expect(state(page)).to_contain_text(RUNNING, timeout=ENGINE_WAIT_MS)


def stop(page: Page) -> None:
    button(page, "stop").click()
    expect(state(page)).to_contain_text(STOPPED)


def moves(page: Page) -> None:
    """Wait until the card shows more updates."""
    counter = card(page, "Updates")
    expect(counter).not_to_have_text(counter.inner_text())


def count_in(text: str) -> int:
    """Return the number of the update in "Paused at update 1,234 of 500,000"."""
    found = re.search(r"at update ([\d,]+) of", text)
    assert found, text
    return int(found[1].replace(",", ""))


def x_ranges(page: Page, key: str) -> list[tuple[float, float]]:
    """Return the range of the x axis of each line chart in a container."""
    found = page.locator(f".st-key-{key} .marks:has(.frame_marks) .role-frame > g > .background").evaluate_all(
        "paths => paths.map(path => path.__data__.context.dataflow.scale('x').domain())"
    )
    return [(low, high) for low, high in found]


def turn_wheel_over(page: Page, chart: Locator) -> None:
    """Zoom in with the wheel, in the middle of a chart."""
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.6 * box["height"])
    page.mouse.wheel(0, -400)


def wait_until_it_fits_sideways(page: Page) -> None:
    """Wait until the page can be read without scrolling sideways; after a resize, charts take a moment to follow."""
    page.wait_for_function("""() => {
        const main = document.querySelector("[data-testid=stMain]")
        return document.documentElement.scrollWidth <= innerWidth && main?.scrollWidth <= main?.clientWidth
    }""")


def drag_slider(page: Page, key: str, to: float) -> None:
    """Drag a slider's thumb to a share of its length by mouse; it then has the focus."""
    slider = page.locator(f".st-key-{key}")
    thumb = slider.get_by_role("slider")
    slider.hover()  # waits until nothing moves
    box, track = thumb.bounding_box(), slider.bounding_box()
    assert box
    assert track
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + to * track["width"], box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()

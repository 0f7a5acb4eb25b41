"""The live page is for everybody: axe finds nothing serious, in light and dark, and a phone shows all of it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.axe import serious_in_both_lights
from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    ENGINE_WAIT_MS,
    FINISHED,
    OUT_OF_MEMORY,
    PHONE,
    RECORDED,
    button,
    card,
    field,
    fits_sideways,
    start,
    state,
)


def test_one_laptop_screen_shows_the_whole_run_and_axe_finds_nothing_serious_in_light_and_dark(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    expect(state(page)).to_contain_text(RECORDED)
    for part in ("bar", "sentence", "state", "cards", "loss", "memory_and_rate"):
        box = page.locator(f".st-key-{part}").bounding_box()
        assert box
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900, part
    page.get_by_text("More", exact=True).click()
    assert serious_in_both_lights(page) == []
    page.goto(f"{server.url}/?model=cnn&batch_size=1437&dataset=digits")
    start(page)
    expect(state(page)).to_contain_text(OUT_OF_MEMORY, timeout=ENGINE_WAIT_MS)
    assert serious_in_both_lights(page) == []
    page.goto(f"{server.url}/?dataset=digits&batch_size=5000&lr=abc")
    expect(button(page, "start")).to_be_disabled()
    assert serious_in_both_lights(page) == []


def test_a_phone_shows_a_run_without_sideways_scrolling(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?batch_size=1000", viewport=PHONE).page
    start(page)
    expect(state(page)).to_contain_text(FINISHED, timeout=ENGINE_WAIT_MS)
    expect(card(page, "Updates")).to_have_text("50 / 50")
    assert fits_sideways(page)
    loss, cards = page.locator(".st-key-loss").bounding_box(), page.locator(".cards").bounding_box()
    assert loss
    assert cards
    assert loss["y"] < cards["y"]
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(field(page, "batch_size")).to_be_visible()

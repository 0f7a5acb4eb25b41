"""The page is for everybody: nothing that axe calls serious, light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import ENGINE_WAIT_MS, Server, Visit, button, card, start, state

PHONE = {"width": 390, "height": 844}


def serious(page: Page) -> list[str]:
    """Return what axe finds serious or critical, with the first places."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {[node['target'] for node in each['nodes'][:4]]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(server: Server, visit: Callable[..., Visit], scheme: str) -> None:
    page = visit(server.url, color_scheme=scheme).page
    expect(state(page)).to_contain_text("Recorded", timeout=15_000)
    page.get_by_text("More", exact=True).click()
    page.wait_for_timeout(500)  # for the fading in to be over
    assert serious(page) == []
    page.goto(f"{server.url}/?model=cnn&batch_size=1437&dataset=digits")
    start(page)
    expect(state(page)).to_contain_text("Out of memory", timeout=ENGINE_WAIT_MS)
    page.wait_for_timeout(500)
    assert serious(page) == []
    page.goto(f"{server.url}/?dataset=digits&batch_size=5000&lr=abc")
    expect(button(page, "start")).to_be_disabled(timeout=15_000)
    page.wait_for_timeout(500)
    assert serious(page) == []


def test_a_phone_shows_all_of_it_without_sideways_scrolling(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url, viewport=PHONE).page
    start(page)
    expect(state(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    expect(card(page, "Updates")).to_have_text("500 / 500")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    width = page.locator("[data-testid=stMain]").evaluate("node => [node.scrollWidth, node.clientWidth]")
    assert width[0] <= width[1]
    loss, cards = page.locator(".st-key-loss").bounding_box(), page.locator(".cards").bounding_box()
    assert loss
    assert cards
    assert loss["y"] < cards["y"]
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(page.locator(".st-key-batch_size input")).to_be_visible()


def test_the_whole_story_is_on_one_laptop_screen(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    expect(state(page)).to_contain_text("Recorded", timeout=15_000)
    for part in ("bar", "sentence", "state", "cards", "loss", "memory_and_rate"):
        box = page.locator(f".st-key-{part}").bounding_box()
        assert box
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900, part

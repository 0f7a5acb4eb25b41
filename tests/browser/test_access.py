"""The live page is for everybody: axe finds nothing serious, in light and dark, and a phone shows all of it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.axe import serious_in_both_lights
from tests.browser.conftest import WIDE, Server, Visit
from tests.browser.steps import (
    ENGINE_WAIT_MS,
    FINISHED,
    OUT_OF_MEMORY,
    PHONE,
    RECORDED,
    button,
    card,
    field,
    start,
    state,
    wait_until_it_fits_sideways,
)

# Width and height, and whether the whole loss chart is in sight or only its beginning. 960 x 600 is 1440 x 900 at 150%.
SCREENS = ((1440, 900, True), (1280, 720, True), (1024, 768, False), (960, 600, False))
IS_IN_SIGHT = """([part, whole]) => {
    const box = document.querySelector(`.st-key-${part}`)?.getBoundingClientRect()
    return box && box.top >= 0 && (whole ? box.bottom : box.top + 60) <= innerHeight
}"""
IS_ONE_ROW = "document.querySelector('.st-key-bar')?.getBoundingClientRect().height < 45"
IS_ONE_LINE_OF_CARDS = "new Set([...document.querySelectorAll('.card')].map(each => each.offsetTop)).size === 1"
IS_WIDE = "least => document.querySelector('.st-key-memory_and_rate')?.getBoundingClientRect().width > least"
# The names of pages in the bar, each after that of its icon. Those in Streamlit's menu stay there without opacity.
SHOWN_NAMES = """[...document.querySelectorAll("[data-testid=stTopNavLink]")]
    .filter(each => each.checkVisibility({opacityProperty: true})).map(each => each.innerText.split("\\n").pop())"""
# The places that each card and the loss chart take from now on; a place is a box, and one that stays has one.
WATCH = """() => {
    window.places = {}
    const look = () => {
        for (const [index, each] of document.querySelectorAll(".card, .st-key-loss").entries()) {
            const {x, y, width, height} = each.getBoundingClientRect()
            const place = [x, y, width, height].map(Math.round).join()
            if (place !== "0,0,0,0") (window.places[index] ??= new Set()).add(place)
        }
        requestAnimationFrame(look)
    }
    look()
}"""
PLACES = "Object.values(window.places).map(each => [...each])"
SETTLED_MS, CARDS = 1_000, 6
NARROW = 300  # pixels: the charts are laid out for a phone at least
MENU_MS = 700  # Streamlit moves names that have no room into a menu a moment after a change of the width
NAMES = ["Train live", "Trajectories", "Memory", "Compare", "Claims", "Schedules", "About"]


def test_one_laptop_screen_shows_the_whole_run_and_axe_finds_nothing_serious_in_light_and_dark(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    expect(state(page)).to_contain_text(RECORDED)
    for width, height, whole in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        for part in ("bar", "sentence", "state", "cards", "loss"):
            page.wait_for_function(IS_IN_SIGHT, arg=[part, whole or part not in ("loss",)])
        wait_until_it_fits_sideways(page)
        page.wait_for_function(IS_ONE_ROW)
        page.wait_for_function(IS_WIDE, arg=NARROW)
        if width >= 1_024:
            page.wait_for_timeout(MENU_MS)
            assert page.evaluate(SHOWN_NAMES) == NAMES
        page.wait_for_function(IS_ONE_LINE_OF_CARDS)
    page.set_viewport_size({"width": 1280, "height": 720})
    assert_nothing_moves_during_a_run(page)
    page.set_viewport_size(WIDE)
    page.get_by_text("More", exact=True).click()
    assert serious_in_both_lights(page) == []
    page.locator(".st-key-model").get_by_text("cnn", exact=True).click()
    expect(page.locator(".st-key-sentence")).to_contain_text("out of memory", timeout=ENGINE_WAIT_MS)
    start(page)
    expect(state(page)).to_contain_text(OUT_OF_MEMORY, timeout=ENGINE_WAIT_MS)
    assert serious_in_both_lights(page) == []
    page.goto(f"{server.url}/?dataset=digits&batch_size=5000&lr=abc")
    expect(button(page, "start")).to_be_disabled()
    assert serious_in_both_lights(page) == []


def test_a_phone_shows_a_run_without_sideways_scrolling(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?batch_size=1000", viewport=PHONE).page
    assert_nothing_moves_during_a_run(page)
    expect(card(page, "Updates")).to_have_text("50 / 50")
    wait_until_it_fits_sideways(page)
    loss, cards = page.locator(".st-key-loss").bounding_box(), page.locator(".cards").bounding_box()
    assert loss
    assert cards
    assert loss["y"] < cards["y"]
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(field(page, "batch_size")).to_be_visible()
    button(page, "start_in_drawer").click()
    expect(field(page, "batch_size")).not_to_be_in_viewport()
    expect(state(page)).to_contain_text(FINISHED)


def assert_nothing_moves_during_a_run(page: Page) -> None:
    expect(button(page, "start")).to_be_enabled()
    expect(page.locator(".st-key-next")).to_be_visible()
    page.wait_for_timeout(SETTLED_MS)
    page.evaluate(WATCH)
    start(page)
    expect(state(page)).to_contain_text(FINISHED, timeout=ENGINE_WAIT_MS)
    page.wait_for_timeout(SETTLED_MS)
    places = page.evaluate(PLACES)
    assert len(places) == CARDS + 1
    assert [each for each in places if len(each) > 1] == []

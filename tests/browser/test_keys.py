"""Each control has a key, also while a slider that was just dragged has the focus, and Tab reaches everything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    ENGINE_WAIT_MS,
    LONG,
    PAUSED,
    RUNNING,
    SLOW,
    STOPPED,
    button,
    card,
    count_in,
    drag_slider,
    field,
    run_of,
    start_running,
    state,
    stop,
)
from tests.campaign import campaign

SETTLED_MS = 700  # longer than a refresh of the page
SOON_MS = ([30, 100], *campaign([[60, 150]]))  # sooner than a person clicks twice


@pytest.mark.parametrize("drag", [*campaign([False]), True], ids=["at once", "after dragging the slider"])
def test_every_control_has_a_key(server: Server, visit: Callable[..., Visit], drag: bool) -> None:
    page = visit(f"{server.url}/{LONG}").page
    expect(button(page, "start")).to_be_enabled()
    places = iter([0.3, 0.5, 0.35, 0.45, 0.3, 0.4, 0.5])

    def press(keys: str) -> None:
        if drag:
            address, place = page.url, next(places)
            for _ in range(3):  # a refresh in the middle of a drag ends it
                drag_slider(page, "batch_size_slider", place)
                page.wait_for_timeout(300)
                if page.url != address:
                    break
            expect(page).not_to_have_url(address)
        page.keyboard.press(keys)

    press("Control+Enter")
    expect(state(page)).to_contain_text(RUNNING, timeout=ENGINE_WAIT_MS)
    press("Alt+p")
    expect(state(page)).to_contain_text(PAUSED)
    paused = count_in(state(page).inner_text())
    press("Alt+u")
    expect(state(page)).to_contain_text(f"{PAUSED} {paused + 1:,} of")
    press("Alt+n")
    expect(state(page)).not_to_contain_text(f"{PAUSED} {paused + 1:,} of")
    expect(state(page)).to_contain_text(PAUSED)
    press("Alt+p")
    expect(state(page)).to_contain_text(RUNNING)
    press("Alt+x")
    expect(state(page)).to_contain_text(STOPPED)


def test_the_run_has_the_value_that_was_typed_last(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    expect(button(page, "start")).to_be_enabled()

    def type_batch_size(size: str) -> None:
        field(page, "batch_size").click()
        field(page, "batch_size").press("Control+a")
        field(page, "batch_size").type(size)

    type_batch_size("1000")
    button(page, "start").click()
    expect(card(page, "Updates")).to_have_text("50 / 50", timeout=ENGINE_WAIT_MS)
    type_batch_size("500")
    page.keyboard.press("Control+Enter")
    expect(card(page, "Updates")).to_have_text("100 / 100", timeout=ENGINE_WAIT_MS)
    expect(page.locator(".st-key-differs")).not_to_contain_text("Showing")


def test_start_has_its_key_also_while_a_choice_has_the_focus(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?dataset=digits&budget_value=1").page
    expect(button(page, "start")).to_be_enabled()
    for choice in ("model", "x_axis", "depth"):
        page.locator(f".st-key-{choice} button").nth(1).click()
        for _ in range(2):
            run = run_of(page)
            page.keyboard.press("Control+Enter")
            page.wait_for_function("run => new URLSearchParams(location.search).get('run') != run", arg=run)


@pytest.mark.parametrize("delays", SOON_MS, ids=str)
def test_a_click_soon_after_a_start_neither_loses_it_nor_brings_another_run_back(
    server: Server, visit: Callable[..., Visit], delays: list[int]
) -> None:
    page = visit(f"{server.url}/{SLOW}").page
    start_running(page)
    for number, delay_ms in enumerate(delays):
        before = run_of(page)
        page.evaluate(
            """async ([article, delay]) => {
                const press = key => [...document.querySelectorAll(`.st-key-${key} button`)]
                    .find(button => button.offsetParent).click()
                press('start')
                await new Promise(done => setTimeout(done, delay))
                press(article)
            }""",
            [("article_100", "article_1000")[number % 2], delay_ms],
        )
        page.wait_for_function("run => new URLSearchParams(location.search).get('run') !== run", arg=before)
        page.wait_for_timeout(SETTLED_MS)
        assert run_of(page) not in (before, "null")
        expect(state(page)).to_contain_text(RUNNING)
    stop(page)


def test_tooltips_name_the_key_of_a_button_or_why_it_cannot_be_pressed_and_tab_reaches_everything(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    button(page, "start").hover()
    expect(page.get_by_test_id("stTooltipContent")).to_contain_text("(Ctrl+Enter)")
    expect(button(page, "stop")).to_be_disabled()
    page.locator(".st-key-stop").filter(visible=True).first.hover()
    expect(page.get_by_text("No run is active.")).to_be_visible()
    wanted = {
        "dataset",
        "model",
        "batch_size",
        "batch_size_slider",
        "article_100",
        "article_1000",
        "schedule",
        "lr",
        "budget_value",
        "memory_limit_mb",
        "memory_limit_mb_slider",
        "one_update",
        "one_epoch",
        "start",
        "share",
        "x_axis",
        "depth",
    }
    reached: set[str] = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached |= set(
            page.evaluate(
                """() => { const keys = []
                for (let node = document.activeElement; node; node = node.parentElement)
                    node.classList.forEach(name => name.startsWith('st-key-') && keys.push(name.slice(7)))
                return keys }"""
            )
        )
        if wanted <= reached:
            break
    assert wanted - reached == set()

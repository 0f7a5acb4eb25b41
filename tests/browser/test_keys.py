"""Every control by its key, also while the slider that was just dragged has the focus; everything by Tab."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import (
    ENGINE_WAIT_MS,
    Server,
    Visit,
    button,
    card,
    count_in,
    drag_slider,
    start_running,
    state,
    stop,
)

LONG = "?budget_value=5000"


@pytest.mark.parametrize("drag", [False, True], ids=["at once", "after dragging the slider"])
def test_every_control_has_a_key(server: Server, visit: Callable[..., Visit], drag: bool) -> None:
    page = visit(f"{server.url}/{LONG}").page
    expect(button(page, "start")).to_be_enabled(timeout=15_000)
    places = iter([0.3, 0.5, 0.35, 0.45, 0.3, 0.4, 0.5])

    def press(keys: str) -> None:
        if drag:
            address = page.url
            drag_slider(page, "batch_size_slider", next(places))
            expect(page).not_to_have_url(address)
        page.keyboard.press(keys)

    press("Control+Enter")
    expect(state(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
    press("Alt+p")
    expect(state(page)).to_contain_text("Paused at update", timeout=5_000)
    paused = count_in(state(page).inner_text())
    press("Alt+u")
    expect(state(page)).to_contain_text(f"Paused at update {paused + 1:,} of", timeout=5_000)
    press("Alt+n")
    expect(state(page)).not_to_contain_text(f"Paused at update {paused + 1:,} of", timeout=5_000)
    expect(state(page)).to_contain_text("Paused at update", timeout=5_000)
    press("Alt+p")
    expect(state(page)).to_contain_text("Running", timeout=5_000)
    press("Alt+x")
    expect(state(page)).to_contain_text("Stopped at update", timeout=5_000)


@pytest.mark.parametrize("key", [False, True], ids=["click", "key"])
def test_what_was_just_typed_is_what_is_trained(server: Server, visit: Callable[..., Visit], key: bool) -> None:
    page = visit(server.url).page
    expect(button(page, "start")).to_be_enabled(timeout=15_000)
    field = page.locator(".st-key-batch_size input")
    field.click()
    field.press("Control+a")
    field.type("500")
    if key:
        page.keyboard.press("Control+Enter")
    else:
        button(page, "start").click()
    expect(card(page, "Updates")).to_have_text("100 / 100", timeout=ENGINE_WAIT_MS)
    expect(page.locator(".st-key-differs")).not_to_contain_text("Showing")


@pytest.mark.parametrize("key", ["model", "x_axis", "depth"])
def test_start_has_its_key_also_while_a_choice_has_the_focus(
    server: Server, visit: Callable[..., Visit], key: str
) -> None:
    page = visit(server.url).page
    expect(button(page, "start")).to_be_enabled(timeout=15_000)
    page.locator(f".st-key-{key} button").nth(1).click()
    for _ in range(2):
        address = page.url
        page.keyboard.press("Control+Enter")
        expect(page).not_to_have_url(address, timeout=5_000)


def test_a_click_soon_after_a_start_neither_loses_it_nor_brings_another_run_back(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    for number, delay_ms in enumerate((5, 20, 60, 150)):
        page.wait_for_timeout(600)
        before = page.url
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
        page.wait_for_timeout(1_500)
        run = page.evaluate("new URLSearchParams(location.search).get('run')")
        assert f"run={run}" not in before
        expect(state(page)).to_contain_text("Running")
    stop(page)


def test_tooltips_name_the_keys(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    button(page, "start").hover(timeout=15_000)
    expect(page.get_by_text("Train these settings from the beginning (Ctrl+Enter)")).to_be_visible()


def test_what_cannot_be_pressed_says_why(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    expect(button(page, "stop")).to_be_disabled(timeout=15_000)
    page.locator(".st-key-stop").filter(visible=True).first.hover()
    expect(page.get_by_text("No run is active.")).to_be_visible()


def test_everything_can_be_reached_with_tab(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    expect(button(page, "start")).to_be_enabled(timeout=15_000)
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
        "csv",
        "x_axis",
        "log_loss",
        "smoothing",
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

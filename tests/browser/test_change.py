"""A run goes on with changed settings at the press of a button."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    LONG,
    RUNNING,
    SLOW,
    STOPPED,
    button,
    card,
    count_in,
    moves,
    run_of,
    set_field,
    start_running,
    state,
    stop,
)
from tests.campaign import campaign


def change(page: Page, **settings: str) -> None:
    for name, value in settings.items():
        set_field(page, name, value)
        expect(page.locator(".st-key-differs")).to_contain_text(value)  # the server has it
    expect(button(page, "change_now")).to_be_enabled()
    button(page, "change_now").click()


def updates(page: Page) -> int:
    """Return the number of updates on the card."""
    return int(card(page, "Updates").inner_text().split("/")[0].replace(",", ""))


def test_a_run_goes_on_with_each_change_its_charts_say_so_and_a_reload_between_them_loses_nothing(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/{SLOW}").page
    start_running(page)
    first, before = run_of(page), updates(page)
    canvas = page.locator(".st-key-loss .marks").element_handle()
    change(page, batch_size="400")
    expect(state(page)).to_contain_text("with batch size 400 instead of 100.")
    expect(state(page)).to_contain_text(RUNNING)
    assert run_of(page) != first
    found = re.search(r"update ([\d,]+) with batch size 400", state(page).inner_text())
    assert found
    since = int(found[1].replace(",", ""))
    assert updates(page) >= since >= before
    expect(page.locator(".st-key-differs")).not_to_contain_text("Showing")
    for chart in ("loss", "memory_and_rate"):
        expect(page.locator(f".st-key-{chart}")).to_contain_text("batch size 100 \u2192 400")
    assert page.locator(".st-key-loss .marks").element_handle().evaluate("(now, then) => now === then", canvas)
    moves(page)
    page.reload()
    expect(state(page)).to_contain_text("with batch size 400 instead of 100.")
    change(page, lr="0.2")
    expect(state(page)).to_contain_text("with learning rate 0.2 instead of 0.05.")
    change(page, batch_size="250")
    expect(state(page)).to_contain_text("with batch size 250 instead of 400.")
    for words in ("batch size 100 \u2192 400", "rate 0.05 \u2192 0.2", "batch size 400 \u2192 250"):
        expect(page.locator(".st-key-loss")).to_contain_text(words)
    stop(page)
    page.locator(".st-key-share").get_by_role("button").first.click()
    with page.expect_download() as download:
        button(page, "csv").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 1 + count_in(state(page).inner_text())
    assert [line.split(",")[0] for line in lines[1:]] == list(map(str, range(1, len(lines))))


@pytest.mark.campaign
def test_a_second_browser_goes_along(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    first = run_of(page)
    other = visit(f"{server.url}/{LONG}&run={first}").page
    expect(state(other)).to_contain_text(RUNNING)
    change(page, batch_size="400")
    expect(state(other)).to_contain_text("with batch size 400 instead of 100.")
    expect(state(other)).to_contain_text(RUNNING)
    other.wait_for_function("run => new URLSearchParams(location.search).get('run') !== run", arg=first)
    assert run_of(other) == run_of(page)
    stop(page)
    expect(state(other)).to_contain_text(STOPPED)


@pytest.mark.parametrize("width", [1280, *campaign([1440])])
def test_the_button_fits_next_to_the_others_and_pushes_nothing(
    server: Server, visit: Callable[..., Visit], width: int
) -> None:
    page = visit(f"{server.url}/{SLOW}", viewport={"width": width, "height": 900}).page
    start_running(page)
    expect(state(page)).to_contain_text("Epoch")
    expect(button(page, "change_now")).to_have_count(0)
    top = "document.querySelector('.st-key-story')?.getBoundingClientRect().y"
    before = page.evaluate(top)
    for name, value in (("batch_size", "250"), ("lr", "0.2")):
        set_field(page, name, value)
        expect(page.locator(".st-key-differs")).to_contain_text(value)
        expect(button(page, "change_now")).to_be_visible()
        page.wait_for_function(f"before => {top} === before", arg=before)
    set_field(page, "batch_size", "100")
    set_field(page, "lr", "0.05")  # at once: the request may leave before the browser knows the other field's slider
    expect(button(page, "change_now")).to_have_count(0)
    stop(page)

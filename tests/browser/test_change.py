"""Other settings for a run that is under way, as a person sees it: a press of a button, and it goes on."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import (
    ENGINE_WAIT_MS,
    Server,
    Visit,
    button,
    card,
    count_in,
    start_running,
    state,
    stop,
)

LONG = "?budget_value=5000"
PLANNED_MS = 15_000


def set_field(page: Page, name: str, value: str) -> None:
    field = page.locator(f".st-key-{name} input").first
    field.fill(value)
    field.press("Enter")


def change(page: Page, **settings: str) -> None:
    for name, value in settings.items():
        set_field(page, name, value)
        expect(page.locator(".st-key-differs")).to_contain_text(value, timeout=PLANNED_MS)  # the server has it
    expect(button(page, "change_now")).to_be_enabled(timeout=PLANNED_MS)
    button(page, "change_now").click()


def run_in_address(page: Page) -> str:
    run: str = page.evaluate("new URLSearchParams(location.search).get('run')")
    return run


def updates(page: Page) -> int:
    """Return how many updates the card says were made."""
    return int(card(page, "Updates").inner_text().split("/")[0].replace(",", ""))


def test_a_run_goes_on_with_another_batch_size_and_its_charts_say_so(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    first, before = run_in_address(page), updates(page)
    canvas = page.locator(".st-key-loss .marks").element_handle()
    change(page, batch_size="400")
    expect(state(page)).to_contain_text("with B = 400 instead of 100.", timeout=PLANNED_MS)
    expect(state(page)).to_contain_text("Running")
    assert run_in_address(page) != first
    found = re.search(r"Goes on from update ([\d,]+)", state(page).inner_text())
    assert found
    since = int(found[1].replace(",", ""))
    assert updates(page) >= since >= before
    expect(page.locator(".st-key-differs")).not_to_contain_text("Showing")
    for chart in ("loss", "memory_and_rate"):
        expect(page.locator(f".st-key-{chart}")).to_contain_text("B 100 \u2192 400", timeout=PLANNED_MS)
    assert page.locator(".st-key-loss .marks").element_handle().evaluate("(now, then) => now === then", canvas)
    at = updates(page)
    page.wait_for_function(
        "at => document.querySelector('.card strong').innerText.split('/')[0].replace(/\\D/g, '') > at", arg=at
    )
    stop(page)


def test_a_changed_run_ends_after_as_many_examples_as_were_planned(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?budget_value=3").page
    expect(button(page, "one_epoch")).to_be_enabled(timeout=PLANNED_MS)
    button(page, "one_epoch").click()
    expect(state(page)).to_contain_text("Paused at update 100 of 300", timeout=ENGINE_WAIT_MS)
    change(page, batch_size="400", lr="0.1")
    expect(state(page)).to_contain_text("Paused at update 100 of 150", timeout=PLANNED_MS)
    expect(state(page)).to_contain_text(
        "Goes on from update 100, with B = 400 instead of 100 and rate = 0.1 instead of 0.05."
    )
    button(page, "pause").click()
    expect(state(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    expect(card(page, "Updates")).to_have_text("150 / 150")
    expect(card(page, "Updates per epoch")).to_have_text("25")
    expect(page.locator(".st-key-sentence")).to_contain_text("an epoch: predicted = measured")
    page.locator(".st-key-x_axis").get_by_text("epochs", exact=True).click()
    expect(page.locator(".st-key-loss .marks")).to_contain_text("B 100 \u2192 400, rate 0.05 \u2192 0.1")
    set_field(page, "batch_size", "100")
    expect(page.locator(".st-key-differs")).to_contain_text("Showing", timeout=PLANNED_MS)
    expect(button(page, "change_now")).to_have_count(0)  # there is nothing left of its budget


def test_changes_after_each_other_and_a_reload_between_them_lose_nothing(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    change(page, batch_size="400")
    expect(page.locator(".st-key-differs")).not_to_contain_text("Showing")
    page.reload()
    expect(state(page)).to_contain_text("with B = 400 instead of 100.", timeout=PLANNED_MS)
    change(page, lr="0.2")
    expect(state(page)).to_contain_text("with rate = 0.2 instead of 0.05.", timeout=PLANNED_MS)
    change(page, batch_size="250")
    expect(state(page)).to_contain_text("with B = 250 instead of 400.", timeout=PLANNED_MS)
    for words in ("B 100 \u2192 400", "rate 0.05 \u2192 0.2", "B 400 \u2192 250"):
        expect(page.locator(".st-key-loss")).to_contain_text(words)
    stop(page)
    with page.expect_download() as download:
        button(page, "csv").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 1 + count_in(state(page).inner_text())
    assert [line.split(",")[0] for line in lines[1:]] == list(map(str, range(1, len(lines))))


def test_a_second_browser_goes_along(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    first = run_in_address(page)
    other = visit(f"{server.url}/{LONG}&run={first}").page
    expect(state(other)).to_contain_text("Running", timeout=PLANNED_MS)
    change(page, batch_size="400")
    expect(state(other)).to_contain_text("with B = 400 instead of 100.", timeout=PLANNED_MS)
    expect(state(other)).to_contain_text("Running")
    other.wait_for_function("run => new URLSearchParams(location.search).get('run') !== run", arg=first)
    assert run_in_address(other) == run_in_address(page)
    stop(page)
    expect(state(other)).to_contain_text("Stopped at update", timeout=5_000)


@pytest.mark.parametrize("width", [1440, 1280])
def test_the_button_fits_beside_the_others_and_pushes_nothing(
    server: Server, visit: Callable[..., Visit], width: int
) -> None:
    page = visit(f"{server.url}/{LONG}", viewport={"width": width, "height": 900}).page
    start_running(page)
    expect(state(page)).to_contain_text("Epoch")
    top = "document.querySelector('.st-key-story').getBoundingClientRect().y"
    before = page.evaluate(top)
    set_field(page, "batch_size", "400")
    expect(button(page, "change_now")).to_be_visible(timeout=PLANNED_MS)
    page.wait_for_function(f"before => {top} === before", arg=before)
    set_field(page, "lr", "0.2")
    expect(page.locator(".st-key-differs")).to_contain_text("learning rate 0.05", timeout=PLANNED_MS)
    page.wait_for_function(f"before => {top} === before", arg=before)
    stop(page)

"""The comparison page: presets and arms by key, a box that never grows, and comparisons that other pages show."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import ENGINE_WAIT_MS, button, turn_wheel_over, x_ranges

RECORDED, TRAINING, STOPPED, FINISHED = "Recorded on", "Training:", "Stopped", "Finished in"


def verdict(page: Page) -> Locator:
    return page.locator(".st-key-compare_verdict")


def shows(page: Page, text: str) -> None:
    expect(verdict(page)).to_contain_text(text, timeout=ENGINE_WAIT_MS)


def top_of_charts(page: Page) -> float:
    return float(page.locator(".st-key-compare_charts").evaluate("box => box.getBoundingClientRect().top"))


def test_a_preset_chosen_by_its_key_is_trained_and_found_again(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/compare").page
    shows(page, RECORDED)
    expect(page.locator(".st-key-compare_charts .marks")).to_have_count(8)
    expect(page.locator(".st-key-compare_charts")).to_contain_text("10\u207b\u2075")  # not 0.00001
    before = x_ranges(page, "compare_charts")
    charts = page.locator(".st-key-compare_charts .marks")
    turn_wheel_over(page, charts.nth(2))
    page.wait_for_timeout(100)
    after = x_ranges(page, "compare_charts")
    assert len(after) == 7
    assert after == [after[0]] * 7 != before
    charts.nth(2).dblclick()
    page.wait_for_timeout(100)
    assert x_ranges(page, "compare_charts") == before
    page.wait_for_timeout(1_000)  # Streamlit listens for keys a moment after it has drawn
    page.keyboard.press("2")
    expect(page).to_have_url(re.compile("preset=noise"))
    shows(page, RECORDED)
    button(page, "arm_menu_1").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # into what the menu holds
    page.keyboard.press("Tab")
    page.keyboard.insert_text("Few updates")
    page.keyboard.press("Enter")
    expect(button(page, "arm_menu_1")).to_contain_text("Few updates")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(re.compile("comparison="))
    expect(button(page, "compare_stop")).to_be_enabled()
    top = top_of_charts(page)
    shows(page, FINISHED)
    expect(verdict(page)).to_contain_text("Batch size 16 is ahead at equal epochs (4)")
    expect(verdict(page)).to_contain_text("than Few updates")
    expect(button(page, "compare_stop")).to_be_disabled()
    assert top_of_charts(page) == top
    page.goto(page.url)  # another visit of the same comparison
    shows(page, FINISHED)
    expect(verdict(page)).to_contain_text("Batch size 16 is ahead at equal epochs (4)")
    expect(page.locator(".st-key-compare_charts .marks")).to_have_count(8)


def begin_a_long_one(server: Server, visit: Callable[..., Visit]) -> Page:
    page = visit(f"{server.url}/compare?arms=budget_value:200;batch_size:1000").page
    shows(page, RECORDED)
    button(page, "compare_start").click()
    expect(button(page, "compare_stop")).to_be_enabled()
    shows(page, TRAINING)
    return page


@pytest.mark.campaign
def test_a_start_stops_the_comparison_it_replaces_unless_another_page_shows_it(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = begin_a_long_one(server, visit)
    shown = page.url.partition("comparison=")[2]
    visitor = visit(page.url).page
    shows(visitor, TRAINING)
    expect(button(visitor, "compare_start")).to_contain_text("Start")
    button(visitor, "preset_noise").click()
    button(visitor, "compare_start").click()
    expect(visitor).not_to_have_url(re.compile(shown))
    shows(visitor, "mixture, linear.")
    expect(verdict(page)).to_contain_text(TRAINING)
    expect(button(page, "compare_start")).to_contain_text("Restart")
    page.reload()
    shows(page, TRAINING)
    button(page, "compare_start").click()
    expect(page).not_to_have_url(re.compile(shown))
    page.goto(f"{server.url}/compare?comparison={shown}")
    shows(page, STOPPED)


@pytest.mark.campaign
def test_the_stop_key_stops_a_comparison(server: Server, visit: Callable[..., Visit]) -> None:
    page = begin_a_long_one(server, visit)
    page.keyboard.press("Alt+x")
    shows(page, STOPPED)
    expect(button(page, "compare_stop")).to_be_disabled()

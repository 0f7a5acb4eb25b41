"""The URL of the page carries the setup, through the real client and its history."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import button, field

TWELVE = {
    "dataset": "digits",
    "batch_size": "64",
    "model": "linear",
    "schedule": "one-cycle",
    "lr": "0.02",
    "budget_value": "7",
    "memory_limit_mb": "16",
    "optimizer": "adamw",
    "accumulate": "2",
    "warmup": "0.1",
    "seed": "42",
    "drop_last": "true",
}
# Invalid values, and a field that does not exist.
BAD = {
    "batch_size": "0",
    "lr": "-1",
    "dataset": "mnist",
    "schedule": "",
    "warmup": "1",
    "hidden": "128-0",
    "drop_last": "perhaps",
    "colour": "red",
}
CHOSEN_MODEL = ".st-key-model button[aria-checked=true], .st-key-model [kind$=Active]"


def test_a_link_rebuilds_a_setup_of_twelve_fields(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?{urlencode(TWELVE)}").page
    expect(field(page, "batch_size")).to_have_value("64")
    # 1,437 / 64 = 22 whole batches, 2 to an update: 11 an epoch, 77 in 7.
    expect(page.locator(".st-key-sentence")).to_contain_text("77 updates")
    page.get_by_text("More", exact=True).click()
    for name in TWELVE.keys() - {"model", "drop_last"}:
        expect(field(page, name)).to_have_value(TWELVE[name])
    expect(page.locator(CHOSEN_MODEL)).to_have_text("linear")
    expect(field(page, "drop_last")).to_be_checked()
    assert {
        name: page.evaluate("name => new URLSearchParams(location.search).get(name)", name) for name in TWELVE
    } == TWELVE


def test_bad_values_are_noted_each_and_leave_the_url(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?{urlencode(BAD | {'budget_value': 3})}").page
    notes = page.get_by_test_id("stAlert")
    expect(notes).to_have_count(1)  # they share one
    expect(notes.get_by_role("listitem")).to_have_count(len(BAD))
    expect(page.locator(".st-key-sentence")).to_contain_text("300 updates")
    expect(button(page, "start")).to_be_enabled()
    expect(page).to_have_url(re.compile(r"/\?budget_value=3$"))


def test_settings_survive_the_keys_of_other_pages_and_the_browsers_way_back(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/?batch_size=250&budget_value=7&model=linear").page
    expect(field(page, "batch_size")).to_have_value("250")
    page.get_by_role("link", name="About").first.click()
    expect(page.get_by_role("heading", name="Data sets")).to_be_visible()
    page.go_back()
    expect(field(page, "batch_size")).to_have_value("250")
    expect(page.locator(".st-key-sentence")).to_contain_text("280 updates")
    expect(page).to_have_url(re.compile("batch_size=250.*budget_value=7"))
    field(page, "batch_size").press("Alt+7")
    expect(page.get_by_role("heading", name="Data sets")).to_be_visible()
    page.keyboard.press("Alt+1")
    expect(field(page, "batch_size")).to_have_value("250")
    expect(page.locator(CHOSEN_MODEL)).to_have_text("linear")


def test_the_slider_writes_the_batch_size_into_field_and_url_and_follows_the_field(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    slider = page.locator(".st-key-batch_size_slider").get_by_role("slider")
    expect(slider).to_be_visible()
    slider.focus()
    slider.press("ArrowRight")
    expect(field(page, "batch_size")).to_have_value("128")
    expect(page).to_have_url(re.compile("batch_size=128"))
    expect(page.locator(".st-key-sentence")).to_contain_text("79 updates per epoch")
    field(page, "batch_size").fill("75")
    field(page, "batch_size").press("Enter")
    expect(slider).to_have_attribute("aria-valuetext", "75")

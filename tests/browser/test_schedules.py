"""The schedules page in a browser: complete at once, charts that stay, and a real run of the comparison."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import serious_in_both_lights
from tests.browser.conftest import Server, Visit
from tests.browser.steps import ENGINE_WAIT_MS, PHONE, button, wait_for_query, wait_until_it_fits_sideways

CHARTS = "[data-testid=stVegaLiteChart] svg"
TAG = f"document.querySelectorAll('{CHARTS}').forEach(node => node.dataset.tag = 'first')"

# The distance from the end of each label to its question mark.
BESIDE = """[...document.querySelectorAll(".st-key-schedules_inputs [data-testid=stWidgetLabel]")].map(label =>
    Math.round(label.querySelector("[data-testid=stTooltipIcon]").getBoundingClientRect().left
        - label.querySelector("p").getBoundingClientRect().right))"""


def open_schedules(visit: Callable[..., Visit], server: Server, query: str = "", **options: object) -> Page:
    page = visit(f"{server.url}/schedules{query}", **options).page
    expect(page.locator(CHARTS)).to_have_count(4)
    return page


def told(page: Page) -> str:
    return page.locator(".st-key-schedules_told p").first.inner_text()


def choose(page: Page, name: str) -> None:
    page.locator(".st-key-schedules_arm").get_by_text(name, exact=True).click()
    expect(page.locator(".st-key-schedules_about")).to_contain_text(f"{name}.")


@pytest.mark.campaign
def test_the_first_visit_of_a_server_shows_the_complete_page_in_its_frame(
    fresh_server: Server, visit: Callable[..., Visit]
) -> None:
    page = open_schedules(visit, fresh_server, "?arm=linear&batch=64")
    expect(page.locator("[data-testid$=NavLink]", has_text="Schedules").first).to_be_visible()
    expect(page.locator(".schedules_ends tr")).to_have_count(10)
    expect(page.locator(".schedules_ends tr.chosen")).to_contain_text("Linear")
    expect(page.locator(".st-key-schedules_told")).to_contain_text("with 296 updates instead of 512.")
    expect(page.get_by_text("Page not found")).to_have_count(0)
    wait_for_query(page, "arm=linear", "batch=64")


def test_another_schedule_or_batch_size_moves_the_lines_and_keeps_the_charts(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = open_schedules(visit, server)
    lines = page.locator(f"{CHARTS} path")
    before = lines.evaluate_all("nodes => nodes.map(node => node.getAttribute('d')).join()")
    page.evaluate(TAG)
    choose(page, "Exponential")
    expect(page.locator(".schedules_ends tr.chosen")).to_contain_text("Exponential")
    page.locator(".st-key-schedules_batch").get_by_text("256", exact=True).click()
    expect(page.locator(".st-key-schedules_told")).to_contain_text("with 76 updates instead of 128.")
    page.locator(".st-key-schedules_peak").get_by_text("8 for all", exact=True).click()
    expect(page.locator(".st-key-schedules_told")).to_contain_text("All schedules have peak rate 8 at batch size 256.")
    assert lines.evaluate_all("nodes => nodes.map(node => node.getAttribute('d')).join()") != before
    assert page.locator(f"{CHARTS}[data-tag=first]").count() == 4
    wait_for_query(page, "arm=exponential", "batch=256", "peak=alike")


@pytest.mark.campaign
def test_the_comparison_runs_again_in_place_and_gives_the_same_conclusions(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = open_schedules(visit, server, "?batch=256")
    shipped = told(page)
    page.evaluate(TAG)
    button(page, "run_schedules").click()
    origin = page.locator(".st-key-schedules_told [data-testid=stCaptionContainer]")
    expect(origin).to_contain_text(re.compile(r"Running: \d+%"), timeout=ENGINE_WAIT_MS)
    expect(button(page, "run_schedules")).to_be_disabled()
    expect(origin).to_contain_text("Just computed on this machine from seeds 0 to 9", timeout=3 * ENGINE_WAIT_MS)
    assert re.sub(r"\([\d.]+% apart\)", "", told(page)) == re.sub(r"\([\d.]+% apart\)", "", shipped)
    assert page.locator(f"{CHARTS}[data-tag=first]").count() == 4
    expect(button(page, "run_schedules")).to_be_enabled()


def test_on_a_phone_nothing_scrolls_sideways_and_axe_finds_nothing_serious(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = open_schedules(visit, server, viewport=PHONE)
    page.get_by_text("What the dotted line is").click()
    expect(page.get_by_text("Nothing is fitted.")).to_be_visible()
    wait_until_it_fits_sideways(page)
    assert page.evaluate(BESIDE) == [6, 6, 6]
    tables = page.locator(".st-key-schedules_tables .wide")
    assert tables.evaluate_all("all => all.map(one => one.scrollWidth > one.clientWidth)") == [True, True]
    for shade in tables.evaluate_all("all => all.map(one => getComputedStyle(one).backgroundAttachment)"):
        assert shade == "local, local, scroll, scroll"  # what covers the shades scrolls along
    charts, said = (page.locator(f".st-key-{part}").bounding_box() for part in ("schedules_charts", "schedules_told"))
    assert charts
    assert said
    assert charts["y"] < said["y"]
    assert serious_in_both_lights(page) == []

"""The charts keep their place in the page whatever happens around them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import RUNNING, SLOW, start, start_running, state, stop, turn_wheel_over, x_ranges
from tests.campaign import campaign

CHARTS = "[data-testid=stVegaLiteChart] .marks"


def tag(page: Page) -> int:
    """Mark the node of each chart, and return how many there are."""
    return int(page.locator(CHARTS).evaluate_all("nodes => nodes.map((node, number) => node.tag = number).length"))


def tags(page: Page) -> list[int]:
    return list(page.locator(CHARTS).evaluate_all("nodes => nodes.map(node => node.tag)"))


# Runs the page's own timer eight times as fast, so that hardly a click is without a refresh.
HURRY = "const timer = setInterval; window.setInterval = (run, ms) => timer(run, ms === 500 ? 60 : ms)"
# Notes each chart that leaves the page from now on.
WATCH = """() => {
    window.left = []
    const isChart = node => node.nodeType === 1 && (node.matches(".marks") || node.querySelector(".marks"))
    new MutationObserver(changes => changes.forEach(change => change.removedNodes.forEach(
        node => isChart(node) && window.left.push(node.className)
    ))).observe(document.body, { childList: true, subtree: true })
}"""


def refreshed(page: Page, times: int) -> None:
    """Wait until the first card has shown that many other numbers of updates."""
    page.evaluate(
        """times => new Promise(done => {
            let shown = null, left = times + 1
            const look = () => {
                const now = document.querySelector(".card strong")?.innerText
                if (now && now !== shown) { shown = now; left -= 1 }
                if (left) requestAnimationFrame(look)
                else done()
            }
            look()
        })""",
        times,
    )


AXES = {"epochs": "epochs", "examples": "examples seen", "seconds": "seconds of training", "updates": "updates"}


@pytest.mark.parametrize(
    ("refreshes", "units", "starts"), [(2, ("seconds", "updates"), 2), *campaign([(10, tuple(AXES), 6)])]
)
def test_every_chart_keeps_its_node_over_many_refreshes_other_axes_and_clicks_during_a_refresh(
    server: Server, visit: Callable[..., Visit], refreshes: int, units: tuple[str, ...], starts: int
) -> None:
    page = visit(f"{server.url}/{SLOW}", before=HURRY).page
    start_running(page)
    page.locator(".st-key-depth").get_by_text("Gradient norm").click()
    expect(page.locator(CHARTS)).to_have_count(6)
    refreshed(page, 2)  # a chart that has just come may be drawn twice
    expect(page.locator(CHARTS)).to_have_count(6)
    count = tag(page)
    turn_wheel_over(page, page.locator(".st-key-loss .marks"))
    page.wait_for_timeout(100)
    ((low, high),) = x_ranges(page, "loss")
    assert low > 0
    refreshed(page, 2)
    assert x_ranges(page, "loss") == [(low, high)]  # until the unit changes
    axes = page.locator(".st-key-x_axis")
    for unit in units:
        axes.get_by_text(unit, exact=True).click()
        expect(page.locator(".st-key-loss .marks")).to_contain_text(AXES[unit])
        refreshed(page, refreshes)
        assert x_ranges(page, "loss")[0][0] == 0
    assert tags(page) == list(range(count))
    page.keyboard.press("Alt+l")
    expect(page).to_have_url(re.compile("pace=100"))
    page.keyboard.press("Alt+l")  # full speed, at which a refresh takes longest
    expect(page).not_to_have_url(re.compile("pace="))
    turn_wheel_over(page, page.locator(".st-key-loss .marks"))
    page.evaluate(WATCH)
    for _ in range(starts):
        stop(page)
        start(page)
        expect(state(page)).to_contain_text(RUNNING)
        assert x_ranges(page, "loss")[0][0] == 0  # the range of the run before has ended
        page.wait_for_timeout(300)
    stop(page)
    assert page.evaluate("window.left") == []
    assert tags(page) == list(range(count))


def test_the_pointer_the_wheel_the_smoothing_slider_and_the_log_axis_answer_without_a_full_run(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    chart = page.locator(".st-key-loss .marks")
    expect(chart).to_contain_text("500")
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tooltip = page.locator("#vg-tooltip-element")
    for name in ("smoothed", "each update", "validation"):
        expect(tooltip).to_contain_text(re.compile(rf"{name}\s*\d\.\d{{4}}"))
    expect(tooltip).to_contain_text("previous run")
    labels = ".st-key-loss .marks .role-axis-label text"
    before = page.locator(labels).all_inner_texts()
    page.mouse.wheel(0, -400)
    expect(chart).not_to_contain_text("500")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(chart).to_contain_text("500")
    assert page.locator(labels).all_inner_texts() == before
    line = page.locator(".st-key-loss .smoothed_marks path").first
    expect(line).to_be_visible(timeout=15_000)
    before = line.get_attribute("d")
    page.locator(".st-key-loss_options").get_by_role("button", name="Options").click()
    slider = page.locator(".st-key-smoothing").get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    expect(line).not_to_have_attribute("d", before or "")
    page.locator(".st-key-axes").get_by_text("log y").click()
    expect(page.locator(".st-key-loss .marks .mark-text.role-axis-label text", has_text="0.1")).to_have_count(1)
    page.keyboard.press("Escape")

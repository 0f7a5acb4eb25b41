"""The charts keep their place in the page whatever happens around them."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import (
    ENGINE_WAIT_MS,
    Server,
    Visit,
    button,
    card,
    start,
    start_running,
    state,
    stop,
)

LONG = "?budget_value=5000"
CHARTS = "[data-testid=stVegaLiteChart] .marks"


def tag(page: Page) -> int:
    """Mark the node of each chart, and return how many there are."""
    return int(page.locator(CHARTS).evaluate_all("nodes => nodes.map((node, number) => node.tag = number).length"))


def tags(page: Page) -> list[int]:
    return list(page.locator(CHARTS).evaluate_all("nodes => nodes.map(node => node.tag)"))


def hurry(page: Page) -> None:
    """Load the page again with its own timer eight times as fast, so that hardly a click is without a refresh."""
    page.add_init_script(
        "const timer = setInterval; window.setInterval = (run, ms) => timer(run, ms === 500 ? 60 : ms)"
    )
    page.reload()


def test_every_chart_keeps_its_node_over_forty_refreshes_and_all_axes(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/{LONG}").page
    hurry(page)
    start_running(page)
    page.locator(".st-key-depth").get_by_text("Gradient norm").click()
    expect(page.locator(CHARTS)).to_have_count(5)
    count = tag(page)
    counter = card(page, "Updates")
    axes = page.locator(".st-key-x_axis")
    titles = {"epochs": "epochs", "examples": "examples seen", "seconds": "seconds of training", "updates": "updates"}
    for unit, title in titles.items():
        axes.get_by_text(unit, exact=True).click()
        expect(page.locator(".st-key-loss .marks")).to_contain_text(title)
        for _ in range(10):
            expect(counter).not_to_have_text(counter.inner_text(), timeout=5_000)
    assert tags(page) == list(range(count))
    stop(page)
    assert tags(page) == list(range(count))


def test_the_smoothing_slider_and_the_log_axis_answer_without_a_full_run(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    line = page.locator(".st-key-loss .smoothed_marks path").first
    expect(line).to_be_visible(timeout=15_000)
    before = line.get_attribute("d")
    slider = page.locator(".st-key-smoothing").get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    expect(line).not_to_have_attribute("d", before or "")
    page.locator(".st-key-log_loss label").click()
    expect(page.locator(".st-key-loss .marks")).to_contain_text("0.05")


def test_no_chart_leaves_the_page_when_a_refresh_comes_during_a_click(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/{LONG}").page
    hurry(page)
    start(page)
    expect(state(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
    page.evaluate(
        """() => {
            window.left = []
            const isChart = node => node.nodeType === 1 && (node.matches(".marks") || node.querySelector(".marks"))
            new MutationObserver(changes => changes.forEach(change => change.removedNodes.forEach(
                node => isChart(node) && window.left.push(node.className)
            ))).observe(document.body, { childList: true, subtree: true })
        }"""
    )
    for _ in range(6):
        button(page, "stop").click()
        expect(state(page)).to_contain_text("Stopped", timeout=5_000)
        start(page)
        expect(state(page)).to_contain_text("Running", timeout=5_000)
        page.wait_for_timeout(300)
    button(page, "stop").click()
    expect(state(page)).to_contain_text("Stopped", timeout=5_000)
    assert page.evaluate("window.left") == []

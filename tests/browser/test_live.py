"""A run from Start to its end, as a person sees it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ENGINE_WAIT_MS, Server, Visit, button


def value(page: Page, label: str) -> Locator:
    return page.locator(".card", has_text=re.compile(f"^{label}")).locator("strong")


def start(page: Page) -> None:
    expect(button(page, "start")).to_be_enabled(timeout=15_000)
    button(page, "start").click()


def status(page: Page) -> Locator:
    return page.locator(".st-key-status")


@pytest.mark.parametrize(("size", "per_epoch", "total"), [(100, "100", "500 / 500"), (1_000, "10", "50 / 50")])
def test_a_run_ends_with_the_counts_that_were_predicted(
    server: Server, visit: Callable[..., Visit], size: int, per_epoch: str, total: str
) -> None:
    page = visit(f"{server.url}/?batch_size={size}").page
    expect(page.locator(".st-key-sentence")).to_contain_text(f"{per_epoch} updates per epoch", timeout=15_000)
    start(page)
    expect(status(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    expect(value(page, "Updates")).to_have_text([total, per_epoch])
    expect(page.locator(".card .confirmed")).to_have_text(["predicted = measured", "= predicted"])
    expect(button(page, "start")).to_have_text(re.compile("Start"))
    expect(button(page, "stop")).to_be_disabled()
    shown = page.locator("[data-testid=stMain]").inner_text().lower()
    assert not re.search(r"\b(nan|none)\b", shown)


def test_stop_is_on_the_screen_within_a_second(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?budget_value=5000").page
    start(page)
    expect(status(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
    button(page, "stop").click()
    expect(status(page)).to_contain_text(re.compile(r"Stopped at update [\d,]+ of 500,000"), timeout=1_000)


def test_pause_stands_still_and_resume_goes_on(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?budget_value=5000").page
    start(page)
    expect(status(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
    button(page, "pause").click()
    expect(status(page)).to_contain_text(re.compile(r"Paused at update [\d,]+ of 500,000"), timeout=5_000)
    stands = status(page).inner_text()
    page.wait_for_timeout(2_500)
    assert status(page).inner_text() == stands
    button(page, "pause").click()
    expect(status(page)).to_contain_text("Running", timeout=5_000)
    button(page, "stop").click()
    expect(status(page)).to_contain_text("Stopped", timeout=2_000)


def test_out_of_memory_offers_the_batch_that_fits_and_that_finishes(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/?model=cnn&budget_value=1").page
    start(page)
    expect(status(page)).to_contain_text("Out of memory (simulated)", timeout=ENGINE_WAIT_MS)
    expect(status(page)).to_contain_text("The simulated device has 4 MiB and was full during the forward pass")
    expect(status(page)).to_contain_text("The largest batch that fits is 75.", timeout=10_000)
    button(page, "use_what_fits").click()
    expect(page.locator(".st-key-use_what_fits")).to_have_count(0)
    expect(page.locator(".st-key-batch_size input")).to_have_value("75")
    expect(page.locator(".st-key-sentence")).to_contain_text("134 updates per epoch")
    start(page)
    expect(status(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    expect(value(page, "Updates")).to_have_text(["134 / 134", "134"])


def test_the_loss_chart_keeps_its_node_over_twenty_refreshes(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?budget_value=5000").page
    start(page)
    expect(status(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
    charts = page.locator("[data-testid=stVegaLiteChart]").locator("svg.marks, canvas.marks")
    expect(charts).to_have_count(3)
    for number in range(3):
        charts.nth(number).evaluate(f"node => {{ node.tag = {number} }}")
    counter = value(page, "Updates").first
    for _ in range(20):
        expect(counter).not_to_have_text(counter.inner_text(), timeout=5_000)
    assert charts.evaluate_all("nodes => nodes.map(node => node.tag)") == [0, 1, 2]
    button(page, "stop").click()
    expect(status(page)).to_contain_text("Stopped", timeout=2_000)
    assert charts.evaluate_all("nodes => nodes.map(node => node.tag)") == [0, 1, 2]


def test_no_chart_leaves_the_page_when_a_refresh_comes_during_a_click(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/?budget_value=5000").page
    page.add_init_script(  # the page's own timer, eight times as fast: hardly a click without a refresh in it
        "const timer = setInterval; window.setInterval = (run, ms) => timer(run, ms === 500 ? 60 : ms)"
    )
    page.reload()
    start(page)
    expect(status(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
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
        expect(status(page)).to_contain_text("Stopped", timeout=5_000)
        start(page)
        expect(status(page)).to_contain_text("Running", timeout=5_000)
        page.wait_for_timeout(300)
    button(page, "stop").click()
    expect(status(page)).to_contain_text("Stopped", timeout=5_000)
    assert page.evaluate("window.left") == []


def test_a_reload_takes_the_run_up_again_with_control(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?budget_value=5000").page
    start(page)
    expect(status(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
    page.reload()
    expect(status(page)).to_contain_text("Running", timeout=15_000)
    counter = value(page, "Updates").first
    expect(counter).not_to_have_text(counter.inner_text(), timeout=5_000)
    button(page, "stop").click()
    expect(status(page)).to_contain_text("Stopped at update", timeout=2_000)
    page.reload()
    expect(status(page)).to_contain_text("Stopped at update", timeout=15_000)


def test_a_second_start_stops_the_first_run(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?budget_value=5000").page
    start(page)
    expect(status(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
    first = page.evaluate("new URLSearchParams(location.search).get('run')")
    expect(button(page, "start")).to_have_text(re.compile("Restart"))
    start(page)
    page.wait_for_function("first => new URLSearchParams(location.search).get('run') !== first", arg=first)
    expect(status(page)).to_contain_text("Running", timeout=5_000)
    button(page, "stop").click()
    expect(status(page)).to_contain_text("Stopped", timeout=2_000)
    page.goto(f"{server.url}/?run={first}")
    expect(status(page)).to_contain_text("Stopped at update", timeout=15_000)


def test_a_batch_larger_than_the_data_is_refused_with_its_remedy(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?dataset=digits&batch_size=5000").page
    expect(page.get_by_text("between 1 and 1437 (the size of 'digits')")).to_be_visible(timeout=15_000)
    expect(button(page, "start")).to_be_disabled()
    page.get_by_role("button", name="Use 1,437").click()
    expect(page.locator(".st-key-batch_size input")).to_have_value("1437")
    expect(button(page, "start")).to_be_enabled()
    expect(page).to_have_url(re.compile("batch_size=1437"))


def test_a_number_out_of_bounds_starts_nothing(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    field = page.locator(".st-key-batch_size input")
    expect(field).to_be_visible(timeout=15_000)
    field.fill("0")
    field.press("Enter")
    expect(page.get_by_text("batch_size must be between 1 and 10,000, got 0")).to_be_visible()
    expect(button(page, "start")).to_be_disabled()
    field.fill("128")
    field.press("Enter")
    expect(button(page, "start")).to_be_enabled()
    expect(page.locator(".st-key-sentence")).to_contain_text("79 updates per epoch")


def test_the_browsers_way_back_from_another_page_keeps_the_setup(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?batch_size=250&budget_value=7").page
    field = page.locator(".st-key-batch_size input")
    expect(field).to_have_value("250", timeout=15_000)
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="Data sets")).to_be_visible()
    page.go_back()
    expect(field).to_have_value("250")
    expect(page.locator(".st-key-sentence")).to_contain_text("7 epochs = 280 updates")
    expect(page).to_have_url(re.compile("batch_size=250.*budget_value=7"))


def test_the_slider_writes_the_batch_size_into_field_and_address(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    slider = page.locator(".st-key-batch_size_slider").get_by_role("slider")
    expect(slider).to_be_visible(timeout=15_000)
    slider.focus()
    slider.press("ArrowRight")
    expect(page.locator(".st-key-batch_size input")).to_have_value("128")
    expect(page).to_have_url(re.compile("batch_size=128"))
    expect(page.locator(".st-key-sentence")).to_contain_text("79 updates per epoch")

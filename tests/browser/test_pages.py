"""Every page is right when it is the first that anybody opens on a server, and so is a run in its address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ENGINE_WAIT_MS, Server, Visit, button

WRONG = ("Page not found", "Traceback")
MENU = {"Train live", "Memory", "Trajectories", "Compare", "Claims", "Schedules", "About"}


@pytest.mark.parametrize(
    ("path", "sign"),
    [("", "Setup"), ("live", "Setup"), ("memory", "Setup"), ("trajectories", "Loss"), ("about", "Words")],
)
def test_a_page_opened_first_shows_right_and_keeps_its_query(
    fresh_server: Server, visit: Callable[..., Visit], path: str, sign: str
) -> None:
    page = visit("about:blank").page
    page.add_init_script(
        """window.seen = new Set(); new MutationObserver(() => document.querySelectorAll(
        '[data-testid$="NavLink"]').forEach(link => window.seen.add(link.innerText.split('\\n').pop().trim())))
        .observe(document, {subtree: true, childList: true, characterData: true});"""
    )
    page.goto(f"{fresh_server.url}/{path}?batch_size=50")
    expect(page.get_by_text(sign, exact=True).first).to_be_visible(timeout=15_000)
    if path == "memory":
        expect(page.locator(".st-key-memory_cards")).to_contain_text("Peak at 50 a batch")
    elif sign == "Setup":
        expect(page.locator(".st-key-sentence")).to_contain_text("50 a batch")
    assert page.evaluate("location.search") == "?batch_size=50"
    assert page.evaluate("location.pathname") in (f"/{path}", "/")
    for wrong in WRONG:
        expect(page.get_by_text(wrong)).to_have_count(0)
    assert set(page.evaluate("[...window.seen]")) <= MENU


@pytest.mark.parametrize("path", ["live", "about"])
def test_a_live_run_outlives_a_server_page_opened_first(
    fresh_server: Server, visit: Callable[..., Visit], path: str
) -> None:
    page = visit(f"{fresh_server.url}/{path}?budget_value=5000").page
    if path == "about":
        expect(page.get_by_text("Words", exact=True)).to_be_visible(timeout=15_000)
        page.get_by_role("link", name="Train live").first.click()
    expect(button(page, "start")).to_be_enabled(timeout=15_000)
    button(page, "start").click()
    status = page.locator(".st-key-state")
    expect(status).to_contain_text("Running", timeout=ENGINE_WAIT_MS)
    run = page.evaluate("new URLSearchParams(location.search).get('run')")
    second = visit(f"{fresh_server.url}/{path}?run={run}").page
    if path == "live":
        expect(second.locator(".st-key-state")).to_contain_text("Running", timeout=15_000)
        first_count = second.locator(".card strong").first.inner_text()
        expect(second.locator(".card strong").first).not_to_have_text(first_count, timeout=5_000)
        button(second, "stop").click()
    else:
        expect(second.get_by_text("Words", exact=True)).to_be_visible(timeout=15_000)
        button(page, "stop").click()
    expect(status).to_contain_text("Stopped at update", timeout=5_000)


def test_the_first_page_on_a_new_machine_shows_the_recorded_batch_once_its_pictures_are_built(
    fresh_machine: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(fresh_machine.url).page
    expect(page.locator(".st-key-depths")).to_contain_text("The data set is being built", timeout=15_000)
    expect(page.locator(".st-key-depths .batch img")).to_have_count(8, timeout=ENGINE_WAIT_MS)


def test_a_run_that_is_not_known_is_a_note_and_nothing_more(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?run=no-such-run&batch_size=200").page
    expect(page.get_by_text("The run in this address is not known here")).to_be_visible(timeout=15_000)
    expect(page.locator(".st-key-sentence")).to_contain_text("200 a batch")
    expect(button(page, "start")).to_be_enabled()


def test_settings_survive_a_visit_to_another_page(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?batch_size=250&model=linear").page
    expect(page.locator(".st-key-sentence")).to_contain_text("250 a batch", timeout=15_000)
    page.get_by_role("link", name="About").first.click()
    expect(page.get_by_text("Words", exact=True)).to_be_visible()
    page.get_by_role("link", name="Train live").first.click()
    expect(page.locator(".st-key-sentence")).to_contain_text("250 a batch")
    expect(page.locator(".st-key-model button[aria-checked=true], .st-key-model [kind$=Active]")).to_have_text("linear")

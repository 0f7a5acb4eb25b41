"""Every page is right when it is the first that anybody opens on a server, and so is a run in its URL."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import LONG, RECORDED, RUNNING, STOPPED, button, moves, run_of, start_running, state, stop

WRONG = ("Page not found", "Traceback")
MENU = {"Train live", "Memory", "Trajectories", "Compare", "Claims", "Schedules", "About"}
WATCH_THE_MENU = """
window.seen = new Set(); new MutationObserver(() => document.querySelectorAll(
'[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]').forEach(
link => window.seen.add(link.innerText.split('\\n').pop().trim())))
.observe(document, {subtree: true, childList: true, characterData: true});"""


def nothing_wrong_was_seen(page: Page, search: str) -> None:
    assert page.evaluate("location.search") == search
    for wrong in WRONG:
        expect(page.get_by_text(wrong)).to_have_count(0)
    assert set(page.evaluate("[...window.seen]")) == MENU


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("path", "place", "sign"),
    [
        ("memory", ".st-key-memory_cards", "50"),
        ("trajectories", "main", "Loss"),
        ("compare", ".st-key-compare_verdict", "Recorded on"),
    ],
)
def test_a_page_opened_first_shows_right_and_keeps_its_query(
    fresh_server: Server, visit: Callable[..., Visit], path: str, place: str, sign: str
) -> None:
    page = visit(f"{fresh_server.url}/{path}?batch_size=50", before=WATCH_THE_MENU).page
    expect(page.locator(place)).to_contain_text(sign)
    assert page.evaluate("location.pathname") == f"/{path}"
    nothing_wrong_was_seen(page, "?batch_size=50")


@pytest.mark.campaign
def test_a_live_run_outlives_another_page_opened_first(fresh_server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{fresh_server.url}/about{LONG}", before=WATCH_THE_MENU).page
    expect(page.get_by_role("heading", name="Data sets")).to_be_visible()
    nothing_wrong_was_seen(page, LONG)
    page.get_by_role("link", name="Train live").first.click()
    expect(button(page, "start")).to_be_enabled()
    start_running(page)
    second = visit(f"{fresh_server.url}/about?run={run_of(page)}").page
    expect(second.get_by_role("heading", name="Data sets")).to_be_visible()
    stop(page)


def test_the_first_page_on_a_new_machine_shows_the_recorded_batch_once_its_pictures_are_built_and_trains(
    fresh_machine: Server, visit: Callable[..., Visit]
) -> None:
    query = "?utm_source=a-talk&pace=20"
    page = visit(f"{fresh_machine.url}/live{query}", before=WATCH_THE_MENU).page
    expect(page.locator(".st-key-depths")).to_contain_text("The data set is being built")
    expect(state(page)).to_contain_text(RECORDED)
    nothing_wrong_was_seen(page, query)
    expect(page.locator(".st-key-depths .batch img")).to_have_count(8, timeout=60_000)
    start_running(page)
    second = visit(f"{fresh_machine.url}/live?run={run_of(page)}").page
    expect(state(second)).to_contain_text(RUNNING)
    moves(second)
    stop(second)
    expect(state(page)).to_contain_text(STOPPED)

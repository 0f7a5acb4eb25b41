"""A run from Start to its end, as a person sees it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    ENGINE_WAIT_MS,
    FINISHED,
    LONG,
    MATCHES,
    PAUSED,
    RECORDED,
    RUNNING,
    button,
    card,
    count_in,
    field,
    run_of,
    set_field,
    start,
    start_running,
    state,
    stop,
)

# The picture in the plane, which has no address for a moment while it is redrawn.
PICTURE_OTHER_THAN = """seen => {
    const image = document.querySelector('.st-key-depths .marks image')
    const shown = image && (image.getAttribute('href') || image.getAttribute('xlink:href'))
    return shown && shown !== seen && shown
}"""


def test_the_articles_pair_takes_one_click_between_two_runs_and_another_batch_size_takes_the_mark_away(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    expect(state(page)).to_contain_text(RECORDED)
    expect(card(page, "Updates")).to_have_text("500 / 500")
    button(page, "article_1000").click()
    expect(page.locator(".st-key-loss .marks")).to_contain_text(
        "recorded run: batch size 100"
    )  # before a run of one's own
    button(page, "article_100").click()
    start(page)
    expect(state(page)).to_contain_text(FINISHED, timeout=ENGINE_WAIT_MS)
    expect(state(page)).not_to_contain_text(RECORDED)
    expect(card(page, "Updates")).to_have_text("500 / 500")
    expect(card(page, "Updates per epoch")).to_have_text("100")
    button(page, "article_1000").click()
    expect(page.locator(".st-key-sentence")).to_contain_text("10 updates per epoch \u00d7 5 epochs = 50 updates")
    start(page)
    expect(card(page, "Updates")).to_have_text("50 / 50")
    expect(card(page, "Updates per epoch")).to_have_text("10")
    expect(page.locator(".card .confirmed")).to_have_text([MATCHES, re.compile("as predicted")])
    expect(page.locator(".st-key-sentence")).to_contain_text(MATCHES)
    expect(page.locator(".st-key-loss .marks")).to_contain_text("previous run: ")  # the run at batch size 100
    expect(button(page, "stop")).to_be_disabled()
    shown = page.locator("[data-testid=stMain]").inner_text().lower()
    assert not re.search(r"\b(nan|none|undefined)\b", shown)
    mark = page.locator(".st-key-mark").get_by_text(MATCHES)
    expect(mark).to_be_visible()
    before = page.locator(".cards").bounding_box()
    set_field(page, "batch_size", "250")
    expect(page.locator(".st-key-differs")).to_contain_text("1,000")
    expect(page.locator(".st-key-differs")).to_contain_text("250")
    expect(mark).to_have_count(0)
    expect(page.locator(".card .confirmed")).to_have_count(0)
    assert page.locator(".cards").bounding_box() == before  # nothing is pushed
    button(page, "take_settings").click()
    expect(field(page, "batch_size")).to_have_value("1000")
    expect(mark).to_be_visible()
    page.locator(".st-key-share").get_by_role("button").first.click()  # a rerun shows it twice for a moment
    links = page.locator("[data-testid=stPopoverBody] code")
    expect(links.first).to_have_text(f"{server.url}/?batch_size=1000")
    expect(links.last).to_have_text(f"{server.url}/?run={run_of(page)}")


def test_pause_one_update_and_resume_count_exactly(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    button(page, "pause").click()
    expect(state(page)).to_contain_text(re.compile(rf"{PAUSED} [\d,]+ of 500,000"))
    paused = count_in(state(page).inner_text())
    for more in (1, 2, 3):
        button(page, "one_update").click()
        expect(state(page)).to_contain_text(f"{PAUSED} {paused + more:,} of 500,000")
    page.wait_for_timeout(2_100)  # one refresh of a page whose run is paused
    assert count_in(state(page).inner_text()) == paused + 3
    button(page, "one_epoch").click()
    whole = -(-(paused + 3) // 100) * 100
    expect(state(page)).to_contain_text(f"{PAUSED} {whole:,} of 500,000")
    button(page, "pause").click()
    expect(state(page)).to_contain_text(RUNNING)
    stop(page)


def test_every_update_can_be_downloaded_and_each_of_the_charts_below_chosen(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    page.locator(".st-key-share").get_by_role("button").first.click()
    expect(button(page, "csv")).to_be_enabled()
    with page.expect_download() as waiting:
        button(page, "csv").click()
    lines = waiting.value.path().read_text().splitlines()
    assert lines[0] == "update,epoch,examples_seen,seconds,learning_rate,loss,gradient_norm"
    assert len(lines) == 501
    assert lines[1].startswith("1,1,100,")
    assert lines[500].startswith("500,5,50000,")
    page.keyboard.press("Escape")
    for depth, sign in (
        ("Memory over time", "resident memory (MiB)"),
        ("Update rhythm", "examples into the epoch"),
        ("Confusion matrix", "model's answer"),
        ("Gradient norm", "gradient norm"),
    ):
        page.locator(".st-key-depth").get_by_text(depth).click()
        expect(page.locator(".st-key-depths .marks").filter(has_text=sign)).to_have_count(1)
    page.locator(".st-key-depth").get_by_text("Last batch").click()
    expect(page.locator(".st-key-depths .batch img")).to_have_count(8)
    expect(page.locator(".st-key-depths")).to_contain_text("8 of 100 examples")


def test_points_in_the_plane_show_their_boundary_as_it_moves(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/{LONG}&dataset=spirals").page
    start_running(page)
    seen = page.wait_for_function(PICTURE_OTHER_THAN, arg="").json_value()
    assert seen.startswith("data:image/png")
    page.wait_for_function(PICTURE_OTHER_THAN, arg=seen)
    stop(page)

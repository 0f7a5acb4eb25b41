"""A run from Start to its end, as a person sees it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import (
    ENGINE_WAIT_MS,
    Server,
    Visit,
    button,
    card,
    count_in,
    start,
    start_running,
    state,
    stop,
)

LONG = "?budget_value=5000"


@pytest.mark.parametrize(("size", "per_epoch", "total"), [(100, "100", "500 / 500"), (1_000, "10", "50 / 50")])
def test_a_run_ends_with_the_counts_that_were_predicted(
    server: Server, visit: Callable[..., Visit], size: int, per_epoch: str, total: str
) -> None:
    page = visit(f"{server.url}/?batch_size={size}").page
    expect(page.locator(".st-key-sentence")).to_contain_text(f"{per_epoch} updates per epoch", timeout=15_000)
    start(page)
    expect(state(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    expect(card(page, "Updates")).to_have_text(total)
    expect(card(page, "Updates per epoch")).to_have_text(per_epoch)
    expect(page.locator(".card .confirmed")).to_have_text(["predicted = measured", re.compile("as predicted")])
    expect(page.locator(".st-key-sentence")).to_contain_text("predicted = measured")
    expect(button(page, "start")).to_have_text(re.compile("Start"))
    expect(button(page, "stop")).to_be_disabled()
    shown = page.locator("[data-testid=stMain]").inner_text().lower()
    assert not re.search(r"\b(nan|none|undefined)\b", shown)


def test_the_articles_pair_takes_one_click_between_two_runs(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    expect(state(page)).to_contain_text("Recorded", timeout=15_000)
    expect(card(page, "Updates")).to_have_text("500 / 500")
    start(page)
    expect(state(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    expect(state(page)).not_to_contain_text("Recorded")
    expect(card(page, "Updates")).to_have_text("500 / 500")
    expect(card(page, "Updates per epoch")).to_have_text("100")
    button(page, "article_1000").click()
    expect(page.locator(".st-key-sentence")).to_contain_text("10 updates per epoch \u00d7 5 epochs = 50 updates")
    start(page)
    expect(card(page, "Updates")).to_have_text("50 / 50", timeout=20_000)
    expect(card(page, "Updates per epoch")).to_have_text("10")
    expect(state(page)).to_contain_text("Too few updates")
    expect(page.locator(".st-key-loss .marks")).to_contain_text("before: 100 a batch")


def test_form_and_panel_say_where_they_differ_and_either_can_give_way(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    start(page)
    expect(state(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    mark = page.locator(".st-key-arithmetic").get_by_text("predicted = measured")
    expect(mark).to_be_visible()
    before = page.locator(".cards").bounding_box()
    field = page.locator(".st-key-batch_size input")
    field.fill("250")
    field.press("Enter")
    expect(page.locator(".st-key-differs")).to_contain_text("Showing batch size 100; the form is set to 250")
    expect(mark).to_have_count(0)
    expect(page.locator(".card .confirmed")).to_have_count(0)
    assert page.locator(".cards").bounding_box() == before
    button(page, "take_settings").click()
    expect(field).to_have_value("100")
    expect(mark).to_be_visible()
    field.fill("250")
    field.press("Enter")
    button(page, "start_these").click()
    expect(card(page, "Updates")).to_have_text("200 / 200", timeout=20_000)
    expect(page.locator(".st-key-differs")).not_to_contain_text("Showing")


def test_pause_one_update_and_resume_count_exactly(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    button(page, "pause").click()
    expect(state(page)).to_contain_text(re.compile(r"Paused at update [\d,]+ of 500,000"), timeout=5_000)
    paused = count_in(state(page).inner_text())
    page.wait_for_timeout(2_500)
    assert count_in(state(page).inner_text()) == paused
    for more in (1, 2, 3):
        button(page, "one_update").click()
        expect(state(page)).to_contain_text(f"Paused at update {paused + more:,} of 500,000", timeout=5_000)
    button(page, "one_epoch").click()
    whole = -(-(paused + 3) // 100) * 100 or 100
    expect(state(page)).to_contain_text(f"Paused at update {whole:,} of 500,000", timeout=5_000)
    button(page, "pause").click()
    expect(state(page)).to_contain_text("Running", timeout=5_000)
    stop(page)


def test_one_update_on_an_idle_page_makes_one_and_stands(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    expect(button(page, "one_update")).to_be_enabled(timeout=15_000)
    button(page, "one_update").click()
    expect(state(page)).to_contain_text("Paused at update 1 of 500", timeout=ENGINE_WAIT_MS)
    expect(card(page, "Updates")).to_have_text("1 / 500")
    button(page, "pause").click()
    expect(state(page)).to_contain_text("Finished", timeout=10_000)
    expect(card(page, "Updates")).to_have_text("500 / 500")


def test_out_of_memory_offers_the_batch_that_fits_and_that_finishes(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/?model=cnn&budget_value=1").page
    expect(page.locator(".st-key-sentence")).to_contain_text("This will run out of memory", timeout=20_000)
    before = page.locator(".cards").bounding_box()
    start(page)
    expect(state(page)).to_contain_text("Out of memory (simulated)", timeout=ENGINE_WAIT_MS)
    expect(state(page)).to_contain_text(
        "3.65 MiB of the simulated device's 4 MiB were in use during the forward pass in relu2"
    )
    expect(state(page)).to_contain_text(
        "which asked for 0.78 MiB more: with 18.1 KiB set aside as workspace, 0.45 MiB over the limit"
    )
    expect(state(page)).to_contain_text("The largest batch that fits is 75.", timeout=10_000)
    assert page.locator(".cards").bounding_box() == before  # nothing is pushed
    button(page, "use_what_fits").click()
    expect(page.locator(".st-key-use_what_fits")).to_have_count(0)
    expect(page.locator(".st-key-batch_size input")).to_have_value("75")
    expect(page.locator(".st-key-sentence")).to_contain_text("134 updates per epoch")
    expect(page.locator(".st-key-sentence")).to_contain_text("the last batch has 25 examples, each weighs 3\u00d7")
    start(page)
    expect(state(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    expect(card(page, "Updates")).to_have_text("134 / 134")


def test_a_schedule_of_the_wrong_length_is_warned_of_drawn_and_named(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/?schedule=linear&schedule_batch_size=1000").page
    expect(page.locator(".st-key-sentence")).to_contain_text(
        "laid out for 1,000 a batch, so for 50 updates, and this run makes 500: the rate is 0 after 50, in epoch 1",
        timeout=15_000,
    )
    expect(page.locator(".st-key-preview .marks")).to_contain_text("laid out for 100 a batch")
    start(page)
    expect(state(page)).to_contain_text("The rate died early", timeout=ENGINE_WAIT_MS)
    expect(state(page)).to_contain_text("450 updates changed nothing: their rate was 0.")
    expect(page.locator(".st-key-memory_and_rate .marks").last).to_contain_text("laid out for 100 a batch")


def test_a_second_start_stops_the_first_run(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    first = page.evaluate("new URLSearchParams(location.search).get('run')")
    expect(button(page, "start")).to_have_text(re.compile("Restart"))
    start(page)
    page.wait_for_function("first => new URLSearchParams(location.search).get('run') !== first", arg=first)
    expect(state(page)).to_contain_text("Running", timeout=5_000)
    stop(page)
    page.goto(f"{server.url}/?run={first}")
    expect(state(page)).to_contain_text("Stopped at update", timeout=15_000)


def test_a_batch_larger_than_the_data_is_refused_with_its_remedy(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?dataset=digits&batch_size=5000").page
    expect(page.get_by_text("Batch size must be between 1 and 1437 (the size of 'digits'), got 5000")).to_be_visible(
        timeout=15_000
    )
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
    expect(page.get_by_text("Batch size must be between 1 and 10,000, got 0")).to_be_visible()
    expect(button(page, "start")).to_be_disabled()
    field.fill("128")
    field.press("Enter")
    expect(button(page, "start")).to_be_enabled()
    expect(page.locator(".st-key-sentence")).to_contain_text("79 updates per epoch")


def test_every_update_can_be_downloaded(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    expect(button(page, "csv")).to_be_enabled(timeout=15_000)
    with page.expect_download() as waiting:
        button(page, "csv").click()
    lines = waiting.value.path().read_text().splitlines()
    assert lines[0] == "update,epoch,examples_seen,seconds,learning_rate,loss,gradient_norm"
    assert len(lines) == 501
    assert lines[1].startswith("1,1,100,")
    assert lines[500].startswith("500,5,50000,")


def test_the_link_has_the_settings_and_leaves_the_run_out(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?batch_size=200").page
    start(page)
    expect(state(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    page.get_by_role("button", name="Link").click()
    expect(page.locator("[data-testid=stPopoverBody] code")).to_have_text(f"{server.url}/?batch_size=200")


@pytest.mark.parametrize("dataset", ["moons", "spirals"])
def test_points_in_the_plane_show_their_boundary_as_it_moves(
    server: Server, visit: Callable[..., Visit], dataset: str
) -> None:
    page = visit(f"{server.url}/?dataset={dataset}&budget_value=5000").page
    start_running(page)
    picture = page.locator(".st-key-depths .marks image").first
    expect(picture).to_be_visible(timeout=5_000)
    seen = picture.get_attribute("href") or picture.get_attribute("xlink:href")
    assert seen
    assert seen.startswith("data:image/png")
    page.wait_for_function(
        """seen => { const image = document.querySelector('.st-key-depths .marks image');
            return image && (image.getAttribute('href') || image.getAttribute('xlink:href')) !== seen }""",
        arg=seen,
        timeout=10_000,
    )
    stop(page)


def test_the_last_batch_shows_eight_pictures_and_says_how_many_more(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(server.url).page
    page.locator(".st-key-depth").get_by_text("Last batch").click(timeout=15_000)
    expect(page.locator(".st-key-depths .batch img")).to_have_count(8)
    expect(page.locator(".st-key-depths")).to_contain_text("The newest batch: 8 of its 100 examples, and 92 more.")


@pytest.mark.parametrize(
    ("depth", "sign"),
    [
        ("Memory over time", "resident memory (MiB)"),
        ("Update rhythm", "examples into the epoch"),
        ("Confusion matrix", "the model's answer"),
        ("Gradient norm", "norm of the gradient"),
    ],
)
def test_each_of_the_charts_below_can_be_chosen(
    server: Server, visit: Callable[..., Visit], depth: str, sign: str
) -> None:
    page = visit(server.url).page
    page.locator(".st-key-depth").get_by_text(depth).click(timeout=15_000)
    expect(page.locator(".st-key-depths .marks")).to_contain_text(sign)

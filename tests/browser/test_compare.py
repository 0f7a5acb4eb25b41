"""The comparison page: from a preset to its verdict, and what another budget changes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ENGINE_WAIT_MS, Server, Visit, button


def verdict(page: Page) -> Locator:
    return page.locator(".st-key-compare_verdict")


def choose(page: Page, key: str, name: str) -> None:
    page.locator(f".st-key-{key}").get_by_text(name, exact=True).click()


def finished(page: Page, budget: str) -> None:
    expect(verdict(page)).to_contain_text(f"at equal {budget}", ignore_case=True, timeout=ENGINE_WAIT_MS)
    expect(verdict(page)).to_contain_text("Finished in", timeout=ENGINE_WAIT_MS)


def test_the_articles_pair_from_a_click_to_its_verdict(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/compare").page
    expect(verdict(page)).to_contain_text("Recorded beforehand", timeout=ENGINE_WAIT_MS)
    expect(verdict(page)).to_contain_text("Batch size 100 is ahead at equal epochs (5)")
    expect(page.locator(".st-key-compare_charts .marks")).to_have_count(8)
    button(page, "preset_article").click()
    finished(page, "epochs (5)")
    expect(verdict(page)).to_contain_text("Batch size 100 is ahead at equal epochs (5)")
    expect(verdict(page)).to_contain_text("6 seeds")
    assert "comparison=" in page.url
    page.goto(page.url)  # another visit of the same comparison
    expect(verdict(page)).to_contain_text("Finished in", timeout=ENGINE_WAIT_MS)
    expect(verdict(page)).to_contain_text("Batch size 100 is ahead at equal epochs (5)")


def test_another_budget_has_another_winner(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/compare").page
    expect(verdict(page)).to_contain_text("Recorded beforehand", timeout=ENGINE_WAIT_MS)
    page.wait_for_timeout(1_000)  # Streamlit listens for keys a moment after it has drawn
    page.keyboard.press("2")  # "Noise at a high rate"
    finished(page, "epochs (4)")
    expect(verdict(page)).to_contain_text("Batch size 16 is ahead at equal epochs (4)")
    expect(button(page, "compare_stop")).to_be_disabled()
    choose(page, "compare_budget", "Updates")
    finished(page, "updates (512)")
    expect(verdict(page)).to_contain_text("Batch size 256 is ahead at equal updates (512)")
    expect(verdict(page)).to_contain_text("Counted otherwise, in the same trainings: equal epochs (4), Batch size 16")


def test_the_weights_of_both_arms_are_followed_in_one_plane(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/compare").page
    button(page, "follow_weights").click(timeout=ENGINE_WAIT_MS)
    paths = page.locator(".st-key-weight_paths")
    expect(paths).to_contain_text(re.compile(r"[\d.]+% of their variance"), timeout=ENGINE_WAIT_MS)
    expect(paths).to_contain_text("1,429 training examples")
    for name in ("Batch size 100", "Batch size 1,000"):
        expect(paths).to_contain_text(f"{name}: at the end the loss is")


def begin_a_long_one(server: Server, visit: Callable[..., Visit]) -> Page:
    page = visit(f"{server.url}/compare?arms=budget_value:200;batch_size:1000").page
    expect(verdict(page)).to_contain_text("Recorded beforehand", timeout=ENGINE_WAIT_MS)
    button(page, "compare_start").click()
    expect(button(page, "compare_stop")).to_be_enabled()
    expect(verdict(page)).to_contain_text("Training:", timeout=ENGINE_WAIT_MS)
    return page


def test_a_start_ends_the_comparison_that_it_leaves_unless_another_page_looks_at_it(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = begin_a_long_one(server, visit)
    shown = page.url.partition("comparison=")[2]
    visitor = visit(page.url).page
    expect(verdict(visitor)).to_contain_text("Training:", timeout=ENGINE_WAIT_MS)
    expect(button(visitor, "compare_start")).to_contain_text("Start")
    button(visitor, "preset_noise").click()
    expect(visitor).not_to_have_url(re.compile(shown))
    expect(verdict(visitor)).to_contain_text("mixture, linear.", timeout=ENGINE_WAIT_MS)
    expect(verdict(page)).to_contain_text("Training:")
    expect(button(page, "compare_start")).to_contain_text("Restart")
    page.reload()
    expect(verdict(page)).to_contain_text("Training:", timeout=ENGINE_WAIT_MS)
    button(page, "preset_noise").click()
    expect(page).not_to_have_url(re.compile(shown))
    page.goto(f"{server.url}/compare?comparison={shown}")
    expect(verdict(page)).to_contain_text("Stopped", timeout=ENGINE_WAIT_MS)


def test_stop_ends_a_comparison_where_it_is(server: Server, visit: Callable[..., Visit]) -> None:
    page = begin_a_long_one(server, visit)
    page.keyboard.press("Alt+x")
    expect(verdict(page)).to_contain_text("Stopped", timeout=ENGINE_WAIT_MS)
    expect(button(page, "compare_stop")).to_be_disabled()


def test_a_database_that_fails_is_told_of_until_it_answers_again(
    fresh_server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{fresh_server.url}/compare").page
    button(page, "preset_noise").click(timeout=ENGINE_WAIT_MS)
    finished(page, "epochs (4)")
    with closing(sqlite3.connect(fresh_server.database)) as lost:
        lost.execute("ALTER TABLE comparisons RENAME TO elsewhere")
        page.reload()
        expect(page.get_by_test_id("stAlert")).to_be_visible(timeout=15_000)
        lost.execute("ALTER TABLE elsewhere RENAME TO comparisons")
    finished(page, "epochs (4)")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)

"""The claims page in a browser, with a real run of an experiment."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import ENGINE_WAIT_MS, button, wait_for_query


def shown(page: Page, text: str, *, wait_ms: float | None = None) -> None:
    expect(page.locator(".st-key-claims_shown")).to_contain_text(text, timeout=wait_ms)


def ps(page: Page) -> list[str]:
    """Return each p on the page with its corrected value, once the page is whole."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return re.findall(r"p = [\d.]+ \([\d.]+ corrected\)", page.locator(".st-key-claims_shown").inner_text())


def test_the_page_is_complete_and_a_claim_runs_again(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/claims?claim=C7").page
    shown(page, "C7. ")
    expect(page.locator(".st-key-claims_shown .marks")).to_have_count(2)
    expect(page.locator(".claims tr")).to_have_count(12)
    wait_for_query(page, "claim=C7")
    page.locator(".st-key-claim").get_by_text("Falling rate", exact=True).click()
    shown(page, "C10. ")
    shown(page, "Precomputed on")
    shipped = ps(page)
    assert len(shipped) >= 2
    wait_for_query(page, "claim=C10")
    page.evaluate(
        """window.seen = new Set(); new MutationObserver(() => { for (const caption of document.querySelectorAll(
        '.st-key-claims_shown [data-testid=stCaptionContainer]')) window.seen.add(caption.innerText) })
        .observe(document, {subtree: true, childList: true, characterData: true});"""
    )
    button(page, "run_claim").click()
    shown(page, "Just computed on this machine.", wait_ms=ENGINE_WAIT_MS)
    between = " ".join(page.evaluate("[...window.seen]"))
    assert re.search(r"Waiting for a free core|Running: \d+%", between)
    assert ps(page) == shipped  # of the same seeds, corrected for the same tests
    expect(button(page, "run_claim")).to_be_enabled()
    expect(button(page, "run_all_claims")).to_be_enabled()
    wait_for_query(page, "claim=C10")

"""The page of claims, with an experiment that is run again for real."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import ENGINE_WAIT_MS, Server, Visit, button


def shown(page: Page, text: str, *, wait_ms: float = 15_000) -> None:
    expect(page.locator(".st-key-claims_shown")).to_contain_text(text, timeout=wait_ms)


def test_the_page_opened_first_is_full_and_a_claim_is_run_again(
    fresh_server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{fresh_server.url}/claims").page
    shown(page, "최적해 근처에서 수렴하지 못하는 문제점")
    expect(page.locator(".st-key-claims_shown .marks")).to_contain_text("Equal epochs, rate scaled")
    expect(page.locator(".claims tr")).to_have_count(12)
    page.locator(".st-key-claim").get_by_text("C4", exact=True).click()
    shown(page, "Computed beforehand on")
    shown(page, "C4. 100 pictures / 100 batches / 100 updates")
    expect(page.locator(".st-key-claims_head")).to_contain_text("Supported")
    assert page.evaluate("location.search") == "?claim=C4"
    page.evaluate(
        """window.seen = new Set(); new MutationObserver(() => { for (const caption of document.querySelectorAll(
        '.st-key-claims_shown [data-testid=stCaptionContainer]')) window.seen.add(caption.innerText) })
        .observe(document, {subtree: true, childList: true, characterData: true});"""
    )
    button(page, "run_claim").click()
    shown(page, "Computed just now on this machine; ", wait_ms=ENGINE_WAIT_MS)
    between = " ".join(page.evaluate("[...window.seen]"))
    assert re.search(r"Waiting for a free core|Running: \d+%", between)
    expect(page.locator(".st-key-claims_head")).to_contain_text("Supported")
    shown(page, "100 updates counted at 100 a batch, 10 at 1,000")
    expect(button(page, "run_claim")).to_be_enabled()
    expect(button(page, "run_all_claims")).to_be_enabled()
    assert page.evaluate("location.search") == "?claim=C4"


def test_a_claim_in_the_address_of_a_fresh_server_is_opened(fresh_server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{fresh_server.url}/claims?claim=C7").page
    shown(page, "C7. (With 1,000 a batch) learning proceeds in large strides and fast")
    expect(page.locator(".st-key-claims_shown .marks")).to_have_count(2)
    assert page.evaluate("location.search") == "?claim=C7"
    page.goto(f"{fresh_server.url}/claims?claim=X9")
    expect(page.get_by_text("claim must be one of", exact=False)).to_be_visible(timeout=15_000)
    shown(page, "C9. (A large batch) may not converge near the optimum")

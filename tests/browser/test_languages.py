"""Words that are a third longer, as in other languages, are nowhere cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import pseudo
from tests.browser.conftest import WIDE, Visit
from tests.browser.servers import Server
from tests.browser.steps import PHONE
from ui.shell.pages import PAGES

# Elements of the app that hide a part of their own text.
CUT_OFF = """
() => {
    const own = element => [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
    const hides = value => value === "hidden" || value === "clip"
    const found = []
    for (const element of document.querySelectorAll("[data-testid=stApp] *")) {
        const style = getComputedStyle(element)
        const box = element.getBoundingClientRect()
        if (!own(element) || box.width < 2 || box.height < 2 || style.visibility === "hidden") continue
        if (hides(style.overflowX) && element.scrollWidth > element.clientWidth + 1
            || hides(style.overflowY) && element.scrollHeight > element.clientHeight + 2)
            found.push(element.textContent.trim().slice(0, 80))
        const card = element.closest(".card")
        if (card && box.bottom > card.getBoundingClientRect().bottom + 1)
            found.push(element.textContent.trim().slice(0, 80))
    }
    return found
}
"""


# Buttons of a page's first row that show neither an icon nor a word.
BLANK = """
() => [...document.querySelectorAll(".st-key-bar button")].filter(button =>
    button.offsetParent && button.textContent.trim()
    && !button.querySelector("[data-testid=stIconMaterial]")
    && [...button.querySelectorAll("p")].every(word => parseFloat(getComputedStyle(word).fontSize) < 8)
).map(button => button.textContent)
"""


# As the browser's own buttons do: a page that is loaded anew takes a second and a half of processor time.
GO = "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }"


def open_page(page: Page, path: str) -> None:
    """Open another page in the same session."""
    title = page.locator("h1").first
    before = title.inner_text()
    page.evaluate(GO, path)
    expect(title).not_to_have_text(before)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


@pytest.fixture
def server(fresh_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server whose pages are in the pseudo-language."""
    pseudo.write(tmp_path / "words")
    monkeypatch.setenv("BATCHLAB_WORDS", str(tmp_path / "words"))
    monkeypatch.setenv("BATCHLAB_LANGUAGE", pseudo.LANGUAGE)
    server = Server(fresh_port, tmp_path)
    yield server
    server.end()
    assert server.tracebacks() == []


def test_longer_words_are_nowhere_cut_off(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    expect(page.locator("h1").first).to_be_visible()
    cut, sizes = {}, [PHONE, WIDE]
    for each in PAGES:
        if each is not PAGES[0]:
            open_page(page, f"/{each.url}")
        sizes.reverse()  # the next page begins at the size at which this one ends
        for size in sizes:
            page.set_viewport_size(size)
            page.wait_for_timeout(300)  # for charts that are redrawn at the new width
            if found := [*page.evaluate(CUT_OFF), *page.evaluate(BLANK)]:
                cut[each.name, size["width"]] = found
    assert cut == {}

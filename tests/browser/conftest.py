"""One real browser and one real server for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.browser.find_chromium import ARGUMENTS, find
from tests.browser.servers import ROOT, Server, free_port

PATIENCE_MS = 30_000  # for what a page shows soon, on a machine that has other things to do
WIDE = {"width": 1440, "height": 900}
# Reduces the CPU time of a page load by 10%: on two busy cores, V8's threads for compilation and garbage collection
# only add work.
# A larger space for new objects collects them less often.
FEW_THREADS = ("--js-flags=--single-threaded --min-semi-space-size=32 --max-semi-space-size=64",)
DEEP_LINK_404 = ("_stcore/health", "_stcore/host-config")  # Streamlit's client asks for these below any page's path


@dataclass
class Visit:
    """A tab of the browser, with the errors that it logged."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        where = str(message.location.get("url", ""))
        if message.type == "error" and not ("404" in message.text and where.endswith(DEEP_LINK_404)):
            self.errors.append(f"{message.text} {where}")

    def note_error(self, error: Error) -> None:
        self.errors.append(str(error))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One browser with a profile on disk, which keeps Streamlit's files from test to test."""
    path = find()  # may start Playwright itself
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=path,
            args=[*ARGUMENTS, *FEW_THREADS],
            viewport=WIDE,
            reduced_motion="reduce",  # Streamlit's animations cost up to a fifth of a page load
        )
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tabs(browser: BrowserContext) -> list[Page]:
    """Tabs that no test uses at the moment. A tab that has shown the app before loads it in half the time."""
    return list(browser.pages)


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """The server that the tests share: none before the first test, and none after a test that left it busy."""
    servers: list[Server] = []
    yield servers
    for each in servers:
        each.end()


@pytest.fixture
def server(standing: list[Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which nothing is being trained."""
    if not standing:
        standing.append(Server(free_port(), tmp_path_factory.mktemp("server")))
    [server] = standing
    yield server
    if not server.becomes_idle():
        standing.remove(server)
        server.end()
    assert server.tracebacks() == []


@pytest.fixture(scope="session")
def fresh_port() -> int:
    """The port of all fresh servers and cables, which live one after another: by it the browser knows their files."""
    return free_port()


@pytest.fixture
def fresh_server(fresh_port: int, tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has visited yet."""
    yield from _fresh(Server(fresh_port, tmp_path))


@pytest.fixture
def fresh_machine(fresh_port: int, tmp_path: Path) -> Iterator[Server]:
    """A server of a copy of the app that has no data set yet."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("app.py", "core", "pages", "ui", ".streamlit"):
        part = ROOT / name
        if part.is_dir():
            shutil.copytree(part, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(part, copy)
    yield from _fresh(Server(fresh_port, tmp_path, root=copy))


def _fresh(server: Server) -> Iterator[Server]:
    yield server
    server.end()
    assert server.tracebacks() == []


@pytest.fixture
def visit(browser: BrowserContext, tabs: list[Page]) -> Iterator[Callable[..., Visit]]:
    """Open pages, each in a tab and a session of its own; at the end none of them may have logged an error.

    A script given as `before` runs in the page before any of its own.
    """
    visits: list[Visit] = []
    scripts: list[tuple[CDPSession, str]] = []

    def open_page(
        url: str, *, viewport: ViewportSize = WIDE, color_scheme: str = "light", before: str | None = None
    ) -> Visit:
        page = tabs.pop() if tabs else browser.new_page()
        made = Visit(page)
        visits.append(made)
        if before is not None:
            tools = browser.new_cdp_session(page)  # Playwright's own method adds a script for ever
            tools.send("Page.enable")
            added = tools.send("Page.addScriptToEvaluateOnNewDocument", {"source": before})
            scripts.append((tools, added["identifier"]))
        page.bring_to_front()  # a browser hardly draws a tab in the background
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme)
        page.on("console", made.note)
        page.on("pageerror", made.note_error)
        page.goto(url)
        return made

    yield open_page
    exceptions = 0
    for tools, script in scripts:
        tools.send("Page.removeScriptToEvaluateOnNewDocument", {"identifier": script})
        tools.detach()
    for each in visits:
        exceptions += each.page.get_by_test_id("stException").count()
        each.page.remove_listener("console", each.note)
        each.page.remove_listener("pageerror", each.note_error)
        _leave(each.page)
        tabs.append(each.page)
    assert [each.errors for each in visits if each.errors] == []
    assert exceptions == 0


def _leave(page: Page) -> None:
    """End the session of a tab and forget what the app has stored in it."""
    page.mouse.move(0, 0)
    page.evaluate("localStorage.clear(), sessionStorage.clear()")
    page.goto(f"{page.evaluate('location.origin')}/_stcore/health")

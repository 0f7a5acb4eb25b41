"""A real server on a free port, and a real browser in front of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, sync_playwright

from tests.browser.find_chromium import find

ROOT = Path(__file__).parents[2]
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SERVER_WAIT_S, ENGINE_WAIT_MS = 30, 60_000
DEEP_LINK_404 = ("_stcore/health", "_stcore/host-config")  # Streamlit's client asks for these below any page's path


@dataclass
class Server:
    url: str
    log: Path


@dataclass
class Visit:
    """A page of the browser, with what it complained about."""

    page: Page
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module."""
    yield from _serve(tmp_path_factory.mktemp("server"))


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has visited yet."""
    yield from _serve(tmp_path)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open pages, each in a browser of its own; at the end none of them may have complained."""
    visits: list[Visit] = []

    def open_page(url: str, **options: object) -> Visit:
        options = {"viewport": {"width": 1440, "height": 900}} | options
        page = browser.new_context(**options).new_page()
        made = Visit(page)
        visits.append(made)

        def note(message: ConsoleMessage) -> None:
            where = str(message.location.get("url", ""))
            if message.type == "error" and not ("404" in message.text and where.endswith(DEEP_LINK_404)):
                made.errors.append(f"{message.text} {where}")

        page.on("console", note)
        page.on("pageerror", lambda error: made.errors.append(str(error)))
        page.goto(url)
        return made

    yield open_page
    for each in visits:
        exceptions = each.page.get_by_test_id("stException").count()
        each.page.context.close()
        assert each.errors == []
        assert exceptions == 0


def button(page: Page, key: str) -> Locator:
    """Return a button by its key; one with a tooltip is there twice, for a mouse and for a finger."""
    return page.locator(f".st-key-{key} button").filter(visible=True).first


def _serve(folder: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}",
               "--server.address=127.0.0.1", "--server.fileWatcherType=none"]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
            env=os.environ | {"BATCHLAB_DATABASE": str(folder / "runs.sqlite")},
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/_stcore/health")
        yield Server(url, log)
    finally:
        process.send_signal(signal.SIGTERM)  # its host ends with it
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text()


def _wait_for(url: str) -> None:
    until = time.monotonic() + SERVER_WAIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                answer.read()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)

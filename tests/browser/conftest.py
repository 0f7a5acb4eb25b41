"""A real server on a free port, and a real browser in front of it."""

from __future__ import annotations

import os
import re
import shutil
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
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.browser.find_chromium import find

ROOT = Path(__file__).parents[2]
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SERVER_WAIT_S, ENGINE_WAIT_MS = 30, 60_000
DEEP_LINK_404 = ("_stcore/health", "_stcore/host-config")  # Streamlit's client asks for these below any page's path


@dataclass
class Server:
    url: str
    log: Path
    database: Path


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
def fresh_machine(tmp_path: Path) -> Iterator[Server]:
    """A server of a copy of the app that has no data set yet."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("app.py", "core", "pages", "ui", ".streamlit"):
        part = ROOT / name
        if part.is_dir():
            shutil.copytree(part, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(part, copy)
    yield from _serve(tmp_path, root=copy)


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


def state(page: Page) -> Locator:
    """Return where it says how the run stands."""
    return page.locator(".st-key-state")


def card(page: Page, label: str) -> Locator:
    """Return the value of a card."""
    return page.locator(".card").filter(has=page.get_by_text(label, exact=True)).locator("strong")


def start(page: Page) -> None:
    expect(button(page, "start")).to_be_enabled(timeout=15_000)
    button(page, "start").click()


def start_running(page: Page) -> None:
    start(page)
    expect(state(page)).to_contain_text("Running", timeout=ENGINE_WAIT_MS)


def stop(page: Page) -> None:
    button(page, "stop").click()
    expect(state(page)).to_contain_text("Stopped at update", timeout=5_000)


def count_in(text: str) -> int:
    """Return the number of the update in "Paused at update 1,234 of 500,000"."""
    found = re.search(r"at update ([\d,]+) of", text)
    assert found, text
    return int(found[1].replace(",", ""))


def drag_slider(page: Page, key: str, to: float) -> None:
    """Drag a slider's thumb to a share of its length, by the mouse; it then has the focus."""
    slider = page.locator(f".st-key-{key}")
    thumb, track = slider.get_by_role("slider"), slider.bounding_box()
    box = thumb.bounding_box()
    assert box
    assert track
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + to * track["width"], box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()


def _serve(folder: Path, *, root: Path = ROOT) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless=true",
        f"--server.port={port}",
        "--server.address=127.0.0.1",
        "--server.fileWatcherType=none",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=root,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"BATCHLAB_DATABASE": str(folder / "runs.sqlite")},
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/_stcore/health")
        yield Server(url, log, folder / "runs.sqlite")
    finally:
        process.send_signal(signal.SIGTERM)  # its host ends with it
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    # Streamlit's own server has a traceback now and then of a browser that leaves while it is being sent something.
    assert re.findall(rf'File "{root}/(?:app|core|pages|ui)\b.*', log.read_text()) == []


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

"""Time the live page in a real browser on a real server: waiting times, and the cost of a refresh."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.server import Server, serve
from benchmarks.viewers import watch_together
from core.run.config import RunConfig
from core.run.events import Ended, Started, Updates
from core.store import Store
from tests.browser.find_chromium import ARGUMENTS, find

STARTS, LOADS = 20, 9
WATCHED_S = 20.0
MANY = 1_000_000
VIEWERS = 5
LONG = "?budget_value=5000"

# Milliseconds from the click to the first frame in which the page shows what it was clicked for.
FIRST_LINE = """async button => {
    const points = () => {
        const path = document.querySelector('.smoothed_marks path')
        return path ? path.getAttribute('d') : ''
    }
    const before = points()
    const began = performance.now()
    button.click()
    while (points() === before || !/L/.test(points())) await new Promise(requestAnimationFrame)
    return performance.now() - began
}"""
# Milliseconds from the beginning of the navigation until there is a button to press and a line to see. Looks every
# 10 ms: to ask for every frame would make the browser draw each of them.
USABLE = """async () => {
    const usable = () => document.querySelector('.st-key-start button:enabled')
        && document.querySelector('.smoothed_marks path')
    while (!usable()) await new Promise(done => setTimeout(done, 10))
    return performance.now()
}"""
STOPPED = """async button => {
    const began = performance.now()
    button.click()
    while (!/Stopped/.test(document.querySelector('.st-key-state')?.innerText)) await new Promise(requestAnimationFrame)
    return performance.now() - began
}"""
COUNT_REFRESHES = """() => {
    window.refreshes = 0
    new MutationObserver(() => window.refreshes++).observe(
        document.querySelector('.st-key-cards'), { childList: true, subtree: true, characterData: true })
}"""


def measure() -> dict[str, float]:
    """Return milliseconds, and percent of a core."""
    figures: dict[str, float] = {}
    path = find()  # may start Playwright itself
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        with serve() as server:
            _warm(browser, server)
            figures |= _first_load(browser, server)
            figures |= _start_and_stop(browser, server)
            figures |= _refreshes(browser, server)
            figures |= _many_updates(browser, server)
            figures |= _viewers(browser, server)
        browser.close()
    return figures


def _warm(browser: Browser, server: Server) -> None:
    page = _open(browser, server.url + LONG)
    for _ in range(2):
        page.locator(".st-key-start button").first.click()
        expect(page.locator(".st-key-state")).to_contain_text("Running", timeout=60_000)
        page.wait_for_timeout(3_000)
    page.locator(".st-key-stop button").first.click()
    expect(page.locator(".st-key-state")).to_contain_text("Stopped", timeout=10_000)
    page.context.close()


def _first_load(browser: Browser, server: Server) -> dict[str, float]:
    times = []
    for _ in range(LOADS):
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.goto(server.url, wait_until="commit")
        times.append(page.evaluate(USABLE))
        page.context.close()
    return {"first load, warm server, ms": median(times), "first load, worst ms": max(times)}


def _start_and_stop(browser: Browser, server: Server) -> dict[str, float]:
    page = _open(browser, server.url + LONG)
    starts, stops = [], []
    for _ in range(STARTS):
        page.wait_for_timeout(1_000)
        starts.append(page.locator(".st-key-start button").first.evaluate(FIRST_LINE))
        page.wait_for_timeout(1_500)
        stops.append(page.locator(".st-key-stop button").first.evaluate(STOPPED))
    page.context.close()
    return {
        "Start to the first line, ms": median(starts),
        "Start to the first line, worst ms": max(starts),
        "Stop to stopped on screen, ms": median(stops),
        "Stop to stopped on screen, worst ms": max(stops),
    }


def _refreshes(browser: Browser, server: Server) -> dict[str, float]:
    page = _open(browser, server.url + LONG)
    page.locator(".st-key-start button").first.click()
    expect(page.locator(".st-key-state")).to_contain_text("Running", timeout=10_000)
    page.wait_for_timeout(3_000)
    per_refresh, share = _watch(page, server)
    page.locator(".st-key-stop button").first.click()
    page.context.close()
    return {"one refresh, ms of server CPU": per_refresh, "server CPU with one viewer, % of a core": share}


def _many_updates(browser: Browser, server: Server) -> dict[str, float]:
    """Watch a run that has a million updates and goes on; it is written here, at ten blocks a second."""
    store = Store.open(server.database)
    run = "million"
    store.create(run, RunConfig(budget="updates", budget_value=10 * MANY, memory_limit_mb=4), owner="", session="")
    store.write(run, [Started(10 * MANY)])
    done, stop = 0, threading.Event()
    while done < MANY:
        done = _write(store, run, done, 50_000)
    page = _open(browser, f"{server.url}/?run={run}")
    expect(page.locator(".st-key-state")).to_contain_text("Running", timeout=60_000)

    def write_on() -> None:
        count = done
        while not stop.wait(0.1):
            count = _write(store, run, count, 500)

    writing = threading.Thread(target=write_on)
    writing.start()
    page.wait_for_timeout(5_000)
    per_refresh, _ = _watch(page, server)
    stop.set()
    writing.join()
    store.finish(run, Ended("stopped", "asked"))
    page.context.close()
    store.close()
    return {"one refresh after 1,000,000 updates, ms of server CPU": per_refresh}


def _write(store: Store, run: str, done: int, count: int) -> int:
    generator = np.random.default_rng(done)
    numbers = np.arange(done, done + count)
    losses = (2 / np.sqrt(1 + numbers / 1_000) + 0.3 * generator.random(count)).astype(np.float32)
    rates, norms = np.full(count, 0.05), generator.random(count).astype(np.float32)
    block = Updates(done, losses, rates, norms, (numbers + 1) * 100, (numbers + 1) * 2e-4)
    store.write(run, [block], rss_bytes=2**28 + done)
    return done + count


def _viewers(browser: Browser, server: Server) -> dict[str, float]:
    """Let several viewers watch one run.

    They speak the protocol without a browser: each real browser has a machine of its own, and two cores cannot carry
    five browsers next to the server and the training.
    """
    first = _open(browser, server.url + LONG)
    first.locator(".st-key-start button").first.click()
    expect(first.locator(".st-key-state")).to_contain_text("Running", timeout=10_000)
    run = first.evaluate("new URLSearchParams(location.search).get('run')")
    first.context.close()
    address = f"{server.url.replace('http', 'ws')}/_stcore/stream"
    before, began = server.cpu_s(), time.perf_counter()
    watching = watch_together(address, run, viewers=VIEWERS, watched_s=WATCHED_S)
    with ThreadPoolExecutor() as thread:  # this thread already runs the browser's event loop
        late, refreshes = thread.submit(lambda: asyncio.run(watching)).result()
    spent, elapsed = server.cpu_s() - before, time.perf_counter() - began
    last = _open(browser, f"{server.url}/?run={run}")
    last.locator(".st-key-stop button").first.click()
    last.context.close()
    return {
        f"refreshes of {VIEWERS} viewers": refreshes,
        "of them not done when the next was due": late,
        f"server CPU with {VIEWERS} viewers, % of a core a viewer": 100 * spent / elapsed / VIEWERS,
    }


def _watch(page: Page, server: Server) -> tuple[float, float]:
    """Watch a page; return the server's CPU time for each refresh in ms, and its share of a core in percent."""
    page.evaluate(COUNT_REFRESHES)
    before, began = server.cpu_s(), time.perf_counter()
    page.wait_for_timeout(1_000 * WATCHED_S)
    spent, elapsed = server.cpu_s() - before, time.perf_counter() - began
    return 1_000 * spent / page.evaluate("window.refreshes"), 100 * spent / elapsed


def _open(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(url)
    expect(page.locator(".st-key-start button").first).to_be_enabled(timeout=30_000)
    page.locator(".st-key-loss .marks").wait_for(timeout=30_000)
    return page

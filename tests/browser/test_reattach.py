"""A run survives a reload, a second tab and a cut of the network without a gap or a second start."""

from __future__ import annotations

import re
import selectors
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from core.store import Store
from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    ENGINE_WAIT_MS,
    LONG,
    PAUSED,
    RUNNING,
    SLOW,
    STOPPED,
    button,
    card,
    count_in,
    moves,
    run_of,
    start_running,
    state,
    stop,
)

NO_NETWORK_MS = 3_000


class Cable:
    """A port that leads to the server as long as the cable is plugged in."""

    def __init__(self, port: int, to: tuple[str, int]) -> None:
        self._to, self.plugged = to, True
        self._listening = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{port}"
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.plugged = False
        for end in list(self._open):
            self._close(end)

    def plug_in(self) -> None:
        self.plugged = True

    def remove(self) -> None:
        self.cut()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:  # removed
                return
            if not self.plugged:
                near.close()
                continue
            far = socket.create_connection(self._to)
            self._open |= {near, far}
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            try:
                while self.plugged:
                    for key, _ in ready.select(timeout=0.2):
                        data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                        if not data:
                            return
                        key.data.sendall(data)
            except OSError:  # one end is gone
                pass
            finally:
                self._close(near)
                self._close(far)

    def _close(self, end: socket.socket) -> None:
        self._open.discard(end)
        end.close()


@pytest.fixture
def cable(server: Server, fresh_port: int) -> Iterator[Cable]:
    made = Cable(fresh_port, ("127.0.0.1", server.port))
    yield made
    made.remove()


@pytest.mark.campaign
def test_a_second_tab_shows_the_same_run_and_controls_it(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    second = visit(page.url).page
    expect(state(second)).to_contain_text(RUNNING)
    moves(second)
    moves(page)
    button(second, "pause").click()
    expect(state(second)).to_contain_text(PAUSED)
    expect(state(page)).to_contain_text(PAUSED)
    assert count_in(state(page).inner_text()) == count_in(state(second).inner_text())
    stop(second)
    expect(state(page)).to_contain_text(STOPPED)


@pytest.mark.campaign
def test_a_start_leaves_a_run_to_the_other_page_that_looks_at_it(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/{LONG}").page
    start_running(page)
    run = run_of(page)
    visitor = visit(page.url).page
    expect(state(visitor)).to_contain_text(RUNNING)
    expect(button(visitor, "start")).to_contain_text("Start")
    button(visitor, "start").click()
    expect(visitor).not_to_have_url(re.compile(run))
    expect(state(visitor)).to_contain_text(RUNNING, timeout=ENGINE_WAIT_MS)
    moves(page)
    stop(visitor)
    stop(page)


def test_seconds_without_a_network_and_a_reload_lose_no_point_and_start_nothing_twice(
    server: Server, cable: Cable, visit: Callable[..., Visit]
) -> None:
    made = visit(f"{cable.url}/{SLOW}")
    page = made.page
    start_running(page)
    run, before = run_of(page), len(Store.open(server.database).runs())
    moves(page)
    cable.cut()
    page.wait_for_timeout(NO_NETWORK_MS)
    cable.plug_in()
    counter = card(page, "Updates")
    expect(counter).not_to_have_text(counter.inner_text(), timeout=30_000)
    made.errors.clear()  # the browser's own errors while it had no network
    assert run_of(page) == run
    moves(page)
    page.reload()
    expect(state(page)).to_contain_text(RUNNING)
    assert run_of(page) == run
    moves(page)
    stop(page)
    page.reload()
    expect(state(page)).to_contain_text(STOPPED)
    shown = count_in(state(page).inner_text())
    store = Store.open(server.database)
    chunks = store.chunks_after(run)
    assert [chunk.updates.first for chunk in chunks[1:]] == [
        chunk.updates.first + len(chunk.updates) for chunk in chunks[:-1]
    ]
    assert sum(len(chunk.updates) for chunk in chunks) == shown
    assert len(store.runs()) == before
    store.close()

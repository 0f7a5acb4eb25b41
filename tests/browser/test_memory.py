"""The memory page, and a run that runs out of memory and continues with a remedy."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    ENGINE_WAIT_MS,
    FINISHED,
    MATCHES,
    OUT_OF_MEMORY,
    button,
    card,
    field,
    run_of,
    start,
    state,
)


def test_a_run_out_of_memory_finishes_with_a_remedy_and_with_the_batch_that_fits(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/?model=cnn&budget_value=1").page
    expect(page.locator(".st-key-sentence")).to_contain_text("out of memory", timeout=ENGINE_WAIT_MS)
    before = page.locator(".cards").bounding_box()
    start(page)
    expect(state(page)).to_contain_text(OUT_OF_MEMORY, timeout=ENGINE_WAIT_MS)
    expect(button(page, "use_what_fits")).to_contain_text("75")
    assert page.locator(".cards").bounding_box() == before  # nothing is pushed
    box = page.locator(".st-key-black_box")
    expect(box.locator(".marks")).to_contain_text("0.45 MiB over the limit")
    box.get_by_text("What PyTorch would print").click()
    error = "CUDA out of memory. Tried to allocate 800.00 KiB. GPU 0 has a total capacity of 4.00 MiB of which"
    expect(box).to_contain_text(error)
    out_of_memory = run_of(page)
    line = page.locator("[class*=st-key-remedy_line_]").filter(has_text="2 batches accumulated")
    line.get_by_role("button", name="Start with this").click(timeout=ENGINE_WAIT_MS)
    expect(state(page)).to_contain_text(FINISHED, timeout=ENGINE_WAIT_MS)
    expect(card(page, "Updates")).to_have_text("100 / 100")
    expect(field(page, "batch_size")).to_have_value("50")
    expect(page.locator(".st-key-sentence")).to_contain_text(MATCHES)
    assert run_of(page) != out_of_memory
    # The run it continues from is still there.
    page.goto(f"{server.url}/?model=cnn&budget_value=1&run={out_of_memory}")
    expect(state(page)).to_contain_text(OUT_OF_MEMORY)
    button(page, "use_what_fits").click()
    expect(page.locator(".st-key-use_what_fits")).to_have_count(0)
    expect(field(page, "batch_size")).to_have_value("75")
    start(page)
    expect(state(page)).to_contain_text(FINISHED, timeout=ENGINE_WAIT_MS)
    expect(card(page, "Updates")).to_have_text("134 / 134")  # 10,000 / 75, rounded up


def test_a_device_sets_the_limit_and_the_searches_for_the_largest_batch_play(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/memory?model=cnn").page
    expect(page.locator(".st-key-curve .marks")).to_contain_text("fits up to 75", timeout=ENGINE_WAIT_MS)
    expect(page.locator(".st-key-curve .marks")).to_contain_text("02 MiB4 MiB6 MiB8 MiB10 MiB")
    marks = page.locator(".st-key-memory_depths .marks")
    expect(marks).to_contain_text("second update")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.locator(".st-key-memory_choice").get_by_text("Finding the largest batch", exact=True).click()
    expect(marks).to_contain_text("13 tries, exact", timeout=ENGINE_WAIT_MS)
    button(page, "play").click()
    expect(marks).not_to_contain_text("13 tries, exact")
    expect(marks).to_contain_text("13 tries, exact", timeout=ENGINE_WAIT_MS)
    button(page, "device_a100").click()
    expect(page.locator(".st-key-memory_cards")).to_contain_text("under 78.14 GiB", timeout=ENGINE_WAIT_MS)
    expect(field(page, "memory_limit_mb")).to_have_value("81039")

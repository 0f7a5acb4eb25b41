"""The memory page, and a run that runs out of memory and goes on with what would have worked."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import ENGINE_WAIT_MS, Server, Visit, button, card, start, state


def choose(page: Page, name: str) -> None:
    """Choose what is shown below the curve."""
    page.locator(".st-key-memory_choice").get_by_text(name, exact=True).click()


def open_memory(visit: Callable[..., Visit], server: Server, query: str = "") -> Page:
    page = visit(f"{server.url}/memory?model=cnn{query}").page
    expect(page.locator(".st-key-memory_cards")).to_contain_text("75 a batch", timeout=ENGINE_WAIT_MS)
    return page


def test_a_run_that_ran_out_of_memory_goes_on_with_a_remedy_and_finishes(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = visit(f"{server.url}/?model=cnn&budget_value=2").page
    start(page)
    expect(state(page)).to_contain_text("Out of memory (simulated)", timeout=ENGINE_WAIT_MS)
    box = page.locator(".st-key-black_box")
    expect(box).to_contain_text(
        "Forward pass, relu2: relu asked for a tensor of 100 \u00d7 32 \u00d7 8 \u00d7 8, 0.78 MiB."
    )
    expect(box.locator(".marks")).to_contain_text("did not fit: 0.78 MiB more, 0.45 MiB over the limit")
    box.get_by_text("What PyTorch would print").click()
    expect(box).to_contain_text("CUDA out of memory. Tried to allocate 0.78 MiB. Simulated device: 4.00 MiB in total")
    fixes = page.locator(".st-key-remedies")
    for name in (
        "bfloat16 autocast",
        "50 a batch, 2 accumulated",
        "Activation checkpointing, 81 a batch",
        "75 a batch",
    ):
        expect(fixes).to_contain_text(name, timeout=ENGINE_WAIT_MS)
    out_of_memory = page.evaluate("new URLSearchParams(location.search).get('run')")
    line = page.locator("[class*=st-key-remedy_line_]").filter(has_text="50 a batch, 2 accumulated")
    line.get_by_role("button", name="Start with this").click()
    expect(state(page)).to_contain_text("Finished", timeout=ENGINE_WAIT_MS)
    expect(state(page)).to_contain_text("took the place of one that was out of memory")
    expect(card(page, "Updates")).to_have_text("200 / 200")
    expect(page.locator(".st-key-batch_size input")).to_have_value("50")
    expect(page.locator(".st-key-sentence")).to_contain_text("predicted = measured")
    assert page.evaluate("new URLSearchParams(location.search).get('run')") != out_of_memory
    # The run that it goes on from is still there.
    page.goto(f"{server.url}/?run={out_of_memory}")
    expect(state(page)).to_contain_text("Out of memory (simulated)", timeout=ENGINE_WAIT_MS)


def test_the_page_says_what_fits_before_anything_runs(server: Server, visit: Callable[..., Visit]) -> None:
    page = open_memory(visit, server)
    numbers = page.locator(".st-key-memory_cards")
    expect(numbers).to_contain_text("5.29 MiB")
    expect(numbers).to_contain_text("5.27 MiB tensors + 18.1 KiB workspace")
    expect(page.get_by_text("97.6 KiB + 53.0 KiB \u00d7 B")).to_be_visible()
    expect(page.locator(".st-key-curve .marks")).to_contain_text("fits up to 75")
    expect(page.locator(".st-key-memory_depths .marks")).to_contain_text("second update")
    page.locator(".st-key-device_a100 button").filter(visible=True).first.click()
    expect(numbers).to_contain_text("under 80 GiB", timeout=ENGINE_WAIT_MS)
    expect(page.locator(".st-key-memory_limit_mb input")).to_have_value("81920")


def test_what_would_fit_is_taken_into_the_form(server: Server, visit: Callable[..., Visit]) -> None:
    page = open_memory(visit, server)
    choose(page, "What would fit")
    line = page.locator("[class*=st-key-remedy_line_]").filter(has_text=re.compile("^75 a batch"))
    line.get_by_role("button", name="Use this").click(timeout=ENGINE_WAIT_MS)
    expect(page.locator(".st-key-batch_size input")).to_have_value("75")
    expect(page.locator(".st-key-memory_cards")).to_contain_text("Peak at 75 a batch")
    expect(page.get_by_text("These settings fit")).to_be_visible(timeout=ENGINE_WAIT_MS)


def test_the_largest_batch_is_checked_by_running_it_and_the_ways_to_find_it_play(
    server: Server, visit: Callable[..., Visit]
) -> None:
    page = open_memory(visit, server)
    choose(page, "Finding the largest batch")
    expect(page.get_by_text("Checked just now by running them: 75 fits, 76 runs out.")).to_be_visible(
        timeout=ENGINE_WAIT_MS
    )
    marks = page.locator(".st-key-memory_depths .marks")
    expect(marks).to_contain_text("13 attempts, exact")
    button(page, "play").click()
    expect(marks).not_to_contain_text("13 attempts, exact")
    expect(marks).to_contain_text("13 attempts, exact", timeout=20_000)


def test_accumulation_is_equal_until_something_breaks_it(server: Server, visit: Callable[..., Visit]) -> None:
    page = open_memory(visit, server)
    choose(page, "Accumulation")
    depths = page.locator(".st-key-memory_depths")
    expect(depths).to_contain_text("Micro-batches of 15, 15, 15, 15", timeout=ENGINE_WAIT_MS)
    expect(depths).to_contain_text("rounding")
    page.locator(".st-key-lab_norm label").first.click()
    expect(depths).to_contain_text("not equal", timeout=ENGINE_WAIT_MS)
    page.locator(".st-key-lab_norm label").first.click()
    for name in ("mean_of_means", "divide_by_full", "schedule_per_micro_batch"):
        page.locator(f".st-key-lab_{name} label").first.click()
    expect(depths).to_contain_text("The micro-batches are equally large here", timeout=ENGINE_WAIT_MS)
    expect(depths).to_contain_text("Last window of 2 micro-batches: its gradient has 50% of the length it should have.")
    expect(depths).to_contain_text("A cosine over 10 updates")


def test_a_model_of_ones_own_is_predicted_and_a_wrong_one_says_why(server: Server, visit: Callable[..., Visit]) -> None:
    page = open_memory(visit, server)
    choose(page, "Your own model")
    page.locator(".st-key-own_model_name input").fill("tests.core.forecast.own_models:residual")
    page.locator(".st-key-own_input input").fill("3,16,16")
    page.get_by_role("button", name="Predict").click()
    depths = page.locator(".st-key-memory_depths")
    expect(depths).to_contain_text("Run for real at this batch size.", timeout=ENGINE_WAIT_MS)
    page.locator(".st-key-own_model_name input").fill("tests.core.forecast.own_models:nothing")
    page.get_by_role("button", name="Predict").click()
    expect(depths).to_contain_text("cannot be imported", timeout=ENGINE_WAIT_MS)

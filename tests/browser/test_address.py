"""The address of the page carries the setup; what is wrong in it is said, and nothing breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit, button

TWELVE = {
    "dataset": "digits",
    "batch_size": "64",
    "model": "linear",
    "schedule": "one-cycle",
    "lr": "0.02",
    "budget_value": "7",
    "memory_limit_mb": "16",
    "optimizer": "adamw",
    "accumulate": "2",
    "warmup": "0.1",
    "seed": "42",
    "drop_last": "true",
}

BAD = [
    ("batch_size", "0", "Batch size must be between 1 and 10,000, got 0. Used instead: 100."),
    ("batch_size", "1.5", "Batch size must be a whole number between 1 and 10,000, got '1.5'. Used instead: 100."),
    ("batch_size", "many", "Batch size must be a whole number between 1 and 10,000, got 'many'. Used instead: 100."),
    ("batch_size", "99999999999", "Batch size must be between 1 and 10,000, got 99,999,999,999. Used instead: 100."),
    ("lr", "-1", "Learning rate must be between 1e-08 and 1,000, got -1. Used instead: 0.05."),
    ("lr", "nan", "Learning rate must be a number between"),
    (
        "dataset",
        "mnist",
        "Data set must be one of photos10k, digits, noisy-digits, linear, mixture, moons, spirals, got 'mnist'",
    ),
    ("model", "resnet", "Model must be one of linear, mlp, cnn, got 'resnet'"),
    ("schedule", "", "Learning-rate schedule must be one of constant"),
    ("optimizer", "SGD!", "Optimizer must be one of sgd, momentum, nesterov, adam, adamw, got 'SGD!'"),
    ("warmup", "1", "Warm-up must be between 0 and 0.9, got 1. Used instead: 0."),
    ("memory_limit_mb", "0.5", "Memory limit (mib) must be between 1 and 81,920, got 0.5. Used instead: 4."),
    ("seed", "-1", "Seed must be between 0 and 4,294,967,295, got -1. Used instead: 0."),
    ("hidden", "128-0", "Hidden layers must be 1 to 8 layer widths between 1 and 4,096, such as 128-64, got '128-0'"),
    ("drop_last", "perhaps", "Dropping the last batch must be one of true, false, got 'perhaps'"),
    ("schedule_batch_size", "0", "The schedule's batch size must be between 1 and 10,000, got 0."),
    ("colour", "red", "It was left out."),
]


def test_a_link_rebuilds_a_setup_of_twelve_fields(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?{urlencode(TWELVE)}").page
    expect(page.locator(".st-key-batch_size input")).to_have_value("64", timeout=15_000)
    expect(page.locator(".st-key-sentence")).to_contain_text(
        "1,437 examples \u00f7 64 a batch = 22 batches \u00f7 2 accumulated (the last 29 dropped) \u2192 "
        "11 updates per epoch \u00d7 7 epochs = 77 updates"
    )
    page.get_by_text("More", exact=True).click()
    for name in ("batch_size", "lr", "budget_value", "memory_limit_mb", "accumulate", "warmup", "seed"):
        expect(page.locator(f".st-key-{name} input")).to_have_value(TWELVE[name])
    for name in ("dataset", "schedule", "optimizer"):
        expect(page.locator(f".st-key-{name} input")).to_have_value(TWELVE[name])
    expect(page.locator(".st-key-model button[aria-checked=true], .st-key-model [kind$=Active]")).to_have_text("linear")
    expect(page.locator(".st-key-drop_last input")).to_be_checked()
    assert {
        name: page.evaluate("name => new URLSearchParams(location.search).get(name)", name) for name in TWELVE
    } == TWELVE


def groups() -> list[list[tuple[str, str, str]]]:
    """Deal the bad values out, so that each address has a field once: a visit takes seconds."""
    dealt: list[list[tuple[str, str, str]]] = []
    for each in BAD:
        free = next((group for group in dealt if each[0] not in {name for name, _, _ in group}), None)
        if free is None:
            dealt.append([each])
        else:
            free.append(each)
    return dealt


@pytest.mark.parametrize("bad", groups(), ids=lambda bad: "-".join(name for name, _, _ in bad))
def test_bad_values_are_noted_each_and_the_defaults_used(
    server: Server, visit: Callable[..., Visit], bad: list[tuple[str, str, str]]
) -> None:
    values = {name: value for name, value, _ in bad}
    page = visit(f"{server.url}/?{urlencode(values | {'budget_value': 3})}").page
    notes = page.get_by_test_id("stAlert")
    expect(notes).to_have_count(1, timeout=15_000)  # they share one
    for _, _, note in bad:
        expect(notes.get_by_text(note)).to_be_visible()
    expect(notes.get_by_role("listitem")).to_have_count(len(bad) if len(bad) > 1 else 0)
    expect(page.locator(".st-key-sentence")).to_contain_text(
        "10,000 examples \u00f7 100 a batch = 100 batches \u2192 100 updates per epoch \u00d7 3 epochs = 300 updates"
    )
    expect(button(page, "start")).to_be_enabled()
    expect(page).to_have_url(re.compile(r"/\?budget_value=3$"))


def test_the_note_is_gone_once_the_form_is_changed(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?batch_size=0").page
    notes = page.get_by_test_id("stAlert")
    expect(notes).to_have_count(1, timeout=15_000)
    button(page, "article_1000").click()
    expect(notes).to_have_count(0)


def test_the_browsers_way_back_from_another_page_keeps_the_setup(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(f"{server.url}/?batch_size=250&budget_value=7").page
    field = page.locator(".st-key-batch_size input")
    expect(field).to_have_value("250", timeout=15_000)
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="Data sets")).to_be_visible()
    page.go_back()
    expect(field).to_have_value("250")
    expect(page.locator(".st-key-sentence")).to_contain_text("7 epochs = 280 updates")
    expect(page).to_have_url(re.compile("batch_size=250.*budget_value=7"))


def test_the_slider_writes_the_batch_size_into_field_and_address(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    slider = page.locator(".st-key-batch_size_slider").get_by_role("slider")
    expect(slider).to_be_visible(timeout=15_000)
    slider.focus()
    slider.press("ArrowRight")
    expect(page.locator(".st-key-batch_size input")).to_have_value("128")
    expect(page).to_have_url(re.compile("batch_size=128"))
    expect(page.locator(".st-key-sentence")).to_contain_text("79 updates per epoch")


def test_the_slider_stands_at_a_number_that_was_typed(server: Server, visit: Callable[..., Visit]) -> None:
    page = visit(server.url).page
    field = page.locator(".st-key-batch_size input")
    expect(field).to_be_visible(timeout=15_000)
    field.fill("75")
    field.press("Enter")
    expect(page.locator(".st-key-batch_size_slider").get_by_role("slider")).to_have_attribute("aria-valuetext", "75")

"""The memory page with a real engine: largest batch size, remedies, accumulation and a custom model."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

App = Callable[..., AppTest]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def page(database: Path) -> App:
    # A switch of pages in AppTest resets the form, so the memory page is the first one of each session.
    def open_page(**query: object) -> AppTest:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/memory.py")
        for name, value in query.items():
            test.query_params[name] = str(value)
        return test.run()

    return open_page


def words(test: AppTest) -> str:
    assert not test.exception
    html = [item.proto.body for item in test.get("html") if "<style>" not in item.proto.body]
    return "\n".join([*(item.value for item in test.markdown), *(item.value for item in test.caption), *html])


def until(test: AppTest, *texts: str) -> str:
    """Rerun the script, as the timer would, until the page has all these texts."""
    deadline = time.monotonic() + 60
    while not all(text in words(test) for text in texts):
        assert time.monotonic() < deadline, words(test)
        time.sleep(0.1)
        test.run()
    return words(test)


def show(test: AppTest, choice: str) -> None:
    test.get_by_key("memory_choice").set_value(choice).run()


@pytest.mark.slow
def test_the_page_shows_the_largest_batch_before_anything_runs(page: App) -> None:
    test = page(model="cnn")
    # 97.6 KiB fixed and 53.0 KiB per example make 5.28 MiB of tensors at batch size 100.
    until(test, "5.29 MiB", "5.28 MiB tensors + 18.1 KiB workspace", "97.6 KiB + 53.0 KiB")
    test.button(key="device_a100").click().run()
    until(test, "under 78.14 GiB, with 1 GiB set aside", "A100: PyTorch reports a capacity of 79.14 GiB (")
    assert test.number_input(key="memory_limit_mb").value == 81_039
    assert test.number_input(key="memory_margin_mb").value == 1_024
    test.number_input(key="memory_margin_mb").set_value(2_048).run()
    until(test, "under 77.14 GiB, with 2 GiB set aside", "so 77.14 GiB of 79.14 GiB can be used")


@pytest.mark.slow
def test_a_remedy_is_applied_to_the_form(page: App) -> None:
    test = page(batch_size=1_000, memory_limit_mb=1)
    show(test, "fit")
    until(test, "**Batch size 260**")
    lines = [item.value for item in test.markdown if "  \n" in item.value]  # a remedy and its effect
    (place,) = [place for place, line in enumerate(lines) if line.startswith("**Batch size 260**")]
    test.button(key=f"take_remedy_{place}").click().run()
    assert test.number_input(key="batch_size").value == 260
    until(test, "These settings fit")


@pytest.mark.slow
def test_two_real_runs_check_the_largest_batch(page: App) -> None:
    test = page(batch_size=1_000, memory_limit_mb=1)
    show(test, "search")
    until(test, "Just checked by running both: batch size 260 fits, and 261 runs out of memory.")


@pytest.mark.slow
def test_accumulation_is_equal_until_a_switch_breaks_it(page: App) -> None:
    test = page()
    show(test, "accumulation")
    assert "not equal" not in until(test, "Micro-batch sizes: 15, 15, 15, and 15", "rounding")
    test.get_by_key("accumulation_norm").set_value(True).run()
    until(test, "not equal")
    test.get_by_key("accumulation_norm").set_value(False).run()
    for name in ("mean_of_means", "divide_by_full", "schedule_per_micro_batch"):
        test.get_by_key(f"accumulation_{name}").set_value(True).run()
    until(
        test,
        "All micro-batches have the same size here",
        "The last window has 2 micro-batches. Its gradient has 50% of the correct norm.",
        "With a cosine schedule over 10 updates",
    )


@pytest.mark.slow
def test_a_custom_model_is_predicted_and_a_wrong_one_says_why(page: App) -> None:
    test = page()
    show(test, "own")
    test.text_input(key="own_model_name").set_value("tests.core.forecast.own_models:residual")
    test.text_input(key="own_input").set_value("3,16,16")
    predict(test)
    until(test, "This batch size was run for real.")
    test.text_input(key="own_model_name").set_value("tests.core.forecast.own_models:nothing")
    predict(test)
    until(test, "Cannot import the model tests.core.forecast.own_models:nothing")


def predict(test: AppTest) -> None:
    """Press the button of the form."""
    (button,) = [button for button in test.button if button.proto.is_form_submitter]
    button.click().run()

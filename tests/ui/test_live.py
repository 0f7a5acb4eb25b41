"""The live panel over real runs, without a browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from ui.engine import engine

App = Callable[..., AppTest]


def specs(test: AppTest) -> list[str]:
    """Return the charts' specifications, without the names that Streamlit gives to the data."""
    found = []
    for chart in test.get("vega_lite_chart"):
        spec = json.loads(chart.proto.spec)
        spec.pop("data", None)
        found.append(json.dumps(spec) + chart.proto.alt_text if hasattr(chart.proto, "alt_text") else json.dumps(spec))
    return found


def words(test: AppTest) -> str:
    return " ".join([*(item.value for item in test.markdown), *(item.proto.body for item in test.get("html"))])


def run_until(test: AppTest, text: str, *, longest_s: float = 60) -> None:
    until = time.monotonic() + longest_s
    while text not in words(test):
        assert time.monotonic() < until, words(test)
        time.sleep(0.1)
        test.run()


def test_predictions_fill_the_cards_before_a_run(app: App) -> None:
    test = app()
    run_until(test, "0.63 MiB")
    assert "Nothing has been trained yet" in words(test)
    assert "Fits up to **1,489** under the limit" in [item.value for item in test.caption]


def test_a_run_comes_to_its_end_with_the_charts_unchanged(app: App) -> None:
    test = app(budget_value=200)
    before = specs(test)
    assert len(before) == 3
    test.button(key="start").click().run()
    assert "run" in test.query_params
    run_until(test, "Running")
    first = specs(test)
    test.run()
    assert specs(test) == first == before
    test.button(key="stop").click().run()
    run_until(test, "Stopped at update")
    assert specs(test) == before
    assert not test.exception


def test_the_shown_run_and_another_form_are_told_apart(app: App) -> None:
    test = app(budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    assert not [item.value for item in test.caption if "Showing the run" in item.value]
    test.number_input(key="batch_size").set_value(250).run()
    assert "Showing the run with batch_size 100; the form says batch_size 250." in [item.value for item in test.caption]


def test_running_out_of_memory_names_the_way_out(app: App) -> None:
    test = app(model="cnn", budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "The largest batch that fits is 75.")
    assert "Out of memory (simulated)" in words(test)
    assert "was full during the forward pass in relu2" in words(test)
    assert "No real memory ran out." in words(test)
    assert test.button(key="use_what_fits").label == "Use 75"


def test_a_run_that_diverges_says_so_in_words(app: App) -> None:
    test = app(dataset="linear", model="linear", lr=1000, schedule="constant", budget_value=2)
    test.button(key="start").click().run()
    run_until(test, "Diverged at update")
    assert "lower the learning rate" in words(test)
    assert "nan" not in words(test).lower()


def test_a_run_of_another_session_is_shown_by_its_id(app: App) -> None:
    first = app(budget_value=1)
    first.button(key="start").click().run()
    run_until(first, "Finished")
    (run,) = [first.query_params["run"]] if isinstance(first.query_params["run"], str) else first.query_params["run"]
    second = app(run=run, budget_value=1)
    assert "Finished" in words(second)


def test_a_session_has_one_active_run_whatever_its_address_has_shown_meanwhile(app: App) -> None:
    store = engine().store
    test = app(budget_value=5_000, model="linear")
    test.button(key="start").click().run()
    (first,) = store.active()
    test.query_params["run"] = "an-earlier-one"  # as the browser's way back does
    test.run()
    test.button(key="start").click().run()
    until = time.monotonic() + 60
    while (stopped := store.run(first.id)) and stopped.state != "stopped":
        assert time.monotonic() < until, stopped
        time.sleep(0.05)
    (second,) = store.active()
    assert second.id != first.id
    test.button(key="stop").click().run()
    run_until(test, "Stopped at update")


def test_pages_share_one_engine(app: App) -> None:
    test = app()
    shared = engine()
    test.switch_page("pages/about.py").run()
    assert engine() is shared
    assert "10,000 images of 16x16, made from 1,437" in words(test)
    assert not test.exception

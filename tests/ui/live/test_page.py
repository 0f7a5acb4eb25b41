"""The live panel with real runs, without a browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.charted import chart
from ui.shell.engine import engine

pytestmark = pytest.mark.slow  # they train

App = Callable[..., AppTest]
DIFFERS = "Showing batch size **100**; the form has **250**."


def specs(test: AppTest) -> list[str]:
    """Return the charts' specifications, without the names that Streamlit gives to the data."""
    found = []
    for each in test.get("vega_lite_chart"):
        spec = json.loads(each.proto.spec)
        spec.pop("data", None)
        found.append(json.dumps(spec) + each.proto.alt)
    return found


def rows(test: AppTest, alt: str) -> list[dict[str, Any]]:
    """Return the rows of the chart that these words stand for."""
    return chart(test, alt)[1]


def words(test: AppTest) -> str:
    html = [item.proto.body for item in test.get("html") if "<style>" not in item.proto.body]
    return " ".join([*(item.value for item in test.markdown), *html])


def cards(test: AppTest) -> dict[str, tuple[str, str]]:
    """Return the value and the line under it of each card, by its label."""
    card = r"<p>(.*?)</p><strong.*?>(.*?)</strong><small.*?>(.*?)</small>"
    return {label: (value, detail) for label, value, detail in re.findall(card, words(test))}


def captions(test: AppTest) -> list[str]:
    return [item.value for item in test.caption]


def run_until(test: AppTest, text: str, *, longest_s: float = 60) -> None:
    until = time.monotonic() + longest_s
    while text not in words(test):
        assert time.monotonic() < until, words(test)
        time.sleep(0.1)
        test.run()


def shown(test: AppTest) -> str:
    """Return the id of the run in the address."""
    run = test.query_params["run"]
    return run if isinstance(run, str) else run[0]


# Before a run.


def test_the_recorded_run_is_shown_before_any_other(app: App) -> None:
    test = app()
    assert "Recorded" in words(test)
    assert cards(test)["Updates"] == ("500 / 500", "100% done")
    assert cards(test)["Updates per epoch"] == ("100", "predicted = measured")
    assert "run" not in test.query_params
    assert test.button(key="stop").disabled
    assert not test.get_by_key("csv").disabled


def test_predictions_fill_the_cards_of_other_settings(app: App) -> None:
    test = app(seed=1)
    run_until(test, "0.63 MiB")
    assert "Recorded" not in words(test)
    assert "Press Start to train with them." in words(test)
    assert cards(test)["Updates"] == ("500", "predicted")
    assert cards(test)["Updates per epoch"] == ("100", "predicted")
    assert cards(test)["Peak memory"] == ("0.63 MiB", "16% of 4 MiB")
    assert cards(test)["Training loss"] == ("\u2014", "no update yet")
    assert "Peak **0.63 MiB** of 4 MiB, predicted \u00b7 fits up to **1,466**" in captions(test)
    assert test.get_by_key("csv").disabled


def test_a_warning_before_the_start_says_that_memory_will_run_out(app: App) -> None:
    test = app(model="cnn")
    until = time.monotonic() + 60
    while not any("will run out of memory" in text for text in captions(test)):
        assert time.monotonic() < until, captions(test)
        time.sleep(0.1)
        test.run()
    assert any("over the limit of 4 MiB \u00b7 fits up to **75**" in text for text in captions(test))
    assert not test.button(key="start").disabled


def test_settings_that_cannot_be_trained_leave_the_cards_empty(app: App) -> None:
    test = app(dataset="digits", batch_size=5_000)
    assert {value for value, _ in cards(test).values()} == {"\u2014"}
    assert "Invalid settings" in words(test)


# A run.


def test_the_specifications_of_the_charts_stay_the_same_during_a_run(app: App) -> None:
    test = app(budget_value=200)
    before = specs(test)
    assert len(before) == 4  # loss, memory, rate, and the preview in the form
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


def test_a_prediction_is_marked_once_a_measurement_confirms_it(app: App) -> None:
    test = app(budget_value=1, seed=2)
    mark = ":green-badge[:material/check: predicted = measured]"
    assert mark not in words(test)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    run_until(test, "as predicted")
    assert mark in words(test)
    assert cards(test)["Updates"] == ("100 / 100", "100% done")
    assert cards(test)["Updates per epoch"] == ("100", "predicted = measured")
    assert cards(test)["Peak memory"] == ("0.63 MiB", "16% of 4 MiB, as predicted")
    assert words(test).count('class="confirmed"') == 2


def test_a_line_says_where_the_form_differs_from_the_shown_run(app: App) -> None:
    test = app(budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    assert "Showing" not in words(test)
    test.number_input(key="batch_size").set_value(250).run()
    assert DIFFERS in words(test)
    assert "green-badge" not in words(test)  # what was predicted was another run
    assert 'class="confirmed"' not in words(test)
    assert cards(test)["Updates"] == ("100 / 100", "100% done")  # the shown run's


def test_two_differences_are_named_and_the_others_counted(app: App) -> None:
    test = app(budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    test.number_input(key="batch_size").set_value(250)
    test.number_input(key="lr").set_value(0.1)
    test.number_input(key="seed").set_value(7).run()
    assert (
        "Showing batch size **100** and learning rate **0.05**; the form has **250**, **0.1**, and 1 more setting."
        in words(test)
    )


def test_the_settings_of_the_shown_run_can_be_taken_back(app: App) -> None:
    test = app(budget_value=1, hidden="32-16", memory_limit_mb=8)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    test.number_input(key="batch_size").set_value(250)
    test.text_input(key="hidden").set_value("64").run()
    test.button(key="take_settings").click().run()
    assert test.number_input(key="batch_size").value == 100
    assert test.text_input(key="hidden").value == "32-16"
    assert "Showing" not in words(test)
    assert not test.exception


def test_the_previous_run_is_a_ghost_in_the_charts_and_the_recorded_run_is_the_first_one(app: App) -> None:
    test = app()
    assert "ghost" not in {row["series"] for row in rows(test, "Training loss")}  # it is shown itself
    test = app(budget_value=1, batch_size=200)
    recorded = ["\u2508 recorded run: batch size 100 \u2192"]
    assert [row["label"] for row in rows(test, "Training loss") if row["series"] == "ghost_name"] == recorded
    test.button(key="start").click().run()
    run_until(test, "Finished")
    table = rows(test, "Training loss")
    assert [row["label"] for row in table if row["series"] == "ghost_name"] == recorded
    assert max(row["x"] for row in table if row["series"] == "ghost") == 100  # twice as far as this run
    test.number_input(key="batch_size").set_value(100).run()
    test.button(key="start").click().run()
    run_until(test, "Finished")
    table = rows(test, "Training loss")
    assert [row["label"] for row in table if row["series"] == "ghost_name"] == ["\u2508 previous run: batch size 200"]
    assert max(row["x"] for row in table if row["series"] == "ghost") == 50
    assert max(row["x"] for row in table if row["series"] == "loss") == 100


def test_a_run_too_short_for_a_line_does_not_replace_the_ghost(app: App) -> None:
    test = app(budget_value=1, batch_size=200)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    test.button(key="one_update").click().run()
    run_until(test, "Paused at update 1 of 50")
    test.number_input(key="batch_size").set_value(100).run()
    test.button(key="start").click().run()
    run_until(test, "Finished")
    assert max(row["x"] for row in rows(test, "Training loss") if row["series"] == "ghost") == 50


def test_the_url_from_before_a_start_does_not_bring_the_old_run_back(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    test = app(budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    old = shown(test)
    test.button(key="start").click().run()
    new = shown(test)
    assert new != old
    test.query_params["run"] = old  # what a browser sends that has not heard of the start yet
    test.run()
    assert shown(test) == new
    monkeypatch.setattr("ui.setup.attachment.HEARD_AFTER_S", 0.0)
    test.query_params["run"] = old  # and what it sends when somebody goes back
    test.run()
    assert shown(test) == old


# Buttons.


def test_one_update_on_an_idle_page_starts_a_run_and_pauses_it(app: App) -> None:
    test = app(seed=3)
    test.button(key="one_update").click().run()
    run_until(test, "Paused at update 1 of 500")
    test.button(key="one_update").click().run()
    run_until(test, "Paused at update 2 of 500")
    test.button(key="one_epoch").click().run()
    run_until(test, "Paused at update 100 of 500")
    assert cards(test)["Updates per epoch"] == ("100", "predicted = measured")
    assert test.button(key="pause").label == "Resume"
    test.button(key="pause").click().run()
    run_until(test, "Finished")
    assert not test.exception


def test_disabled_buttons_say_why_and_the_others_name_their_keys(app: App) -> None:
    test = app(budget_value=5_000, model="linear")
    assert [test.button(key=key).help for key in ("pause", "stop")] == ["No run is active."] * 2
    assert test.button(key="start").help == "Train with these settings from the beginning (Ctrl+Enter)"
    assert test.button(key="start").label == "Start"
    test.button(key="start").click().run()
    run_until(test, "Running")
    assert test.button(key="start").label == "Restart"
    assert test.button(key="pause").help == "Pause after this update (Alt+P)"
    test.button(key="pause").click().run()
    run_until(test, "Paused at update")
    assert test.button(key="pause").help == "Continue this run (Alt+P)"
    test.button(key="stop").click().run()
    run_until(test, "Stopped at update")
    assert test.button(key="stop").disabled


def test_one_link_has_the_settings_and_another_the_run(app: App) -> None:
    test = app(budget_value=1, batch_size=250, dataset="digits")
    test.button(key="start").click().run()
    run_until(test, "Finished")
    settings, run = (dict(parse_qsl(urlsplit(item.value).query)) for item in test.code)
    assert settings == {"budget_value": "1", "batch_size": "250", "dataset": "digits"}
    assert run == {"run": shown(test)}


# Ends.


def test_a_run_out_of_memory_names_the_way_out(app: App) -> None:
    test = app(model="cnn", budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "The largest batch size that fits is 75.")
    assert "Out of memory (simulated)" in words(test)
    assert "During the forward pass of `relu2`, " in words(test)
    assert "No real memory ran out." in words(test)
    assert cards(test)["Peak memory"][1].startswith("in use; needs ")
    assert test.button(key="use_what_fits").label == "Use 75"
    test.button(key="use_what_fits").click().run()
    assert test.number_input(key="batch_size").value == 75
    assert "use_what_fits" not in [button.key for button in test.button]  # it has been taken
    assert not test.exception


def test_a_schedule_of_the_wrong_length_is_named_before_the_start_and_at_the_end(app: App) -> None:
    test = app(schedule="linear", schedule_batch_size=1_000, model="linear")
    assert "gives 50 updates, but this run makes 500: the rate is 0 after 50 updates, in epoch 1" in "".join(
        captions(test)
    )
    test.button(key="start").click().run()
    run_until(test, "The rate decayed too early")
    assert "450 updates changed nothing: their rate was 0." in words(test)
    table = rows(test, "Planned and actual learning rate")
    assert [row["label"] for row in table if "batch size 100" in (row["label"] or "")] != []


def test_a_run_that_diverges_says_so_in_words(app: App) -> None:
    test = app(dataset="linear", model="linear", lr=1000, schedule="constant", budget_value=2)
    test.button(key="start").click().run()
    run_until(test, "Diverged at update")
    assert "too high for batch size 100" in words(test)
    assert "nan" not in words(test).lower()
    assert cards(test)["Validation loss"] == ("\u2014", "no evaluation yet")


def test_a_run_of_another_session_is_shown_by_its_id(app: App) -> None:
    first = app(budget_value=1)
    first.button(key="start").click().run()
    run_until(first, "Finished")
    second = app(run=shown(first), budget_value=1)
    assert "Finished" in words(second)
    assert shown(second) == shown(first)


def test_a_session_has_one_active_run_whatever_its_url_has_named_meanwhile(app: App) -> None:
    store = engine().store
    test = app(budget_value=5_000, model="linear")
    test.button(key="start").click().run()
    (first,) = store.active()
    test.query_params["run"] = "an-earlier-one"  # as the browser's way back does
    test.run()
    test.button(key="start").click().run()
    ended(first.id)
    (second,) = store.active()
    assert second.id != first.id
    reloaded = app(run=second.id, budget_value=5_000, model="linear")  # a session of its own, and no page shows the run
    reloaded.button(key="start").click().run()
    ended(second.id)
    reloaded.button(key="stop").click().run()
    run_until(reloaded, "Stopped at update")


def ended(run_id: str) -> None:
    until = time.monotonic() + 60
    while (stopped := engine().store.run(run_id)) and stopped.state != "stopped":
        assert time.monotonic() < until, stopped
        time.sleep(0.05)


# What is worth a second look.


def test_points_are_drawn_over_the_answers_of_the_model(app: App) -> None:
    test = app(dataset="moons", budget_value=2)
    assert "There is nothing to see before the first update." in captions(test)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    assert any("every point of the plane after update 40:" in text for text in captions(test))
    table = rows(test, "The regions of the plane")
    assert [row["url"][:22] for row in table if row["series"] == "picture"] == ["data:image/png;base64,"]
    points = [row for row in table if row["series"] != "picture"]
    assert len(points) == 400 + 8
    assert [row["in_batch"] for row in points] == [0.0] * 400 + [1.0] * 8
    assert {row["series"] for row in points} == {"class_0", "class_1"}


@pytest.mark.parametrize("dataset", ["digits", "noisy-digits"])
def test_the_batch_is_shown_as_pictures_with_their_classes(app: App, dataset: str) -> None:
    test = app(dataset=dataset, budget_value=1)
    test.get_by_key("depth").set_value("batch").run()
    assert "There is no batch before the first update." in captions(test)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    assert "Latest batch (8 of 37 examples)" in captions(test)
    figure = (
        r'<figure><img src="data:image/png;base64,[\w+/=]+" alt="class \d"><figcaption>class \d</figcaption></figure>'
    )
    assert len(re.findall(figure, words(test))) == 8


def test_the_validation_examples_are_counted_by_class_and_answer(app: App) -> None:
    test = app(dataset="digits", budget_value=1)
    test.get_by_key("depth").set_value("confusion").run()
    assert "There is no evaluation yet." in captions(test)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    counted = rows(test, "Validation examples by true class")
    assert len(counted) == 100
    assert sum(row["value"] for row in counted) == 360
    right = sum(row["value"] for row in counted if row["x"] == row["y"])
    assert cards(test)["Validation accuracy"][0] == f"{100 * right / 360:.1f}%"


def test_a_mixture_has_classes_and_no_pictures(app: App) -> None:
    test = app(dataset="mixture", model="linear", budget_value=1)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    test.get_by_key("depth").set_value("batch").run()
    said = "These examples are rows of numbers, so there are no pictures. The latest batch has 48"
    assert any(text.startswith(said) for text in captions(test)), captions(test)
    test.get_by_key("depth").set_value("confusion").run()
    assert sum(row["value"] for row in rows(test, "Validation examples by true class")) == 512
    assert not test.exception


def test_a_regression_has_neither_classes_nor_pictures(app: App) -> None:
    test = app(dataset="linear", model="linear", budget_value=1, lr=0.01)
    test.button(key="start").click().run()
    run_until(test, "Finished")
    for choice, said in (
        ("confusion", "A regression has no classes to confuse."),
        ("batch", "These examples are rows of numbers, so there are no pictures. The latest batch has 100"),
    ):
        test.get_by_key("depth").set_value(choice).run()
        assert any(text.startswith(said) for text in captions(test)), captions(test)
    assert not test.exception


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"schedule": "plateau"}, "Depends on the run: the rate is halved when the validation loss stops falling."),
        ({"budget": "seconds", "budget_value": 5}, "The schedule is planned once the first updates have been timed."),
        ({}, None),
    ],
)
def test_the_page_says_why_no_rate_is_planned(settings: dict[str, Any], said: str | None, app: App) -> None:
    test = app(**settings)
    reasons = ("Depends on the run", "The schedule is planned once")
    assert [text for text in captions(test) if text.startswith(reasons)] == (
        [said] * 2 if said else []
    )  # next to the form's plan and next to the chart


# Other pages.


def test_pages_share_one_engine(app: App) -> None:
    test = app()
    shared = engine()
    test.switch_page("pages/about.py").run()
    assert engine() is shared
    assert "10,000 images of 16\u00d716 pixels, made from 1,437" in words(test)
    assert not test.exception

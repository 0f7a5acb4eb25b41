"""The address, the form and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

App = Callable[..., AppTest]


def texts(elements: object) -> list[str]:
    return [element.value for element in elements]  # type: ignore[attr-defined]


def test_the_first_visit_has_no_complaint(app: App) -> None:
    test = app()
    assert not test.exception
    assert texts(test.warning) + texts(test.error) + texts(test.info) == []
    assert test.number_input(key="batch_size").value == 100
    assert test.number_input(key="memory_limit_mb").value == 4
    assert not test.button(key="start").disabled


def test_settings_come_from_the_address(app: App) -> None:
    test = app(batch_size=250, model="linear", schedule="one-cycle", hidden="32-16", drop_last="true", lr="0.01")
    assert test.number_input(key="batch_size").value == 250
    assert test.get_by_key("model").value == "linear"
    assert test.selectbox(key="schedule").value == "one-cycle"
    assert test.text_input(key="hidden").value == "32-16"
    assert test.checkbox(key="drop_last").value is True
    assert test.number_input(key="lr").value == 0.01


@pytest.mark.parametrize(
    ("name", "value", "note", "used"),
    [
        ("batch_size", "0", "batch_size must be between 1 and 10,000, got 0. Used instead: 100.", 100),
        ("batch_size", "1.5", "whole number between 1 and 10,000, got '1.5'. Used instead: 100.", 100),
        ("batch_size", "abc", "got 'abc'. Used instead: 100.", 100),
        ("memory_limit_mb", "0.5", "must be between 1.0 and 81,920.0, got 0.5. Used instead: 4.", 4.0),
        ("dataset", "mnist", "must be one of photos10k, digits, linear, got 'mnist'. Used instead: photos10k.",
         "photos10k"),
        ("model", "gpt", "must be one of linear, mlp, cnn, got 'gpt'. Used instead: mlp.", "mlp"),
        ("hidden", "5000", "got '5000'. Used instead: 128-64.", "128-64"),
    ],
)  # fmt: skip
def test_a_bad_value_in_the_address_is_named_and_replaced(
    app: App, name: str, value: str, note: str, used: object
) -> None:
    test = app(**{name: value}, seed=7)
    assert len(test.warning) == 1
    assert note in test.warning[0].value
    assert test.get_by_key(name).value == used
    assert test.number_input(key="seed").value == 7
    assert not test.exception


def test_a_value_in_the_address_is_taken_however_it_is_written(app: App) -> None:
    test = app(drop_last="1", dataset=" digits ", lr="1e-2", hidden=" 32-16 ")
    assert texts(test.warning) == []
    assert test.checkbox(key="drop_last").value is True
    assert test.selectbox(key="dataset").value == "digits"
    assert test.number_input(key="lr").value == 0.01
    assert test.text_input(key="hidden").value == "32-16"


def test_a_parameter_that_is_no_setting_is_named_and_those_of_others_are_left_alone(app: App) -> None:
    test = app(epochs="100", utm_source="a-talk")
    assert len(test.warning) == 1
    assert "'epochs' is not a setting of a run; the settings are dataset, model" in test.warning[0].value
    assert "It was left out." in test.warning[0].value
    assert "epochs" not in test.query_params
    assert "utm_source" in test.query_params


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("batch_size", 0, "batch_size must be between 1 and 10,000, got 0"),
        ("batch_size", 99_999, "batch_size must be between 1 and 10,000, got 99,999"),
        ("lr", -1.0, "lr must be between 1e-08 and 1,000.0, got -1.0"),
        ("memory_limit_mb", 0.0, "memory_limit_mb must be between 1.0 and 81,920.0, got 0.0"),
        ("budget_value", 0.0, "budget_value must be between 1 and 10,000, got 0"),
        ("seed", -1, "seed must be between 0 and 4,294,967,295, got -1"),
    ],
)
def test_a_number_out_of_bounds_is_refused_in_its_field(app: App, name: str, value: float, said: str) -> None:
    test = app()
    test.number_input(key=name).set_value(value).run()
    assert texts(test.error) == [said]
    assert test.button(key="start").disabled
    assert not test.exception


def test_settings_in_the_address_of_another_page_are_there_on_the_form(app: App) -> None:
    test = app(batch_size=250, drop_last="1")
    test.switch_page("pages/about.py").run()
    test.switch_page("pages/live.py").run()
    assert test.number_input(key="batch_size").value == 250
    assert test.checkbox(key="drop_last").value is True


def test_a_batch_larger_than_the_data_offers_the_largest(app: App) -> None:
    test = app(dataset="digits", batch_size=5000)
    assert "between 1 and 1437 (the size of 'digits'), got 5000" in test.error[0].value
    assert test.button(key="start").disabled
    assert len(test.get("vega_lite_chart")) == 3  # the page keeps its shape
    assert test.button(key="remedy_0").label == "Use 1,437"
    test.button(key="remedy_0").click().run()
    assert test.number_input(key="batch_size").value == 1437
    assert not test.error
    assert not test.button(key="start").disabled


def test_a_last_batch_of_one_offers_to_drop_it(app: App) -> None:
    test = app(norm="batch", batch_size=9_999)
    assert "has one example" in test.error[0].value
    test.button(key="remedy_0").click().run()
    assert test.checkbox(key="drop_last").value is True
    assert not test.error


def test_the_slider_writes_the_number_and_follows_it(app: App) -> None:
    test = app()
    test.get_by_key("batch_size_slider").set_value(1_000).run()
    assert test.number_input(key="batch_size").value == 1_000
    test.number_input(key="batch_size").set_value(130).run()
    assert test.get_by_key("batch_size_slider").value == 128


def test_an_unknown_run_is_a_note(app: App) -> None:
    test = app(run="no-such-run", batch_size=200)
    assert "not known here" in test.info[0].value
    assert test.number_input(key="batch_size").value == 200
    assert not test.exception

"""The URL, the form and the settings that they refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.charted import chart

App = Callable[..., AppTest]
REFUSED = ":red[:material/block: "


def texts(elements: object) -> list[str]:
    return [element.value for element in elements]  # type: ignore[attr-defined]


def refusals(test: AppTest) -> list[str]:
    """Return why the settings cannot be trained."""
    return [text.removeprefix(REFUSED).removesuffix("]") for text in texts(test.markdown) if text.startswith(REFUSED)]


def test_the_first_visit_shows_no_warning(app: App) -> None:
    test = app()
    assert not test.exception
    assert texts(test.warning) + texts(test.error) + texts(test.info) + refusals(test) == []
    assert test.number_input(key="batch_size").value == 100
    assert test.number_input(key="memory_limit_mb").value == 4
    assert not test.button(key="start").disabled


def test_settings_come_from_the_url(app: App) -> None:
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
        ("batch_size", "0", "Batch size must be between 1 and 10,000, got 0. Using 100 instead.", 100),
        ("batch_size", "1.5", "whole number between 1 and 10,000, got '1.5'. Using 100 instead.", 100),
        ("batch_size", "abc", "got 'abc'. Using 100 instead.", 100),
        ("memory_limit_mb", "0.5", "must be between 1 and 81,920, got 0.5. Using 4 instead.", 4.0),
        (
            "dataset",
            "mnist",
            "must be one of photos10k, digits, noisy-digits, linear, mixture, moons, spirals, got 'mnist'. "
            "Using photos10k instead.",
            "photos10k",
        ),
        ("model", "gpt", "must be one of linear, mlp, cnn, got 'gpt'. Using mlp instead.", "mlp"),
        ("hidden", "5000", "got '5000'. Using 128-64 instead.", "128-64"),
    ],
)
def test_a_bad_value_in_the_url_is_named_and_replaced(app: App, name: str, value: str, note: str, used: object) -> None:
    test = app(**{name: value}, seed=7)
    assert len(test.warning) == 1
    assert note in test.warning[0].value
    assert test.get_by_key(name).value == used
    assert test.number_input(key="seed").value == 7
    assert not test.exception


def test_every_bad_value_in_a_url_has_a_note(app: App) -> None:
    bad = [
        ("batch_size", "99999999999", "must be between 1 and 10,000, got 99,999,999,999. Using 100 instead."),
        ("lr", "-1", "Learning rate must be between 10\u207b\u2078 and 1,000, got -1. Using 0.05 instead."),
        ("schedule", "", "Learning-rate schedule must be one of constant"),
        ("optimizer", "SGD!", "Optimizer must be one of sgd, momentum, nesterov, adam, adamw, got 'SGD!'"),
        ("warmup", "1", "Warm-up must be between 0 and 0.9, got 1. Using 0 instead."),
        ("seed", "-1", "Seed must be between 0 and 4,294,967,295, got -1. Using 0 instead."),
        ("hidden", "128-0", "must be 1 to 8 layer widths between 1 and 4,096, such as 128-64, got '128-0'"),
        ("drop_last", "perhaps", "Dropping the last batch must be one of true, false, got 'perhaps'"),
        ("schedule_batch_size", "0", "Schedule batch size must be between 1 and 10,000, got 0."),
    ]
    test = app(**{name: value for name, value, _ in bad}, budget_value=3)
    assert len(test.warning) == 1  # they share one
    assert [note for _, _, note in bad if note not in test.warning[0].value] == []
    assert test.number_input(key="budget_value").value == 3
    assert not test.button(key="start").disabled
    assert not test.exception


def test_a_rate_that_is_not_a_number_is_noted(app: App) -> None:
    assert "Learning rate must be a number between" in app(lr="nan").warning[0].value


def test_the_note_is_gone_once_the_form_is_changed(app: App) -> None:
    test = app(batch_size="0")
    assert len(test.warning) == 1
    test.button(key="article_1000").click().run()
    assert len(test.warning) == 0


def test_a_value_in_the_url_is_read_however_it_is_written(app: App) -> None:
    test = app(drop_last="1", dataset=" digits ", lr="1e-2", hidden=" 32-16 ")
    assert texts(test.warning) == []
    assert test.checkbox(key="drop_last").value is True
    assert test.selectbox(key="dataset").value == "digits"
    assert test.number_input(key="lr").value == 0.01
    assert test.text_input(key="hidden").value == "32-16"


def test_an_unknown_parameter_is_named_and_those_of_other_sites_are_left_alone(app: App) -> None:
    test = app(epochs="100")
    assert (
        "'epochs' is not a setting of a run; the nearest one is budget_value. It was ignored." in test.warning[0].value
    )
    test = app(colour="100", utm_source="a-talk")
    assert len(test.warning) == 1
    assert "'colour' is not a setting of a run; the settings are dataset, model" in test.warning[0].value
    assert "batch_size, accumulate, drop_last" in test.warning[0].value  # as an address has them
    assert "It was ignored." in test.warning[0].value
    assert "colour" not in test.query_params
    assert "utm_source" in test.query_params


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("batch_size", 0, "Batch size must be between 1 and 10,000, got 0"),
        ("batch_size", 99_999, "Batch size must be between 1 and 10,000, got 99,999"),
        ("lr", -1.0, "Learning rate must be between 10\u207b\u2078 and 1,000, got -1"),
        ("memory_limit_mb", 0.0, "Memory limit (MiB) must be between 1 and 81,920, got 0"),
        ("budget_value", 0.0, "Budget must be between 1 and 10,000, got 0"),
        ("seed", -1, "Seed must be between 0 and 4,294,967,295, got -1"),
        ("schedule_batch_size", 0, "Schedule batch size must be between 1 and 10,000, got 0"),
    ],
)
def test_a_number_out_of_bounds_is_refused_in_words_and_nothing_can_start(
    app: App, name: str, value: float, said: str
) -> None:
    test = app()
    test.number_input(key=name).set_value(value).run()
    assert refusals(test) == [said]
    for button in ("start", "one_update", "one_epoch"):
        assert test.button(key=button).disabled
        assert said in test.button(key=button).help
    assert not test.exception


def test_settings_that_can_be_trained_again_are_no_longer_refused(app: App) -> None:
    test = app()
    test.number_input(key="batch_size").set_value(0).run()
    test.number_input(key="batch_size").set_value(250).run()
    assert refusals(test) == []
    assert not test.button(key="start").disabled


def test_settings_in_the_url_of_another_page_reach_the_form(app: App) -> None:
    test = app(batch_size=250, drop_last="1")
    test.switch_page("pages/about.py").run()
    test.switch_page("pages/live.py").run()
    assert test.number_input(key="batch_size").value == 250
    assert test.checkbox(key="drop_last").value is True


def test_a_batch_larger_than_the_data_offers_the_largest(app: App) -> None:
    test = app(dataset="digits")
    before = len(test.get("vega_lite_chart"))
    test.number_input(key="batch_size").set_value(5_000).run()
    assert refusals(test) == ["Batch size must be between 1 and 1437 (the size of 'digits'), got 5000"]
    assert test.button(key="start").disabled
    assert len(test.get("vega_lite_chart")) == before  # the page keeps its shape
    assert test.button(key="remedy_0").label == "Use 1,437"
    test.button(key="remedy_0").click().run()
    assert test.number_input(key="batch_size").value == 1437
    assert refusals(test) == []
    assert not test.button(key="start").disabled


def test_a_last_batch_of_one_offers_to_drop_it(app: App) -> None:
    test = app(norm="batch", batch_size=9_999)
    assert "one example" in refusals(test)[0]
    test.button(key="remedy_0").click().run()
    assert test.checkbox(key="drop_last").value is True
    assert refusals(test) == []


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({"norm": "batch", "batch_size": 1}, "Use 2 and drop the last batch"),
        ({"dataset": "digits", "batch_size": 1_000, "accumulate": 2, "drop_last": True}, "Keep the last batch"),
        ({"norm": "group"}, "Use no normalisation"),
        ({"dataset": "moons", "model": "cnn"}, "Use the linear model"),
        ({"budget": "seconds", "schedule_batch_size": 50}, "Plan it for the run's batch size"),
        ({"dataset": "digits", "schedule_batch_size": 5_000}, "Plan it for the run's batch size"),
    ],
    ids=str,
)
def test_every_way_out_is_a_button_that_makes_the_settings_possible(
    settings: dict[str, object], label: str, app: App
) -> None:
    test = app(**settings)
    assert not test.exception
    assert len(refusals(test)) == 1
    assert test.button(key="remedy_0").label == label
    test.button(key="remedy_0").click().run()
    assert refusals(test) == []
    assert not test.button(key="start").disabled
    assert not test.exception


def test_two_problems_are_shown_at_once_each_with_its_way_out(app: App) -> None:
    test = app(dataset="digits", batch_size=2_000, schedule_batch_size=3_000)
    assert len(refusals(test)) == 2
    test.button(key="remedy_1").click().run()
    assert len(refusals(test)) == 1
    test.button(key="remedy_0").click().run()
    assert refusals(test) == []


def test_the_slider_writes_the_number_and_follows_it(app: App) -> None:
    test = app()
    test.get_by_key("batch_size_slider").set_value(1_000).run()
    assert test.number_input(key="batch_size").value == 1_000
    test.number_input(key="batch_size").set_value(130).run()
    assert test.get_by_key("batch_size_slider").value == 130
    assert {"128", "130", "200"} <= set(test.get_by_key("batch_size_slider").options)
    test.get_by_key("batch_size_slider").set_value(64).run()
    assert test.number_input(key="batch_size").value == 64
    assert "130" not in test.get_by_key("batch_size_slider").options


@pytest.mark.parametrize(("value", "end"), [(99_999, "10,000"), (-5, "1")])
def test_a_number_beyond_the_slider_moves_it_to_its_end(value: int, end: str, app: App) -> None:
    test = app()
    test.number_input(key="batch_size").set_value(value).run()
    slider = test.get_by_key("batch_size_slider")
    assert f"{slider.value:,}" == end
    assert not test.exception


@pytest.mark.parametrize("size", [100, 1_000])
def test_the_batch_sizes_of_the_article_are_one_click_away(size: int, app: App) -> None:
    test = app(batch_size=7)
    test.button(key=f"article_{size}").click().run()
    assert test.number_input(key="batch_size").value == size


def test_no_memory_limit_in_the_url_becomes_the_largest_limit(app: App) -> None:
    test = app(memory_limit_mb="none")
    assert test.number_input(key="memory_limit_mb").value == 81_920
    assert texts(test.warning) == []


def test_the_preview_draws_the_rate_that_the_settings_plan(app: App) -> None:
    test = app(schedule="linear", lr=1.0, budget="updates", budget_value=4)
    _, rows = chart(test, "Learning rate that these settings plan")
    assert [(row["x"], row["value"]) for row in rows if row["series"] == "planned"] == [
        (1, 1.0),
        (2, 0.75),
        (3, 0.5),
        (4, 0.25),
    ]


def test_an_unknown_run_in_the_url_is_noted(app: App) -> None:
    test = app(run="no-such-run", batch_size=200)
    assert "does not exist here" in test.info[0].value
    assert test.number_input(key="batch_size").value == 200
    assert not test.exception


def test_another_batch_size_offers_the_rates_of_two_rules(app: App) -> None:
    test = app(batch_size=1_000)
    assert [test.button(key=f"scaled_{rule}").label for rule in ("linear", "sqrt")] == [
        "Linear: 0.5",
        "Square root: 0.158",
    ]
    assert [
        text
        for text in texts(test.caption)
        if text.startswith("The effective batch size is 10 times that of the recorded run. ")
    ]
    test.button(key="scaled_sqrt").click().run()
    assert test.number_input(key="lr").value == 0.158
    test.button(key="scaled_linear").click().run()
    assert test.number_input(key="lr").value == 0.5
    assert any(text.startswith(":material/warning: A learning rate of 0.5 is high") for text in texts(test.caption))
    assert not test.button(key="start").disabled
    test.number_input(key="batch_size").set_value(100).run()
    assert "scaled_linear" not in [button.key for button in test.button]

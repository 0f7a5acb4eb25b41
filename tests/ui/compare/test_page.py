"""The comparison page: what it shows, its arms, and its switches."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.comparison.presets import PRESETS
from core.run.config import RunConfig
from core.run.events import Ended, Started
from tests.core.host.patience import until
from ui.compare import shown as shown_module
from ui.compare.state import CompareState
from ui.shell.engine import engine
from ui.shell.session import Session

pytestmark = pytest.mark.slow

App = Callable[..., AppTest]


@pytest.fixture
def page(app: App) -> App:
    def open_page(**query: object) -> AppTest:
        return app(**query).switch_page("pages/compare.py").run()

    return open_page


def words(test: AppTest) -> str:
    assert not test.exception
    return "\n".join([*(item.value for item in test.markdown), *(item.value for item in test.caption)])


def finished(test: AppTest) -> str:
    """Rerun the script, as the timer does, until the comparison has ended."""
    deadline = time.monotonic() + 60
    while "Finished in" not in words(test):
        assert time.monotonic() < deadline, words(test)
        time.sleep(0.3)
        test.run()
    return words(test)


def test_the_first_visit_shows_a_recorded_comparison_of_the_articles_pair(page: App) -> None:
    text = words(page())
    assert "Recorded on" in text
    assert "**Batch size 100** is ahead at equal epochs (5)" in text


def test_a_preset_trains_at_once_and_a_switch_trains_again(page: App) -> None:
    test = page()
    test.button(key="preset_noise").click().run()
    assert "**Batch size 16** is ahead at equal epochs (4)" in finished(test)
    first = test.query_params["comparison"]
    test.segmented_control(key="compare_budget").set_value("updates").run()
    assert "**Batch size 256** is ahead at equal updates (512)" in finished(test)
    assert test.query_params["comparison"] != first


def test_the_axis_of_the_charts_follows_the_equal_budget(page: App) -> None:
    test = page()
    assert test.segmented_control(key="compare_axis").value == "epochs"
    test.segmented_control(key="compare_budget").set_value("examples").run()
    assert test.segmented_control(key="compare_axis").value == "examples"
    test.button(key="preset_noise").click().run()
    assert test.segmented_control(key="compare_axis").value == "epochs"
    test.button(key="compare_stop").click().run()


def test_the_recorded_comparison_stays_while_arms_are_changed(page: App) -> None:
    test = page()
    test.button(key="add_form").click().run()
    assert "Recorded on" in words(test)
    assert "The results below belong to settings other than those above." in words(test)


def test_invalid_settings_add_no_arm_and_give_the_reason(page: App) -> None:
    test = page()
    test.number_input(key="batch_size").set_value(5_000).run()
    test.selectbox(key="dataset").set_value("digits").run()
    assert test.button(key="add_form").disabled
    assert "got 5000" in (test.button(key="add_form").help or "")
    assert any("got 5000" in item.value for item in test.caption)


def test_arms_are_added_and_removed_within_bounds(page: App) -> None:
    test = page()
    for _ in range(4):
        test.button(key="add_form").click().run()
    assert test.button(key="add_form").disabled
    assert not test.button(key="compare_start").disabled
    for _ in range(5):
        test.button(key="arm_remove_0").click().run()
    assert test.button(key="compare_start").disabled
    assert "between 2 and 6 arms, got 1" in (test.button(key="compare_start").help or "")
    assert "Batch size 100" in words(test)
    assert "The results below belong to settings other than those above." in words(test)
    test.button(key="arm_remove_0").click().run()
    assert "There are no arms. Choose a preset above" in words(test)


def test_a_finished_run_is_offered_as_an_arm(page: App) -> None:
    page()
    store = engine().store
    store.create("run", RunConfig(batch_size=1_000), owner="o", session="s")
    store.write("run", [Started(50), Ended("finished", "budget", updates=50)])
    test = page()
    assert re.fullmatch(r"\d+:\d\d\s[AP]M photos10k, mlp, batch size 1,000", test.button(key="add_run_run").label)
    test.button(key="add_run_run").click().run()
    assert "Batch size 1,000" in words(test)
    assert test.query_params["arms"].count(";") == 2


def test_the_page_says_that_changed_arms_are_not_the_shown_ones(page: App) -> None:
    test = page()
    assert "settings other than those above" not in words(test)
    test.button(key="preset_noise").click().run()
    finished(test)
    assert test.button(key="compare_stop").disabled
    test.button(key="add_form").click().run()
    assert "The results below belong to settings other than those above." in words(test)


def test_a_switch_qualifies_the_description_of_a_preset(page: App) -> None:
    test = page()
    test.button(key="preset_rate_too_low").click().run()
    assert "This describes equal epochs with each arm's own rate." not in words(test)
    test.segmented_control(key="compare_rule").set_value("linear").run()
    assert "This describes equal epochs with each arm's own rate." in words(test)
    assert "With this budget and rule, some arms have the same settings." in words(test)
    test.segmented_control(key="compare_rule").set_value("tuned").run()
    assert "With this budget and rule, some arms have the same settings." in words(test)
    test.button(key="compare_stop").click().run()


def test_arms_are_named_with_the_rates_that_the_rule_gives_them(page: App) -> None:
    test = page()
    test.segmented_control(key="compare_rule").set_value("linear").run()
    assert "Batch size 1,000, Learning rate 0.5" in words(test)
    test.button(key="compare_stop").click().run()


def test_a_url_with_a_preset_shows_its_recording(page: App) -> None:
    test = page(preset="rate_too_low")
    assert "Learning rate 0.0005" in words(test)
    assert "Recorded on" in words(test)
    assert "**Learning rate 0.05** is ahead at equal epochs (5)" in words(test)


def test_the_url_has_arms_that_have_not_been_started(page: App) -> None:
    test = page()
    test.number_input(key="batch_size").set_value(37).run()
    test.button(key="add_form").click().run()
    text = "memory_limit_mb:4;batch_size:1000,memory_limit_mb:4;batch_size:37,memory_limit_mb:4"
    assert test.query_params["arms"] == text
    assert "Batch size 37" in words(page(arms=text))
    assert "arms" not in test.button(key="compare_start").click().run().query_params
    assert "arms" not in test.run().query_params
    test.button(key="preset_noise").click().run()
    assert "arms" not in test.query_params
    finished(test)
    test.button(key="arm_remove_0").click().run()
    again = page(comparison=test.query_params["comparison"], arms=test.query_params["arms"])
    assert "is ahead at equal epochs (4)" in words(again)
    assert "settings other than those above" in words(again)
    assert again.button(key="compare_start").disabled


def test_invalid_arms_in_a_url_are_reported_and_ignored(page: App) -> None:
    test = page(arms="batch_size:0;default")
    assert "The arms in the URL cannot be used:" in words(test)
    assert "got 0" in words(test)
    assert "arms" not in test.query_params
    assert "**Batch size 100** is ahead at equal epochs (5)" in words(test)
    test.button(key="add_form").click().run()
    assert "cannot be used" not in words(test)
    long = page(arms=",".join(f"a{number}:1" for number in range(2_000)))
    assert max(map(len, (item.value for item in long.caption))) < 500


def test_each_of_the_first_ten_presets_has_its_own_key(page: App) -> None:
    test = page()
    helps = [test.button(key=f"preset_{name}").help for name in PRESETS]
    assert [text[-7:] for text in helps[:10]] == [f"(key {number % 10})" for number in range(1, 11)]
    assert len(helps) == 11
    assert "(key" not in helps[10]


def test_a_database_error_is_shown_while_it_lasts(page: App, database: Path) -> None:
    test = page()
    test.button(key="preset_noise").click().run()
    finished(test)
    with closing(sqlite3.connect(database)) as lost:
        lost.execute("ALTER TABLE comparisons RENAME TO elsewhere")
        test.run()
        assert [item.value for item in test.warning] != []
        lost.execute("ALTER TABLE elsewhere RENAME TO comparisons")
    test.run()
    assert [item.value for item in test.warning] == []
    assert "is ahead at equal epochs (4)" in words(test)


def test_the_comparison_in_the_url_is_taken_over_once_the_database_answers(page: App, database: Path) -> None:
    first = page()
    first.button(key="preset_noise").click().run()
    first.segmented_control(key="compare_budget").set_value("updates").run()
    finished(first)
    with closing(sqlite3.connect(database)) as lost:
        lost.execute("ALTER TABLE comparisons RENAME TO elsewhere")
        read = page(comparison=first.query_params["comparison"])
        changed = page(comparison=first.query_params["comparison"])
        changed.button(key="arm_remove_0").click().run()
        other = page(comparison=first.query_params["comparison"])
        other.button(key="preset_rate_too_low").click().run()
        started, switched = (page(comparison=first.query_params["comparison"]) for _ in range(2))
        lost.execute("ALTER TABLE elsewhere RENAME TO comparisons")
    assert "Learning rate 0.0005" in words(other.run())
    started.button(key="compare_start").click().run()
    assert "photos10k, mlp 128-64. Held fixed:" in words(started)  # described by the page when Start was pressed
    started.button(key="compare_stop").click().run()
    switched.segmented_control(key="compare_rule").set_value("linear").run()
    assert "rate / batch size. Varied: Batch size and Learning rate." in words(switched)
    switched.button(key="compare_stop").click().run()
    for test in (read, changed):
        test.run()
        assert [item.value for item in test.warning] == []
        assert "is ahead at equal updates (512)" in words(test)
    assert read.segmented_control(key="compare_budget").value == "updates"
    assert "settings other than those above" not in words(read)
    assert "settings other than those above" in words(changed)
    read.segmented_control(key="compare_rule").set_value("linear").run()
    assert read.segmented_control(key="compare_rule").value == "linear"


def test_a_missing_comparison_is_reported_once_the_database_answers(page: App, database: Path) -> None:
    with closing(sqlite3.connect(database)) as lost:
        lost.execute("ALTER TABLE comparisons RENAME TO elsewhere")
        test = page(comparison="nowhere")
        lost.execute("ALTER TABLE elsewhere RENAME TO comparisons")
    test.run()
    assert "nowhere" in words(test)
    assert [item.value for item in test.warning] == []
    assert "comparison" not in test.query_params


def begin_a_long_one(test: AppTest) -> None:
    test.number_input(key="budget_value").set_value(200).run()
    for _ in range(2):
        test.button(key="add_form").click().run()
        test.button(key="arm_remove_0").click().run()
    test.button(key="compare_start").click().run()
    assert not test.button(key="compare_stop").disabled


def test_stop_is_disabled_where_the_page_says_that_the_comparison_has_ended(
    page: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = page()
    begin_a_long_one(test)

    def read_just_before_it_ends(session: Session) -> shown_module.Shown | None:
        shown = read(session)
        engine().client.command(str(session.state(CompareState).id), "stop")
        until(lambda: not engine().store.active(), "the comparison to stop")
        return shown

    read = shown_module.read
    with monkeypatch.context() as patch:
        patch.setattr(shown_module, "read", read_just_before_it_ends)
        test.run()
    assert "Stopped" in words(test)
    assert test.button(key="compare_stop").disabled


def test_weight_paths_belong_to_the_shown_comparison(page: App) -> None:
    test = page()
    test.button(key="preset_noise").click().run()
    finished(test)
    test.button(key="follow_weights").click().run()
    deadline = time.monotonic() + 60
    while "% of their variance" not in words(test):
        assert time.monotonic() < deadline
        time.sleep(0.3)
        test.run()
    test.segmented_control(key="compare_budget").set_value("updates").run()
    finished(test)
    assert "% of their variance" not in words(test)

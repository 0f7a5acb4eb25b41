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


def names(test: AppTest) -> list[str]:
    """Return the names of the arms of the next comparison."""
    labels = [block.proto.popover.label for block in test.get("popover")]
    return labels[: labels.index("Add a finished run")]  # the terms follow


def shows(test: AppTest, text: str) -> None:
    """Rerun the script, as the timer does, until the page has a text."""
    deadline = time.monotonic() + 60
    while text not in words(test):
        assert time.monotonic() < deadline, words(test)
        time.sleep(0.1)
        test.run()


def finished(test: AppTest) -> str:
    shows(test, "Finished in")
    return words(test)


def test_the_first_visit_shows_a_recorded_comparison_of_the_articles_pair(page: App) -> None:
    text = words(page())
    assert "Recorded on" in text
    assert "**Batch size 100** is ahead at equal epochs (5)" in text


def test_a_preset_shows_its_recording_and_a_switch_changes_nothing_that_is_shown(page: App) -> None:
    test = page()
    test.button(key="preset_noise").click().run()
    shown = "**Batch size 16** is ahead at equal epochs (4)"
    assert shown in words(test)
    assert "the form has" not in words(test)
    assert test.query_params["preset"] == "noise"
    test.segmented_control(key="compare_budget").set_value("updates").run()
    assert shown in words(test)
    assert "Recorded on" in words(test)
    assert "Showing equal **Epochs**; the form has **Updates**." in words(test)
    assert test.segmented_control(key="compare_axis").value == "epochs"
    assert not engine().store.active()
    test.button(key="compare_restore").click().run()
    assert test.segmented_control(key="compare_budget").value == "epochs"
    assert "the form has" not in words(test)


def test_a_link_to_a_preset_opens_it_after_another_comparison(page: App) -> None:
    test = page()
    test.button(key="preset_noise").click().run()
    test.switch_page("pages/schedules.py").run()
    test.query_params["preset"] = "large_to_small"
    test.switch_page("pages/compare.py").run()
    assert test.query_params["preset"] == "large_to_small"
    assert [name for name in names(test) if "constant" in name] != []
    test.button(key="preset_noise").click().run()
    assert test.query_params["preset"] == "noise"  # the former link does not come back


def test_start_trains_what_the_switches_describe(page: App) -> None:
    test = page(preset="noise")
    test.segmented_control(key="compare_budget").set_value("updates").run()
    test.segmented_control(key="compare_seeds").set_value(10).run()
    assert "equal **Epochs** and seeds **6**; the form has **Updates** and **10**" in words(test)
    test.button(key="compare_start").click().run()
    assert test.segmented_control(key="compare_axis").value == "updates"
    assert "the form has" not in words(test)
    assert "**Batch size 256** is ahead at equal updates (512)" in finished(test)
    assert "preset" not in test.query_params
    again = page(comparison=test.query_params["comparison"])
    assert again.segmented_control(key="compare_seeds").value == 10
    assert "the form has" not in words(again)


def test_a_link_reproduces_the_switches_of_a_comparison_that_has_not_been_started(page: App) -> None:
    test = page()
    test.segmented_control(key="compare_rule").set_value("linear").run()
    test.segmented_control(key="compare_seeds").set_value(10).run()
    query = dict(test.query_params.items())
    assert (query["compare_rule"], query["compare_seeds"]) == ("linear", "10")
    assert "compare_budget" not in query
    again = page(**query)
    assert again.segmented_control(key="compare_rule").value == "linear"
    assert again.segmented_control(key="compare_seeds").value == 10
    assert "Batch size 1,000, Learning rate 0.5" in names(again)
    refused = page(compare_rule="cubic")
    assert "must be one of fixed, linear, sqrt, tuned, got 'cubic'" in words(refused)
    assert "compare_rule" not in refused.query_params


def test_invalid_settings_add_no_arm_and_give_the_reason(page: App) -> None:
    test = page()
    test.number_input(key="batch_size").set_value(5_000).run()
    test.selectbox(key="dataset").set_value("digits").run()
    assert test.button(key="add_form").disabled
    assert "got 5000" in (test.button(key="add_form").help or "")
    assert "got 5000" in words(test)


def test_arms_are_added_and_removed_within_bounds(page: App) -> None:
    test = page()
    for _ in range(4):
        test.button(key="add_form").click().run()
    assert test.button(key="add_form").disabled
    assert "A comparison has at most 6 arms." in words(test)
    assert not test.button(key="compare_start").disabled
    for _ in range(5):
        test.button(key="arm_remove_0").click().run()
    assert test.button(key="compare_start").disabled
    assert "between 2 and 6 arms, got 1" in (test.button(key="compare_start").help or "")
    assert "between 2 and 6 arms, got 1" in words(test)
    assert names(test) == ["Batch size 100"]
    assert "Showing **Batch size 100 and Batch size 1,000**; the form has **Batch size 100**." in words(test)
    test.button(key="arm_remove_0").click().run()
    assert "There are no arms. Choose a preset above" in words(test)
    test.button(key="arm_put_back").click().run()
    assert names(test) == ["Batch size 100"]


def test_a_finished_run_is_offered_as_an_arm(page: App) -> None:
    page()
    store = engine().store
    store.create("run", RunConfig(batch_size=1_000), owner="o", session="s")
    store.write("run", [Started(50), Ended("finished", "budget", updates=50)])
    test = page()
    assert re.fullmatch(r"\d+:\d\d\s[AP]M photos10k, mlp, batch size 1,000", test.button(key="add_run_run").label)
    test.button(key="add_run_run").click().run()
    assert names(test)[2:] == ["Batch size 1,000, Memory limit (MiB): \u2014"]
    assert test.query_params["arms"].count(";") == 2


def test_an_arm_is_renamed_moved_and_removed_and_put_back(page: App) -> None:
    test = page()
    test.text_input(key="arm_name_1").set_value("  Ten times\tlarger ").run()
    assert names(test) == ["Batch size 100", "Ten times larger"]
    assert "lower than Ten times larger" in words(test)  # the curve of the same settings has the same name
    assert "the form has" not in words(test)
    test.button(key="arm_right_0").click().run()
    assert names(test) == ["Ten times larger", "Batch size 100"]
    assert marks(test) == ["\u25a0", "\u25cf"]
    assert "arm_left_0" not in [button.key for button in test.button]
    test.button(key="arm_remove_0").click().run()
    test.button(key="add_form").click().run()
    test.button(key="arm_put_back").click().run()
    assert names(test) == ["Ten times larger", "Batch size 100 (1)", "Batch size 100 (2)"]
    assert marks(test) == ["\u25a0", "\u25cf", "\u25cb"]
    assert len(test.get("button")) == len({button.key for button in test.get("button")})
    again = page(arms=test.query_params["arms"])
    assert names(again) == names(test)


def marks(test: AppTest) -> list[str]:
    """Return the mark of each arm: that of its curve, or a circle if no chart shows it."""
    shown = [re.sub("<[^>]*>", "", item.value) for item in test.markdown]
    return [text for text in shown if text in "\u25cf\u25a0\u25c6\u25b2\u271a\u25bc\u25cb"]


def test_the_form_edits_an_arm_and_the_shown_curves_keep_their_names(page: App) -> None:
    test = page()
    test.toggle(key="arm_edit_1").set_value(True).run()
    assert test.number_input(key="batch_size").value == 1_000
    assert "The form edits **Batch size 1,000**." in words(test)
    test.number_input(key="batch_size").set_value(37).run()
    assert names(test) == ["Batch size 100", "Batch size 37"]
    assert marks(test) == ["\u25cf", "\u25cb"]
    assert "lower than Batch size 1,000" in words(test)
    assert "the form has **Batch size 100 and Batch size 37**" in words(test)
    test.number_input(key="batch_size").set_value(20_000).run()
    assert names(test) == ["Batch size 100", "Batch size 37"]
    test.button(key="edit_done").click().run()
    test.number_input(key="batch_size").set_value(64).run()
    assert names(test) == ["Batch size 100", "Batch size 37"]


def test_an_arm_is_no_longer_edited_once_another_page_was_open(page: App) -> None:
    test = page()
    test.toggle(key="arm_edit_1").set_value(True).run()
    test.switch_page("pages/live.py").run()
    test.number_input(key="batch_size").set_value(37).run()
    test.switch_page("pages/compare.py").run()
    assert names(test) == ["Batch size 100", "Batch size 1,000"]


def test_the_result_is_hidden_until_the_viewer_has_guessed(page: App) -> None:
    test = page(preset="rate_too_low", compare_guess="true")
    assert "Which arm ends with the lowest loss?" in words(test)
    assert "ahead" not in words(test)
    assert "too low" not in words(test)
    assert len(test.get("vega_lite_chart")) == 1  # the preview of the rate in the form
    test.button(key="guess_0").click().run()
    assert "Your guess, **Learning rate 0.0005**, was wrong: Learning rate 0.05 ends lower." in words(test)
    assert "**Learning rate 0.05** is ahead" in words(test)
    test.button(key="preset_article").click().run()
    assert "ahead" not in words(test)
    test.button(key="guess_0").click().run()
    assert "Your guess, **Batch size 100**, was right." in words(test)
    test.toggle(key="compare_guess").set_value(False).run()
    assert "guess" not in words(test)
    assert "compare_guess" not in test.query_params


def test_a_switch_qualifies_the_description_of_a_preset(page: App) -> None:
    test = page(preset="rate_too_low")
    assert "This text applies to equal epochs and each arm's own learning rate." not in words(test)
    test.segmented_control(key="compare_rule").set_value("linear").run()
    assert "This text applies to equal epochs and each arm's own learning rate." in words(test)
    assert "With this budget and rule, some arms have the same settings." in words(test)
    test.segmented_control(key="compare_rule").set_value("tuned").run()
    assert "With this budget and rule, some arms have the same settings." in words(test)


def test_a_url_with_a_preset_shows_its_recording(page: App) -> None:
    test = page(preset="rate_too_low")
    assert "Learning rate 0.0005" in names(test)
    assert "Recorded on" in words(test)
    assert "**Learning rate 0.05** is ahead at equal epochs (5)" in words(test)


def test_the_url_has_arms_that_have_not_been_started(page: App) -> None:
    test = page()
    test.number_input(key="batch_size").set_value(37).run()
    test.button(key="add_form").click().run()
    text = "memory_limit_mb:4;batch_size:1000,memory_limit_mb:4;batch_size:37,memory_limit_mb:4"
    assert test.query_params["arms"] == text
    assert "Batch size 37" in names(page(arms=text))
    assert "arms" not in test.button(key="compare_start").click().run().query_params
    assert "arms" not in test.run().query_params
    test.button(key="preset_noise").click().run()  # the comparison that trains stays
    assert "Batch size 37" in words(test)
    assert "comparison" in test.query_params
    test.button(key="compare_stop").click().run()
    until(lambda: not engine().store.active(), "the comparison to stop")
    test.run()
    test.button(key="preset_noise").click().run()
    assert "arms" not in test.query_params
    assert "comparison" not in test.query_params
    test.button(key="arm_remove_0").click().run()
    again = page(preset="noise", arms=test.query_params["arms"])
    assert "is ahead at equal epochs (4)" in words(again)
    assert again.button(key="compare_start").disabled


def test_invalid_arms_in_a_url_are_reported_and_ignored(page: App) -> None:
    test = page(arms="batch_size:0;default")
    assert "The URL describes a comparison that cannot be used:" in words(test)
    assert "got 0" in words(test)
    assert "arms" not in test.query_params
    assert "**Batch size 100** is ahead at equal epochs (5)" in words(test)
    test.button(key="add_form").click().run()
    assert "cannot be used" not in words(test)
    long = page(arms=",".join(f"a{number}:1" for number in range(2_000)))
    assert max(map(len, (item.value for item in long.caption))) < 500


def test_a_database_error_is_shown_while_it_lasts(page: App, database: Path) -> None:
    test = page(preset="noise")
    test.button(key="compare_start").click().run()
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
    first = page(preset="noise", compare_budget="updates")
    first.button(key="compare_start").click().run()
    finished(first)
    given = first.query_params["comparison"]
    with closing(sqlite3.connect(database)) as lost:
        lost.execute("ALTER TABLE comparisons RENAME TO elsewhere")
        read = page(comparison=given)
        changed = page(comparison=given)
        changed.button(key="arm_remove_0").click().run()
        other = page(comparison=given)
        other.button(key="preset_rate_too_low").click().run()
        started = page(comparison=given)
        switched = page(comparison=given)
        switched.segmented_control(key="compare_rule").set_value("linear").run()
        lost.execute("ALTER TABLE elsewhere RENAME TO comparisons")
    assert "Learning rate 0.0005" in names(other.run())
    started.button(key="compare_start").click().run()
    assert "photos10k, mlp 128-64. Held fixed:" in words(started)  # described by the page when Start was pressed
    started.button(key="compare_stop").click().run()
    for test in (read, changed, switched):
        test.run()
        assert [item.value for item in test.warning] == []
        assert "is ahead at equal updates (512)" in words(test)
    assert read.segmented_control(key="compare_budget").value == "updates"
    assert "the form has" not in words(read)
    assert "the form has" in words(changed)
    assert switched.segmented_control(key="compare_rule").value == "linear"


def test_a_missing_comparison_is_reported_once_the_database_answers(page: App, database: Path) -> None:
    with closing(sqlite3.connect(database)) as lost:
        lost.execute("ALTER TABLE comparisons RENAME TO elsewhere")
        test = page(comparison="nowhere")
        lost.execute("ALTER TABLE elsewhere RENAME TO comparisons")
    test.run()
    assert "nowhere" in words(test)
    assert [item.value for item in test.warning] == []
    assert "comparison" not in test.query_params


LONG = "budget_value:200;batch_size:1000"


def test_a_comparison_pauses_and_resumes(page: App) -> None:
    test = page(arms=LONG, compare_seeds="1")
    assert test.button(key="compare_pause").disabled
    test.button(key="compare_start").click().run()
    shows(test, "left.")
    assert re.search(r"Training: \d+%, about \d+(s|m \d+s) left\.", words(test))
    test.button(key="compare_pause").click().run()
    shows(test, "Paused at")
    assert test.button(key="compare_pause").label == "Resume"
    test.button(key="compare_pause").click().run()
    shows(test, "Training:")
    test.button(key="compare_stop").click().run()


def test_stop_is_disabled_where_the_page_says_that_the_comparison_has_ended(
    page: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = page(arms=LONG, compare_seeds="1")
    test.button(key="compare_start").click().run()
    assert not test.button(key="compare_stop").disabled

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
    test = page(preset="noise")
    test.button(key="follow_weights").click().run()
    shows(test, "% of their variance")
    test.button(key="preset_article").click().run()
    assert "% of their variance" not in words(test)

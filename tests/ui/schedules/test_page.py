"""The schedules page: complete without a run, and what a choice changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from core.host.process import Answer
from core.schedule_bench.results import Bench, load
from core.words.errors import HostError, Problem
from ui.shell.engine import Engine

App = Callable[..., AppTest]
ALTS = (
    "Loss above the optimum against examples seen",
    "Learning rate divided by batch size",
    "Final loss above the optimum against",
)


@pytest.fixture
def page(app: App) -> App:
    def open_page(**query: object) -> AppTest:
        test = app(**query).switch_page("pages/schedules.py")
        for name, value in query.items():  # switching pages clears them
            test.query_params[name] = str(value)
        return test.run()

    return open_page


def words(test: AppTest) -> str:
    assert not test.exception
    html = [item.proto.body for item in test.get("html") if "<table" in item.proto.body]
    return "\n".join([*(item.value for item in test.markdown), *(item.value for item in test.caption), *html])


def table(test: AppTest, name: str) -> list[list[str]]:
    (body,) = [item.proto.body for item in test.get("html") if f"results {name}'" in item.proto.body]
    return [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in re.findall(r"<tr.*?>(.*?)</tr>", body)]


def specs(test: AppTest) -> list[str]:
    """Return the charts' specifications, without the names that Streamlit gives to the data."""
    found = []
    for chart in test.get("vega_lite_chart"):
        spec = json.loads(chart.proto.spec)
        spec.pop("data", None)
        found.append(json.dumps(spec) + chart.proto.alt)
    return found


def rows(test: AppTest, alt: str, series: str) -> list[dict[str, Any]]:
    (proto,) = [each.proto for each in test.get("vega_lite_chart") if each.proto.alt.startswith(alt)]
    (data,) = [each.data.data for each in proto.datasets if each.name == "drawn"]
    found: list[dict[str, Any]] = pa.ipc.open_stream(data).read_all().to_pylist()
    return [row for row in found if row["series"] == series]


def test_show_data_lists_named_columns_first(page: App) -> None:
    first = page().get("vega_lite_chart")[1].proto.datasets[0]  # after the picture of three rates
    assert first.name == "readable"
    table = pa.ipc.open_stream(first.data.data).read_all()
    assert table.column_names[:3] == ["schedule", "examples seen", "loss above the optimum"]


def test_the_picture_of_a_chart_names_its_settings(page: App) -> None:
    test = page(batch=64)
    captions = [row["label"] for alt in ALTS for row in rows(test, alt, "caption")]
    assert captions == [
        "batch size 64, peak rate tuned for each schedule, seeds 0 to 9",
        "batch size 64, peak rate tuned for each schedule, seeds 0 to 9",
        "batch size 64, 3 tuning seeds",
    ]


def test_the_page_is_full_before_anything_runs(page: App) -> None:
    test = page()
    said = words(test)
    assert "end 1.2 to 1.7 times closer to the optimum" in said
    assert "with 1,184 updates instead of 2,048." in said
    assert "Precomputed on" in said
    assert "32,768 examples seen (16 epochs, drawn one by one with replacement), 11 rates tried" in said
    ends = table(test, "schedules_ends")
    assert ends[0] == [
        "Schedule",
        "Peak rate",
        "Updates",
        "Final loss above the optimum (95% CI)",
        "Against constant (95% CI)",
        "p",
        "Model error",
    ]
    assert len(ends) == 10
    assert ends[3] == [
        "Exponential",
        "4",
        "2,048",
        "0.00065 (0.00056 to 0.00074)",
        "1.7 times closer (1.5 to 1.9)",
        "0.016",
        "\u22124%",
    ]
    assert ends[1] == ["Constant", "0.5", "2,048", "0.0011 (0.00087 to 0.0013)", "", "", "+21%"]
    assert [len(rows(test, alt, "chosen")) > 5 for alt in ALTS] == [True] * 3
    assert dict(test.query_params) == {}


def test_another_schedule_changes_the_data_and_no_specification(page: App) -> None:
    test = page()
    before, drawn = specs(test), [rows(test, alt, "chosen") for alt in ALTS]
    test.get_by_key("schedules_arm").set_value("ramp").run()
    assert specs(test) == before
    assert len(before) == 4
    for alt, earlier in zip(ALTS, drawn, strict=True):
        assert {row["row"] for row in rows(test, alt, "chosen")} == {"ramp"}
        assert rows(test, alt, "chosen") != earlier
    assert "**Growing batch.** The rate stays constant. The batch grows to four times its size" in words(test)
    assert test.query_params["arm"] in ("ramp", ["ramp"])


def test_another_batch_size_changes_no_specification_either(page: App) -> None:
    test = page()
    before = specs(test)
    test.get_by_key("schedules_batch").set_value("256").run()
    test.get_by_key("schedules_peak").set_value("alike").run()
    assert specs(test) == before
    assert "All schedules have peak rate 8 at batch size 256." in words(test)
    assert "end 2.5 to 27 times farther from the optimum." in words(test)
    assert [row[1:3] for row in table(test, "schedules_ends")[1:3]] == [["8", "128"], ["8", "128"]]


def test_a_table_compares_the_schedule_with_the_constant_rate_at_every_batch_size(page: App) -> None:
    test = page(arm="exponential")
    assert table(test, "schedules_by_batch") == [
        ["Exponential against the constant rate", "Batch size 16", "Batch size 64", "Batch size 256"],
        ["Tuned rates", "1.7 times closer", "1.7 times closer", "1.7 times closer"],
        ["Rate 8 for all", "23 times closer", "4.5 times closer", "27 times farther"],
    ]
    test.get_by_key("schedules_arm").set_value("constant").run()
    assert "The constant rate is the baseline of the other schedules." in words(test)
    assert "Tuned rates" not in words(test)


def test_the_url_selects_what_is_shown(page: App) -> None:
    test = page(arm="wsd", batch=64, peak="alike")
    assert [test.get_by_key(f"schedules_{name}").value for name in ("arm", "batch", "peak")] == ["wsd", "64", "alike"]
    assert "All schedules have peak rate 8 at batch size 64." in words(test)


def test_invalid_values_in_the_url_are_named(page: App) -> None:
    test = page(arm="cosin", batch=17)
    said = words(test)
    assert "Arm must be one of constant, step" in said
    assert "got 'cosin'" in said
    assert "got '17'" in said
    assert (test.get_by_key("schedules_arm").value, test.get_by_key("schedules_batch").value) == ("cosine", "16")


def test_the_choice_is_kept_while_another_page_is_open(page: App) -> None:
    test = page()
    test.get_by_key("schedules_arm").set_value("linear").run()
    test.query_params.clear()  # as by a link of the menu
    test.switch_page("pages/about.py").run()
    test.switch_page("pages/schedules.py").run()
    assert test.get_by_key("schedules_arm").value == "linear"


# Run again.


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, Answer]]:
    """Return the requests of the page to the engine, whose answers the test sets."""
    calls: list[tuple[int, int, Answer]] = []

    def bench(self: Engine, batch_size: int, *, first_seed: int, seeds: int) -> Answer:
        calls.append((batch_size, first_seed, Answer()))
        return calls[-1][2]

    monkeypatch.setattr(Engine, "bench", bench)
    return calls


def fresh(batch_size: int) -> Bench:
    """Return a result in which step also ends closer than the constant rate."""
    bench = load()[batch_size]
    better = replace(bench.against["exponential"], second="step")
    return replace(bench, seeds=tuple(range(50, 60)), against={**bench.against, "step": better})


def test_an_invalid_seed_is_reported_and_disables_the_run_button(
    page: App, asked: list[tuple[int, int, Answer]]
) -> None:
    test = page()
    test.get_by_key("schedules_first_seed").set_value(-1).run()
    assert "Seed must be a whole number between 0 and 1,000,000, got -1" in words(test)
    assert test.button(key="run_schedules").disabled
    assert asked == []


def test_a_new_result_replaces_the_one_shown(page: App, asked: list[tuple[int, int, Answer]]) -> None:
    test = page()
    test.get_by_key("schedules_first_seed").set_value(50).run()
    test.button(key="run_schedules").click().run()
    ((size, first_seed, answer),) = asked
    assert (size, first_seed) == (16, 50)
    assert "Waiting for a free core" in words(test)
    assert test.button(key="run_schedules").disabled
    answer.share = 0.42
    assert "Running: 42%" in words(test.run())
    before = specs(test)
    answer.set_result(fresh(16))
    said = words(test.run())
    assert "All 6 decays end " in said
    assert "Just computed on this machine from seeds 50 to 59" in said
    assert specs(test) == before
    assert not test.button(key="run_schedules").disabled
    test.get_by_key("schedules_batch").set_value("64").run()
    assert "No difference from a constant rate is shown for step (after correction)." in words(test)  # not run again


def test_a_failed_comparison_says_why_and_keeps_the_shown_result(
    page: App, asked: list[tuple[int, int, Answer]]
) -> None:
    test = page()
    test.button(key="run_schedules").click().run()
    assert isinstance(asked[0][2], Future)
    asked[0][2].set_exception(HostError(Problem("no_prediction")))
    said = words(test.run())
    assert "The comparison failed: The engine did not answer; try again" in said
    assert "No difference from a constant rate is shown for step (after correction)." in said
    test.button(key="run_schedules").click().run()
    assert len(asked) == 2
    assert "Waiting for a free core" in words(test)


def test_the_picture_of_three_rates_names_all_three(page: App) -> None:
    (spec,) = [text for text in specs(page()) if "From 8 to 0" in text]
    assert '"domain": ["Constant 8", "Constant 0.5", "From 8 to 0"]' in spec

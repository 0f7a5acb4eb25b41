"""What a reader sees of the charts of schedules, claims and memory, as Vega lays them out."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import altair as alt
import pyarrow as pa
import pytest

from core.claims.results import load as load_claims
from core.forecast.records import Curve, Point
from core.run.config import RunConfig
from core.run.events import Peak
from core.run.searching import SEARCHES, closed_form
from core.run.timeline import Block, Change, Timeline
from core.schedule_bench.arms import ARMS
from core.schedule_bench.results import load as load_benches
from core.store.reader import RunReader
from core.words.catalogue import catalogue
from tests.campaign import campaign
from tests.ui.charts.scenes import PHONE, WIDE, Scene, powers, scene
from ui.charts.claims import (
    compared,
    effects,
    effects_table,
    evidence,
    evidence_table,
    log_evidence,
    readable_effects,
    readable_evidence,
)
from ui.charts.loss import log_loss, loss_table
from ui.charts.memory.attempts import attempts_table, readable_attempts
from ui.charts.memory.curve import curve, log_curve
from ui.charts.memory.curve_table import curve_table, readable_curve
from ui.charts.memory.peak import memory, memory_table
from ui.charts.memory.timeline import timeline
from ui.charts.memory.timeline_table import readable_timeline, timeline_table
from ui.charts.schedules import (
    readable_lines,
    schedule_curves,
    schedule_curves_table,
    schedule_rates,
    schedule_rates_table,
    schedule_tuning,
    schedule_tuning_table,
)
from ui.charts.style import CATEGORY_COLOURS, DATA, FONT, GREY, LIMIT_COLOUR, Spec, spec

ROOT = Path(__file__).parents[3]
MIB = 2**20
WORDS = catalogue("en")
CAPTION = "settings of the picture"
SIZES = (WIDE, PHONE)
PeakOf = Callable[..., Peak]
Drawn = tuple[Spec, pa.Table]
CLAIMS = load_claims().claims
COMPARED = [code for code, result in CLAIMS.items() if compared(result.outcomes)]
MEASURED = [code for code, result in CLAIMS.items() if result.lines]
BENCH = load_benches()[16]


@cache
def made(chart: Callable[..., Spec], names: tuple[str, ...] = ()) -> Spec:
    """Return a chart's specification, made once for all tests."""
    return chart(WORDS.say, names) if names else chart(WORDS.say)


def of_claim(code: str) -> Drawn:
    outcomes = compared(CLAIMS[code].outcomes)
    names = ("Heading", *(outcome.arm for outcome in outcomes))
    return made(effects, names), effects_table(outcomes, WORDS, caption=CAPTION)


def of_evidence(code: str) -> Drawn:
    chart = log_evidence if code in ("C4", "C7", "C11") else evidence
    return made(chart, ("Heading",)), evidence_table(code, CLAIMS[code].lines, WORDS.say, caption=CAPTION)


def of_schedules(name: str, arm: str = "cosine") -> Drawn:
    say = WORDS.say
    if name == "curves":
        return made(schedule_curves), schedule_curves_table(BENCH.tuned, arm, 16, say, caption=CAPTION)
    if name == "rates":
        return made(schedule_rates), schedule_rates_table(BENCH.tuned, arm, 16, say, caption=CAPTION)
    return made(schedule_tuning), schedule_tuning_table(BENCH, arm, say, caption=CAPTION)


@pytest.fixture(scope="module")
def line(peak_of: PeakOf) -> Curve:
    """Return a curve whose topmost layer the limit cuts at the right end, near its middle."""
    sizes = (1, 10, 100, 500, 1_000, 2_000)
    points = tuple(
        Point(size, peak_of(parameters=0.3, activations=size / 1_000, batch=size / 800, temporary=size / 800), True)
        for size in sizes
    )
    return Curve(points, (), 1_050, {})


def of_curve(line: Curve, batch_size: int, limit_mib: float, *, log: bool = False) -> Drawn:
    table = curve_table(line, round(limit_mib * MIB), [], WORDS, batch_size=batch_size, caption=CAPTION)
    return made(log_curve if log else curve), table


def of_search(largest: int) -> pa.Table:
    def fits(size: int) -> bool:
        return size <= largest

    searches = [way(fits, most=10_000) for way in SEARCHES.values()]
    searches = [closed_form(fits, predicted=largest, most=10_000), *searches]
    return attempts_table(searches, 99, WORDS, largest=largest, most=10_000, caption=CAPTION)


def of_update() -> Drawn:
    block = Block(MIB, "batch", "forward", "", "aten.zeros.default", (8,))
    changes = (Change(MIB, block, "forward", ""), Change(MIB, block, "backward", "")) * 9
    events = {name: Timeline({"parameters": MIB}, changes) for name in ("first_update", "second_update")}
    table = timeline_table(events, WORDS, limit_bytes=19 * MIB, caption=CAPTION)
    return timeline(WORDS.say), table


def is_clear(seen: Scene) -> None:
    """Check that texts are readable, whole, and not struck through, and that the picture names its settings."""
    assert seen.struck() == []
    assert seen.cut() == []
    assert CAPTION in seen.of("mark")
    assert seen.of("title-text")
    assert {box.text for box in seen.texts if box.size < FONT} == set()
    coloured = {box.colour for box in seen.texts if box.role != "title-text"}
    # The style sheet knows the first two; the last two are those of the look on a light page.
    assert coloured <= {GREY, LIMIT_COLOUR, "black", "white", "#5f656c", "#1f2329"}


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("code", ["C9", *campaign(code for code in COMPARED if code != "C9")])
def test_the_names_of_trials_are_whole_and_crossed_by_no_line(code: str, width: int) -> None:
    seen = scene(*of_claim(code), width=width)
    is_clear(seen)
    names = [WORDS.say(f"claims.arm.{code}.{outcome.arm}") for outcome in compared(CLAIMS[code].outcomes)]
    labels = [label for label in seen.of("mark") if label != CAPTION]
    assert [label.split(":")[0] for label in labels] == names


def test_ratios_have_ticks_at_powers_of_ten_or_few_between_two_of_them() -> None:
    assert powers(scene(*of_claim("C9")).of("axis-label"))
    assert scene(*of_claim("C1")).of("axis-label") == ["0.2", "0.5", "1", "2", "5"]


@pytest.mark.parametrize(
    ("losses", "labels"),
    [
        ([2.45, 2.1], ["2.1", "2.2", "2.3", "2.4"]),
        ([0.000_8, 0.000_7], ["0.0007", "0.0008"]),
        ([70.0, 20.0], ["20", "50"]),
        ([2.0, 2.0], ["2"]),
    ],
)
def test_a_logarithmic_axis_that_spans_little_has_labels(
    losses: list[float], labels: list[str], reader_of: Callable[..., RunReader]
) -> None:
    table = loss_table(RunConfig(), reader_of(losses), 2, WORDS.say, log=True, beta=0.0)
    seen = scene(made(log_loss), table)
    assert [label for label in seen.of("axis-label") if label in labels] == labels


def test_a_chart_of_trials_is_as_high_as_it_has_trials() -> None:
    heights = {len(compared(CLAIMS[code].outcomes)): of_claim(code)[0]["height"] for code in COMPARED}
    assert len(heights) >= 3
    assert len({height - 58 * trials for trials, height in heights.items()}) == 1


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("code", ["C7", *campaign(code for code in MEASURED if code != "C7")])
def test_measured_points_and_their_law_are_in_the_legend(code: str, width: int) -> None:
    seen = scene(*of_evidence(code), width=width)
    is_clear(seen)
    measured = [WORDS.say(f"claims.evidence.{code}.{each.name}") for each in CLAIMS[code].lines if each.name != "law"]
    law = ["predicted"] if len(measured) < len(CLAIMS[code].lines) else []
    assert sorted(seen.of("legend-label")) == sorted(measured + law)


@pytest.mark.parametrize(
    ("name", "width"), [("curves", PHONE), ("rates", WIDE), *campaign([("tuning", WIDE), ("tuning", PHONE)])]
)
def test_every_schedule_is_in_the_legend(name: str, width: int) -> None:
    seen = scene(*of_schedules(name), width=width)
    is_clear(seen)
    names = [WORDS.say(f"schedules.arm.{arm}") for arm in ARMS]
    assert seen.of("legend-label") == (names if name == "rates" else [*names, "Model"])
    if name != "rates":
        assert powers([label for label in seen.of("axis-label") if label.startswith("0.0")])


# The batch size and a limit that cuts a layer near its name, another layer, or none.
CURVES = [(10, 6.0), (1_000, 3.2), (1_100, 5.4), (1_990, 6.0)]


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("batch_size", "limit_mib"), [CURVES[1], *campaign(CURVES)])
def test_labels_of_the_memory_curve_keep_clear_of_its_rules(
    line: Curve, batch_size: int, limit_mib: float, log: bool, width: int
) -> None:
    seen = scene(*of_curve(line, batch_size, limit_mib, log=log), width=width)
    is_clear(seen)
    first, second = (
        box for box in seen.texts if box.role == "mark" and box.text.startswith(("fits up to", "batch size "))
    )
    assert max(first.bottom, second.bottom) <= 0  # above the plot
    is_apart = first.right < second.left or second.right < first.left
    assert is_apart or first.bottom <= second.top or second.bottom <= first.top


def test_a_layer_that_the_limit_cuts_keeps_its_name_where_there_is_room(line: Curve) -> None:
    seen = scene(*of_curve(line, 10, 5.9))
    assert {"temporary", "batch", "activations"} <= set(seen.of("mark"))
    assert seen.struck() == []


def test_the_names_inside_an_update_keep_clear_of_its_lines() -> None:
    is_clear(scene(*of_update()))


@pytest.mark.parametrize("limit_mib", [1.5, *campaign([2.0, 2.4])])
def test_the_name_of_a_category_keeps_clear_of_the_limit(peak_of: PeakOf, limit_mib: float) -> None:
    peaks = {"predicted": peak_of(activations=3, batch=1), "measured": None}
    seen = scene(memory(WORDS.say), memory_table(peaks, round(limit_mib * MIB), WORDS), width=420)
    assert "activations" in seen.of("mark")
    assert [box.text for box in seen.texts if box.text in seen.struck() and box.text in CATEGORY_COLOURS] == []


def test_the_name_of_a_category_stands_only_where_its_segment_is_as_wide(peak_of: PeakOf) -> None:
    table = memory_table({"predicted": peak_of(activations=0.6, batch=1), "measured": None}, 4 * MIB, WORDS)
    for width, names in ((760, ["activations", "batch"]), (330, ["batch"])):
        assert [
            name for name in scene(memory(WORDS.say), table, width=width).of("mark") if name in CATEGORY_COLOURS
        ] == names


# "Show data".


def test_the_data_of_a_chart_have_named_columns_with_units_and_only_values(line: Curve, peak_of: PeakOf) -> None:
    say = WORDS.say
    seen, excess, size = "axis.schedules.seen", "axis.schedules.excess", "batch size (examples)"
    curves = readable_lines(of_schedules("curves")[1], say, seen, excess)
    assert curves.column_names == [
        "schedule",
        "examples seen",
        "loss above the optimum",
        "lowest seed",
        "highest seed",
    ]
    assert set(curves["schedule"].to_pylist()) == {say(f"schedules.arm.{arm}") for arm in ARMS}
    rates = readable_lines(of_schedules("rates")[1], say, seen, "axis.schedules.relative")
    assert rates.column_names[2] == "rate / batch size, share of the initial value"
    assert readable_effects(of_claim("C9")[1], say).column_names == ["trial", "ratio", "95% CI from", "95% CI to"]
    points = readable_evidence(of_evidence("C8")[1], "C8", say)
    assert points.column_names == ["series", "batch size", "peak memory (MiB)"]
    memory_by_size = readable_curve(of_curve(line, 10, 6.0)[1], WORDS)
    assert memory_by_size.column_names[:3] == [size, "total (MiB)", "parameters (MiB)"]
    assert memory_by_size[size].to_pylist() == [1, 10, 100, 500, 1_000, 2_000]
    assert readable_attempts(of_search(264), say).column_names == ["strategy", "try", size, "outcome"]
    changes = readable_timeline(of_update()[1], say)
    assert changes.column_names[3:] == ["change (bytes)", "allocated afterwards (MiB)"]
    for table in (curves, rates, points, memory_by_size, changes):
        assert table.num_rows >= 6
        assert "" not in table[0].to_pylist()


# Colours.


def luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_text_in_charts_has_a_contrast_of_four_and_a_half_in_both_lights() -> None:
    style = (ROOT / "ui/shell/tokens.css").read_text()
    theme = (ROOT / ".streamlit/config.toml").read_text()
    backgrounds = re.findall(r'^backgroundColor = "(#\w+)"', theme, re.MULTILINE)
    for colour in (GREY, LIMIT_COLOUR):
        (lights,) = re.findall(rf'text\[fill="{colour}"\] {{ fill: light-dark\((#\w+), (#\w+)\)', style)
        assert all(contrast(each, background) >= 4.5 for each, background in zip(lights, backgrounds, strict=True))
    for name, colour in CATEGORY_COLOURS.items():
        assert contrast(colour, "#ffffff" if name == "activations" else "#000000") >= 4.5
    assert contrast(GREY, "#ffffff") >= 4.5  # in a picture that leaves a light page


def test_a_title_and_its_settings_may_be_wider_than_the_plot() -> None:
    chart = alt.layer(alt.Chart(DATA).mark_point().encode(x="x:Q", y="y:Q"))
    made = spec(chart, height=100, title="Validation loss", subtitle="photos10k, mlp, 6 seeds")
    seen = scene(made, pa.table({"x": [1.0, 2.0], "y": [1_000.0, 2_000.0]}), width=185)
    titles = [box for box in seen.texts if box.role.startswith("title")]
    assert [box.text for box in titles] == ["Validation loss", "photos10k, mlp, 6 seeds"]
    assert max(box.right - box.left for box in titles) > seen.plot[0]
    assert [box.text for box in titles if box.ends_early] == []

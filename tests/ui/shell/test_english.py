"""Every word that the app asks for is there, and every word that is there is asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from core.claims import CLAIMS, TESTED
from core.claims import results as claims_results
from core.comparison.course import ArmState
from core.comparison.presets import PRESETS
from core.comparison.setup import BUDGETS
from core.comparison.setup import RULES as RATE_RULES
from core.forecast.records import EVENTS, REMEDIES
from core.run.choices.datasets import DATASETS
from core.run.config import FIELDS
from core.run.events import CATEGORIES, END_STATES
from core.run.fields import CHOICES
from core.run.searching import SEARCHES
from core.run.verdict import VerdictCode
from core.schedule_bench import ARMS
from core.store import ACTIVE_STATES
from core.store.reader import Axis
from core.trajectories.cells import RATIOS
from ui.charts.cloud import KINDS as KINDS_OF_CLOUD
from ui.charts.compare import FIGURES, LINEAR
from ui.claims.page import BADGES
from ui.compare.telling import COLUMNS
from ui.live.changes import SHORT
from ui.live.controls import KEYS
from ui.live.options import DEPTHS
from ui.memory.accumulation import SWITCHES
from ui.memory.depth import CHOICES as MEMORY_CHOICES
from ui.memory.page import DEVICES_MB
from ui.shell.english import ENGLISH
from ui.trajectories.depth import CHOICES as PATH_DEPTHS
from ui.trajectories.inputs import MODES, RULES

ROOT = Path(__file__).parents[3]
COMPARED_CHARTS = [f"compare_{'linear' if name in LINEAR else 'logarithmic'}.{name}" for name in FIGURES]
CHARTS = (
    "loss",
    "log_loss",
    "rate",
    "small_rate",
    "memory",
    "rss",
    "gradient",
    "rhythm",
    "confusion",
    "plane",
    "curve",
    "log_curve",
    "timeline",
    "attempts",
    "cloud",
    "law",
    "trajectory.small",
    "trajectory.large",
    "effects",
    "evidence",
    "log_evidence",
    "bench_curves",
    "bench_rates",
    "bench_tuning",
    "compare_memory",
    "weight_paths",
    *COMPARED_CHARTS,
    *(f"small_trajectory.{side}_{rate}" for side in ("small", "large") for rate in ("low", "high")),
)
SERIES = (
    "loss",
    "smoothed_loss",
    "validation_loss",
    "planned",
    "actual",
    "predicted",
    "measured",
    "done",
    "to come",
    "before",
    "class 0",
    "class 1",
    "total",
    "workspace",
    "fits",
    "too large",
    *CATEGORIES,
)
PHASES = ("forward", "backward", "optimizer", "evaluation")
CONTROLS = (*KEYS, "restart", "resume")
CAUTIONS = (
    "will_run_out",
    "one_update_per_epoch",
    "few_updates",
    "batch_norm_of_few",
    "high_rate_for_adam",
    "horizon_too_short",
    "horizon_too_short_low",
    "horizon_too_long",
)
PATH_INPUTS = ("problem", "small", "large", "rate", "rule", "seed")
PATH_MODES = [f"{rule}.{mode}" for rule in RULES for mode in MODES]
NAMED = [name for name in FIELDS if name != "budget_value"]  # whose label is that of its unit
# Keys that are put together, and the names they are put together from.
KINDS: dict[str, tuple[str, ...] | list[str]] = {
    "axis.{}": get_args(Axis),
    "bench.arm.{}": ARMS,
    "bench.about.{}": ARMS,
    "bench.batches.{}": ("same", "differs"),
    "bench.beside.{}": ("nearer", "farther"),
    "bench.exact.off.{}": ("above", "below", "none", "times"),
    "bench.told.ends.{}": ("one", "many"),
    "schedules.{}.label": ("bench_ends", "bench_beside"),
    "schedules.edge.{}": ("lowest", "highest"),
    "schedules.peaks.{}": ("tuned", "alike"),
    "schedules.table.{}": ("arm", "peak", "updates", "end", "beside", "p", "exact"),
    "caution.{}": CAUTIONS,
    "change.{}": (*SHORT, "now", "go_on"),
    "change.{}.help": ("now", "go_on"),
    "chart.{}.alt": CHARTS,
    "control.{}": CONTROLS,
    "control.{}.help": CONTROLS,
    "dataset.{}": tuple(DATASETS),
    "dataset.{}.more": tuple(DATASETS),
    "depth.{}": ("plane", *DEPTHS),
    "form.{}": NAMED,
    "form.budget_value.{}": CHOICES["budget"],
    "option.x.{}": get_args(Axis),
    "remedy.{}": ("batch_size", "drop_last.True", "drop_last.False", "norm", "model", "schedule_batch_size"),
    "series.{}": SERIES,
    "state.{}": (*END_STATES, *ACTIVE_STATES),
    "sum.{}.one": ("batch", "example", "update", "epoch", "second"),
    "sum.{}.many": ("batch", "example", "update", "epoch", "second"),
    "accumulation.{}": SWITCHES,
    "accumulation.size.{}": ("batch_size", "micro_batches"),
    "chart.attempts.{}": ("below", "above"),
    "accumulation.{}.about": SWITCHES,
    "event.{}": EVENTS,
    "box.event.{}": PHASES,
    "phase.{}": PHASES,
    "fix.{}": REMEDIES,
    "fix.effect.{}": (*REMEDIES, "accumulation.batch"),
    "memory.choice.{}": MEMORY_CHOICES,
    "memory.device.{}": tuple(DEVICES_MB),
    "memory.workspace.{}": ("verified", "estimated"),
    "search.{}": (*SEARCHES, "closed_form"),
    "path_{}.help": PATH_INPUTS,
    "path.fixed.{}": PATH_MODES,
    "path.compared.{}": PATH_MODES,
    "path.mode.{}": MODES,
    "path.more.{}": PATH_DEPTHS,
    "path.verdict.{}": ("rate", "batch", "both", "none", *RATIOS),
    "path.lessened.{}": ("rate", "batch", "both"),
    "chart.cloud.{}": KINDS_OF_CLOUD,
    "verdict.{}": [
        code for code in get_args(VerdictCode) if code not in ("out_of_memory", "failed", "diverged", "stopped")
    ],
    "verdict.{}.slow": ("converged",),
    "verdict.diverged.{}": ("nan", "infinite", "high"),
    "verdict.stopped.{}": ("falling", "level"),
    "chart.rhythm.{}": ("this", "before", "this.thinned", "before.thinned"),
}
OUTCOMES = [outcome for result in claims_results.load().claims.values() for outcome in result.outcomes]
PAIRS = [outcome for outcome in OUTCOMES if outcome.metric is not None]
SETTINGS = [(name, value) for pair in PAIRS for arm in (pair.first, pair.second) for name, value in arm.items()]
MEASURES = ("training_loss", "excess_loss")
KINDS |= {
    "claim.{}": tuple(CLAIMS),
    "claim.{}.test": TESTED,
    "claim.{}.lesson": tuple(CLAIMS),
    "arm.{}": [f"{outcome.claim}.{outcome.arm}" for outcome in OUTCOMES],
    "arm.{}.found": [f"{outcome.claim}.{outcome.arm}" for outcome in OUTCOMES if outcome.metric is None],
    "metric.{}": [pair.metric or "" for pair in PAIRS],
    "fixed.{}": [*(name for outcome in OUTCOMES for name in outcome.held_fixed), "seconds", "rate_per_root"],
    "with.{}": [f"{name}.{value}" if isinstance(value, str) else name for name, value in SETTINGS],
    "evidence.{}": [
        f"{result.code}.{axis}"
        for result in claims_results.load().claims.values()
        if result.lines
        for axis in ("x", "y", *(line.name for line in result.lines if line.name != "law"))
    ],
    "direction.{}": ("higher", "lower"),
    "{}.under": ("holds", "fails", "open"),
    "verdict_word.{}": (*BADGES,),
    "claims.tests.{}": ("one", "many", "none"),
    "compare.preset.{}": tuple(PRESETS),
    "compare.preset.{}.help": tuple(PRESETS),
    "compare.budget.{}": BUDGETS,
    "compare.rule.{}": RATE_RULES,
    "compare.{}.help": ("budget", "rule", "seeds"),
    "compare.{}": ("budget", "rule", "wins", "equal", "unclear"),
    "compare.state.{}": ("queued", "starting", "finished", "stopped", "failed"),
    "compare.arm_state.{}": get_args(ArmState),
    "compare.chart.{}": [*(name for name in FIGURES if name != "judged"), *MEASURES],
    "compare.table.{}": COLUMNS,
    "measure.{}": MEASURES,
    "axis_word.{}": BUDGETS,
}
PUT_TOGETHER = {pattern.format(name) for pattern, names in KINDS.items() for name in names}
MAY_BE_THERE = {f"{start}.{name}{end}" for name in FIELDS for start, end in (("setting", ""), ("form", ".help"))}


def sources() -> Iterator[ast.AST]:
    for room in ("ui", "pages", "core/charts", "core/claims", "core/bench"):
        for file in sorted((ROOT / room).rglob("*.py")):
            if not file.name.startswith("english"):
                yield ast.parse(file.read_text())


def said() -> set[str]:
    """Return the keys that are asked for by a plain text."""
    calls = (node for tree in sources() for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "say" and isinstance(call.args[0], ast.Constant)
    }


def texts() -> set[str]:
    """Return all texts of the app, of which some are keys."""
    nodes = (node for tree in sources() for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_word_that_is_asked_for_is_there() -> None:
    assert len(said()) > 100
    assert said() - set(ENGLISH) == set()


def test_every_name_of_a_kind_has_its_words() -> None:
    assert PUT_TOGETHER - set(ENGLISH) == set()


def test_every_word_that_is_there_is_asked_for() -> None:
    sliders = {"form.batch_size.slider", "form.memory_limit_mb.slider"}
    of_the_engine = {"not_enough_memory"}  # a code whose bytes the screen says in MiB
    assert set(ENGLISH) - texts() - PUT_TOGETHER - MAY_BE_THERE - sliders - of_the_engine == set()


def test_no_word_is_empty_and_none_has_a_value_without_a_name() -> None:
    for key, words in ENGLISH.items():
        assert words.strip(), key
        assert not re.search(r"\{\d*[:!}]", words), key

"""Draw what is below the two paths: batch size crossed with rate, and the gradients that batches give at one point."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import streamlit as st

from core.trajectories.cells import RATIOS, Cell, effects, two_by_two
from core.trajectories.noise import DRAWS, Law, Measured, cloud, law, measured
from core.trajectories.problems import PROBLEMS, Array, LossSurface, largest_rate
from ui.charts import cloud as cloud_charts
from ui.charts.trajectory import SIDES, Side, small_trajectory, trajectory_table
from ui.kit import plots
from ui.shell.text import number, rough, say
from ui.trajectories.inputs import MARKS, UPDATES, Setup, updates

CHOICES = ("cells", "cloud")
LOW, HIGH = 0.03, 0.8  # of the largest rate


def draw(setup: Setup, point: Array, update: int) -> None:
    """Draw the choice, and what is chosen; `point` is where the small batch has got with `update` updates."""
    chosen = st.segmented_control(
        say("path.more"),
        CHOICES,
        default=CHOICES[0],
        key="trajectories_more_choice",
        required=True,
        format_func=lambda name: say(f"path.more.{name}"),
        label_visibility="collapsed",
        persist_state="session",
    )
    if chosen == "cloud" and not np.isfinite(point).all():
        st.markdown(say("path.cloud.diverged", size=number(setup.small)))
    elif chosen == "cloud":
        _cloud(setup.problem, setup, point, update)
    else:
        _cells(setup.problem, setup)


@lru_cache(maxsize=16)
def _crossed(name: str, small: int, large: int, seed: int) -> list[Cell]:
    problem = PROBLEMS[name]()
    low, high = (float(f"{share * largest_rate(problem):.2g}") for share in (LOW, HIGH))
    return two_by_two(problem, batch_sizes=(small, large), rates=(low, high), updates=UPDATES, seed=seed)


def _cells(problem: LossSurface, setup: Setup) -> None:
    cells = _crossed(setup.name, setup.small, setup.large, setup.seed)
    st.markdown(_verdict(cells))
    for row, side in zip((cells[:2], cells[2:]), SIDES, strict=True):
        for place, cell, rate in zip(st.columns(2, gap="medium"), row, ("low", "high"), strict=True):
            with place:
                _cell(problem, cell, side, rate)
    st.caption(
        say(
            "path.cells.fixed",
            updates=updates(UPDATES),
            radius=f"{problem.radius:g}",
            low=f"{100 * LOW:g}",
            high=f"{100 * HIGH:g}",
        )
    )


def _cell(problem: LossSurface, cell: Cell, side: Side, rate: str) -> None:
    st.markdown(
        say("path.cells.title", mark=MARKS[side], size=number(cell.batch_size), rate=f"{cell.rate:g}"),
        unsafe_allow_html=True,
    )
    table = trajectory_table(problem, cell.path, say, side=side, shown=len(cell.path) - 1)
    plots.draw(small_trajectory, table, part=f"{side}_{rate}")
    found = cell.statistics
    arrival = (
        say("path.cells.never") if found.arrival is None else say("path.cells.arrival", updates=number(found.arrival))
    )
    st.caption(
        say(
            "path.cells.told",
            turn=f"{found.turn_degrees:.0f}",
            length=rough(found.mean_length),
            spread=rough(found.spread),
            arrival=arrival,
        )
    )


def _verdict(cells: Sequence[Cell]) -> str:
    """Say which factor makes which picture, from what was measured."""
    first, last = cells[0], cells[3]
    values = {
        "low": f"{first.rate:g}",
        "high": f"{last.rate:g}",
        "small": number(first.batch_size),
        "large": number(last.batch_size),
    }
    parts = [say("path.verdict", **values)]
    for name, effect in effects(cells).items():
        factors = {"by_rate": _factor(effect.by_rate), "by_batch": _factor(effect.by_batch)}
        less = "" if effect.lessened_by == "none" else say(f"path.lessened.{effect.lessened_by}")
        made = say(f"path.verdict.{name}", made_by=say(f"path.verdict.{effect.made_by}"), **factors, **values)
        parts.append(made + less + (";" if name == RATIOS[0] else "."))
    return " ".join(parts)


def _factor(by: float) -> str:
    """Return what something is multiplied or divided by, in two digits."""
    factor = rough(max(by, 1 / by))
    return say(
        "path.factor.one" if factor == "1" else "path.factor.times" if by > 1 else "path.factor.over", factor=factor
    )


def _cloud(problem: LossSurface, setup: Setup, point: Array, update: int) -> None:
    st.markdown(say("path.cloud.about", draws=number(DRAWS), updates=updates(update), size=number(setup.small)))
    theory, found = law(problem, point), measured(problem, point, seed=setup.seed)
    sizes = {"one": 1} if setup.small > 1 else {}
    sizes |= {"small": setup.small, "large": setup.large}
    clouds = {kind: (size, cloud(problem, point, size, seed=setup.seed)) for kind, size in sizes.items()}
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(say("path.cloud.title"))
        plots.draw(cloud_charts.cloud, cloud_charts.cloud_table(clouds, theory, problem.gradient(point), say))
    with right:
        st.markdown(say("path.law.title"))
        plots.draw(cloud_charts.law, cloud_charts.law_table(theory, found, say))
    st.markdown(_law(theory, found))
    st.markdown(_table(theory, found))


def _law(theory: Law, found: Sequence[Measured]) -> str:
    near = sum(abs(each.errors_off(theory)) <= 2 for each in found)
    values = {"gradient": f"{theory.gradient_squared:.3g}", "variance": f"{theory.variance:.3g}"}
    return say("path.law.told", near=near, count=len(found), examples=number(theory.examples), **values)


def _table(theory: Law, found: Sequence[Measured]) -> str:
    head = [say("path.law.size"), say("path.law.predicted"), say("path.law.measured"), say("path.law.error")]
    rows = [
        [
            number(each.batch_size),
            f"{theory.mean_squared(each.batch_size):.4g}",
            f"{each.mean_squared:.4g}",
            f"{each.standard_error:.2g}" if theory.share(each.batch_size) else "0",
        ]
        for each in found
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---:"] * 4, *rows])

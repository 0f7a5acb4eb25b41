"""Draw the part below the two paths: batch size crossed with rate, or the gradients of batches at one point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import streamlit as st

from core.trajectories.cells import Cell, effects, two_by_two
from core.trajectories.noise import DRAWS, Law, Measured, cloud, law, measured
from core.trajectories.problems import PROBLEMS, Array, LossSurface, largest_rate
from ui.charts import cloud as cloud_charts
from ui.charts.trajectory import SIDES, Side, small_trajectory, trajectory_table
from ui.kit import plots
from ui.kit.choice import choice
from ui.shell.text import count, number, percent, rough, say, words
from ui.trajectories.inputs import MARKS, UPDATES, Setup, caption_of

CHOICES = ("cells", "cloud")
LOW, HIGH = 0.03, 0.8  # shares of the largest rate that can settle


def draw(setup: Setup, point: Array, update: int) -> None:
    """Draw the choice and the chosen part; `point` holds the weights of the small batch after `update` updates."""
    chosen = choice(
        say("trajectories.more"),
        CHOICES,
        lambda name: say(f"trajectories.more.{name}"),
        key="trajectories_more_choice",
    )
    if chosen == "cloud" and not np.isfinite(point).all():
        st.markdown(say("trajectories.cloud.diverged", size=number(setup.small)))
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
                _cell(problem, setup, cell, side, rate)
    shares = {"low": percent(LOW), "high": percent(HIGH)}
    st.caption(say("trajectories.cells.fixed", updates=UPDATES, radius=number(problem.radius), **shares))


def _cell(problem: LossSurface, setup: Setup, cell: Cell, side: Side, rate: str) -> None:
    st.markdown(
        say("trajectories.cells.title", mark=MARKS[side], size=number(cell.batch_size), rate=number(cell.rate)),
        unsafe_allow_html=True,
    )
    caption = caption_of(setup.name, cell.batch_size, cell.rate)
    table = trajectory_table(problem, cell.path, say, side=side, shown=len(cell.path) - 1, caption=caption)
    plots.draw(small_trajectory, table, part=f"{side}_{rate}")
    found = cell.statistics
    sentences = [
        say("trajectories.cells.turns", turn=found.turn_degrees, length=rough(found.mean_length)),
        say("trajectories.cells.never")
        if found.arrival is None
        else count("trajectories.cells.arrival", found.arrival),
        say("trajectories.cells.swing", spread=rough(found.spread)),
    ]
    st.caption(" ".join(sentences))


def _verdict(cells: Sequence[Cell]) -> str:
    """Return which factor makes which picture of the article, from the measurements."""
    first, last = cells[0], cells[3]
    rates = {"low": number(first.rate), "high": number(last.rate)}
    sizes = {"small": number(first.batch_size), "large": number(last.batch_size)}
    sentences = [say("trajectories.article")]
    for name, effect in effects(cells).items():
        sentences += [
            _factor("by_rate", name, effect.by_rate, rates),
            _factor("by_batch", name, effect.by_batch, sizes),
            say(f"trajectories.made_by.{name}.{effect.made_by}"),
        ]
    return " ".join(sentences)


def _factor(cause: str, name: str, by: float, settings: Mapping[str, str]) -> str:
    """Return the sentence on a factor, which has two digits."""
    factor = rough(max(by, 1 / by))
    direction = "same" if factor == rough(1) else "more" if by > 1 else "less"
    return say(f"trajectories.{cause}.{name}.{direction}", factor=factor, **settings)


def _cloud(problem: LossSurface, setup: Setup, point: Array, update: int) -> None:
    st.markdown(count("trajectories.cloud.about", update, draws=number(DRAWS), size=number(setup.small)))
    theory, found = law(problem, point), measured(problem, point, seed=setup.seed)
    sizes = {"single": 1} if setup.small > 1 else {}
    sizes |= {"small": setup.small, "large": setup.large}
    clouds = {kind: (size, cloud(problem, point, size, seed=setup.seed)) for kind, size in sizes.items()}
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(say("trajectories.cloud.title"))
        plots.draw(cloud_charts.cloud, cloud_charts.cloud_table(clouds, theory, problem.gradient(point), words()))
    with right:
        st.markdown(say("trajectories.law.title"))
        plots.draw(cloud_charts.law, cloud_charts.law_table(theory, found, words()))
    st.markdown(_law(theory, found))
    st.markdown(_table(theory, found))


def _law(theory: Law, found: Sequence[Measured]) -> str:
    near = sum(abs(each.errors_off(theory)) <= 2 for each in found)
    values = {"gradient": theory.gradient_squared, "variance": theory.variance, "examples": number(theory.examples)}
    return say("trajectories.law.formula", near=near, count=len(found), **values)


def _table(theory: Law, found: Sequence[Measured]) -> str:
    head = [say(f"trajectories.law.{name}") for name in ("size", "predicted", "measured", "error")]
    rows = [
        [
            number(each.batch_size),
            words().formatted(theory.mean_squared(each.batch_size), ".4g"),
            words().formatted(each.mean_squared, ".4g"),
            words().formatted(each.standard_error, ".2g") if theory.share(each.batch_size) else number(0),
        ]
        for each in found
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---:"] * 4, *rows])

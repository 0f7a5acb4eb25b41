"""Draw the paths of a high, a low and a falling rate over one surface, and compare where they end."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import streamlit as st

from core.run.choices.schedules import factor
from core.trajectories.paths import trajectory
from core.trajectories.problems import PROBLEMS, Array, largest_rate
from ui.charts.trajectory import paths_table, rates_trajectory
from ui.kit import plots, quotes
from ui.shell.text import number, percent, rough, say, times
from ui.trajectories.inputs import UPDATES, Setup

HIGH, LOW = 0.4, 0.03  # shares of the largest rate that can settle


def draw(setup: Setup, position: int) -> None:
    """Draw the three paths up to a position, what each does, and the same question in a real training."""
    problem, paths = setup.problem, _paths(setup.name, setup.small, setup.seed)
    above = {name: float(problem.loss(path[position]) - problem.loss(problem.optimum)) for name, path in paths.items()}
    high, low = (number(rate) for rate in _rates(setup.name))
    shares = {"high_share": percent(HIGH), "low_share": percent(LOW)}
    st.caption(say("trajectories.rates.fixed", size=number(setup.small), high=high, low=low, **shares))
    plots.draw(rates_trajectory, paths_table(problem, paths, say, shown=position))
    losses = {name: rough(loss) for name, loss in above.items()}
    st.markdown(say("trajectories.rates.losses", updates=number(position), **losses))
    if position == UPDATES and min(above.values()) == above["falling"] > 0:
        ratios = {name: times(above[name] / above["falling"]) for name in ("high", "low")}
        st.markdown(say("trajectories.rates.ends", **ratios))
    quotes.fall("trajectories")


def _rates(problem: str) -> tuple[float, float]:
    """Return the high and the low rate, as shares of the largest one that can settle."""
    limit = largest_rate(PROBLEMS[problem]())
    return float(f"{HIGH * limit:.2g}"), float(f"{LOW * limit:.2g}")


@lru_cache(maxsize=16)
def _paths(problem: str, batch_size: int, seed: int) -> dict[str, Array]:
    high, low = _rates(problem)
    falling = high * np.array([factor("cosine", update, UPDATES) for update in range(UPDATES)])
    return {
        name: trajectory(PROBLEMS[problem](), batch_size=batch_size, rate=rate, updates=UPDATES, seed=seed)
        for name, rate in (("high", high), ("low", low), ("falling", falling.tolist()))
    }

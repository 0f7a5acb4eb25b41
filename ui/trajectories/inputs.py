"""Draw the inputs of the trajectories page, and say what they hold fixed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from core.trajectories.paths import trajectory
from core.trajectories.problems import EXAMPLES, PROBLEMS, Array, LossSurface, largest_rate
from ui.charts.trajectory import SIDE_COLOURS, SIDES, Side
from ui.shell.session import Session
from ui.shell.text import coloured, count, number, say, words
from ui.trajectories.state import TrajectoriesState

UPDATES = 256
SMALL, LARGE = (1, 2, 4, 8, 16, 32), (64, 128, 256, 512, 1_024)
RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 1.8, 1.9, 2.1)
VIEWS = ("batches", "rates")  # two batch sizes side by side, or three rates over each other
RULES = ("same", "scaled")  # rules for the rate of the large batch
MODES = ("updates", "epochs")  # both batch sizes train for equally many of these
MARKS: dict[Side, str] = {  # the marks of the charts
    side: coloured(mark, colour) for side, colour, mark in zip(SIDES, SIDE_COLOURS, "\u25cf\u25a0", strict=True)
}


@dataclass(frozen=True)
class Setup:
    """The values of the inputs."""

    name: str
    small: int
    large: int
    rate: float
    rule: str
    seed: int
    view: str = "batches"

    @property
    def problem(self) -> LossSurface:
        return PROBLEMS[self.name]()

    def batch_size(self, side: Side) -> int:
        return self.small if side == "small" else self.large

    def rate_of(self, side: Side) -> float:
        """Return the rate of a batch size; under the scaled rule it grows with the batch size."""
        scaled = side == "large" and self.rule == "scaled"
        return self.rate * self.large / self.small if scaled else self.rate

    def path(self, side: Side) -> Array:
        return _path(self.name, self.batch_size(side), self.rate_of(side), self.seed)


def caption_of(name: str, batch_size: int, rate: float) -> str:
    """Return the settings that a picture of a path should name."""
    problem = say(f"trajectories.problem.{name}")
    return say("trajectories.caption", problem=problem, size=batch_size, rate=number(rate))


@lru_cache(maxsize=64)
def _path(name: str, batch_size: int, rate: float, seed: int) -> Array:
    found = trajectory(PROBLEMS[name](), batch_size=batch_size, rate=rate, updates=UPDATES, seed=seed)
    found.flags.writeable = False
    return found


def title() -> None:
    """Draw the title and a caption."""
    with st.container(key="trajectories_head"):
        st.title(say("page.trajectories"), anchor=False)
        st.caption(say("trajectories.about", examples=number(EXAMPLES)))


def inputs(session: Session) -> Setup:
    """Draw the inputs in a row; the URL holds them too."""
    with st.container(horizontal=True, vertical_alignment="top", key="trajectories_inputs"):
        view = _segments(session, "view", VIEWS)
        name = _segments(session, "problem", tuple(PROBLEMS))
        small = _slider("small", SMALL, 8)
        large, rate, rule = 128.0, 0.1, RULES[0]
        if view == "batches":
            large, rate = _slider("large", LARGE, large), _slider("rate", RATES, rate)
            rule = _segments(session, "rule", RULES)
        seed = st.number_input(
            say("trajectories.seed"),
            1,
            9_999,
            key="path_seed",
            bind="query-params",
            persist_state="session",
            width=130,
            help=say("trajectories.seed.help"),
        )
    return Setup(name, int(small), int(large), rate, rule, int(seed), view)


def _segments(session: Session, name: str, options: tuple[str, ...]) -> str:
    """Draw a choice of codes; the URL holds the code unless it is the first one.

    The widget is not bound to the URL, because a bound widget writes its label, which depends on the language.
    """
    key, choices = f"path_{name}", session.state(TrajectoriesState).choices
    given = st.query_params.get(key) or choices.get(name)
    session.set_field(key, session.field(key, given if given in options else options[0]))
    chosen: str | None = st.segmented_control(
        say(f"trajectories.{name}"),
        options,
        key=key,
        required=True,
        format_func=lambda code: say(f"trajectories.{name}.{code}"),
        help=say(f"trajectories.{name}.help", examples=number(EXAMPLES)),
        width="content",
    )
    choices[name] = code = chosen or options[0]
    if code == options[0]:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != code:
        st.query_params[key] = code
    return code


def _slider(name: str, stops: tuple[float, ...], default: float) -> float:
    return st.select_slider(
        say(f"trajectories.{name}"),
        stops,
        default,
        key=f"path_{name}",
        bind="query-params",
        persist_state="session",
        width=215,
        help=say(f"trajectories.{name}.help", examples=number(EXAMPLES)),
    )


def held_fixed(setup: Setup, mode: str) -> None:
    """Say what both batch sizes share, and which rates are too high for any batch size."""
    limit, rates = largest_rate(setup.problem), (setup.rate, setup.rate_of("large"))
    shared = say(f"trajectories.fixed.{setup.rule}.{mode}", rate=number(rates[0]), large_rate=number(rates[1]))
    beyond = [number(rate) for rate in dict.fromkeys(rates) if rate >= limit]
    if beyond:
        stability = count("trajectories.beyond", len(beyond), rates=words().listed(beyond), limit=limit)
    else:
        stability = say("trajectories.limit", limit=limit)
    st.caption(f"{shared} {stability}")

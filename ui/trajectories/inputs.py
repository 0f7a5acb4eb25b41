"""Draw what can be set on the page of trajectories, and say what that holds fixed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from core.trajectories.paths import trajectory
from core.trajectories.problems import EXAMPLES, PROBLEMS, Array, LossSurface, largest_rate
from ui.charts.trajectory import SIDE_COLOURS, SIDES, Side
from ui.shell.text import coloured, number, say

UPDATES = 256
SMALL, LARGE = (1, 2, 4, 8, 16, 32), (64, 128, 256, 512, 1_024)
RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 1.8, 1.9, 2.1)
RULES, MODES = ("same", "scaled"), ("updates", "epochs")  # rates of the two, and what is equal where they stand
MARKS: dict[Side, str] = {  # as on the charts
    side: coloured(mark, colour) for side, colour, mark in zip(SIDES, SIDE_COLOURS, "\u25cf\u25a0", strict=True)
}


@dataclass(frozen=True)
class Setup:
    """What the inputs say."""

    name: str
    small: int
    large: int
    rate: float
    rule: str
    seed: int

    @property
    def problem(self) -> LossSurface:
        return PROBLEMS[self.name]()

    def batch_size(self, side: Side) -> int:
        return self.small if side == "small" else self.large

    def rate_of(self, side: Side) -> float:
        """Return the rate of a batch size: the large one's may be as many times the small one's as it is larger."""
        scaled = side == "large" and self.rule == "scaled"
        return self.rate * self.large / self.small if scaled else self.rate

    def path(self, side: Side) -> Array:
        return _path(self.name, self.batch_size(side), self.rate_of(side), self.seed)


@lru_cache(maxsize=64)
def _path(name: str, batch_size: int, rate: float, seed: int) -> Array:
    found = trajectory(PROBLEMS[name](), batch_size=batch_size, rate=rate, updates=UPDATES, seed=seed)
    found.flags.writeable = False
    return found


def updates(count: int) -> str:
    """Return a number of updates in words."""
    return say("path.updates.one" if count == 1 else "path.updates", count=number(count))


def title() -> None:
    """Draw the title, and what the pictures are."""
    with st.container(key="trajectories_head"):
        st.title(say("page.trajectories"), anchor=False)
        st.caption(say("path.about", examples=number(EXAMPLES)))


def inputs() -> Setup:
    """Draw what can be set, in a row; all of it is in the address too."""
    with st.container(horizontal=True, vertical_alignment="top", key="trajectories_inputs"):
        name = _segments("path_problem", tuple(PROBLEMS))
        small = _slider("path_small", SMALL, 8)
        large = _slider("path_large", LARGE, 128)
        rate = _slider("path_rate", RATES, 0.1)
        rule = _segments("path_rule", RULES)
        seed = st.number_input(
            say("path_seed"),
            1,
            9_999,
            key="path_seed",
            bind="query-params",
            persist_state="session",
            width=130,
            help=say("path_seed.help"),
        )
    return Setup(name, int(small), int(large), rate, rule, int(seed))


def _segments(key: str, options: tuple[str, ...]) -> str:
    chosen: str | None = st.segmented_control(
        say(key),
        options,
        default=options[0],
        key=key,
        required=True,
        bind="query-params",
        persist_state="session",
        help=say(f"{key}.help", examples=number(EXAMPLES)),
        width="content",
    )
    return chosen or options[0]


def _slider(key: str, stops: tuple[float, ...], default: float) -> float:
    return st.select_slider(
        say(key),
        stops,
        default,
        key=key,
        bind="query-params",
        persist_state="session",
        width=215,
        help=say(f"{key}.help", examples=number(EXAMPLES)),
    )


def held_fixed(setup: Setup, mode: str) -> None:
    """Say what is the same for both batch sizes, and what rate is too high for any."""
    limit, highest = largest_rate(setup.problem), setup.rate_of("large")
    beyond = dict.fromkeys(f"{rate:,.4g}" for rate in (setup.rate, highest) if rate >= limit)
    rates = {"rate": number(setup.rate), "large_rate": f"{highest:,.4g}"}
    fixed = say(f"path.fixed.{setup.rule}.{mode}", **rates)
    told = say("path.limit", limit=f"{limit:.3g}")
    if beyond:
        are = say("path.beyond.is" if len(beyond) == 1 else "path.beyond.are", rates=say("path.and").join(beyond))
        told = say("path.beyond", rates=are, limit=f"{limit:.3g}")
    st.caption(f"{fixed} {told}")

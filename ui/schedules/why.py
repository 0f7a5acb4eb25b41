"""Draw why a rate goes from large to small: a high, a low and a falling rate, as Compare recorded them."""

from __future__ import annotations

import streamlit as st

from core.comparison.fall import fall
from core.words.errors import BatchLabError
from ui.charts.compare import JUDGED, compare_logarithmic, comparison_table, heading
from ui.kit import plots, quotes
from ui.shell.problems import reasons
from ui.shell.text import count, number, say


def draw() -> None:
    """Draw the gain of the falling rate and, beside it, the loss of all three."""
    try:
        recorded = fall().recorded
    except BatchLabError as error:
        st.warning(reasons(error.problems), icon=":material/warning:")
        return
    arms = zip(("high", "low", "falling"), recorded.comparison.arms, strict=True)
    names = [say(f"fall.{name}", rate=number(arm.lr)) for name, arm in arms]
    first = recorded.comparison.arms[0]
    settings = count("compare.chart.settings", recorded.comparison.seeds, dataset=first.dataset, model=first.model)
    told = (heading(JUDGED, recorded.courses, say), settings, *names)
    with st.container(border=True, key="schedules_why"):
        left, right = st.columns([5, 7], gap="medium", vertical_alignment="center")
        with left:
            quotes.fall("schedules")
        with right:
            table = comparison_table(JUDGED, recorded.courses, names, say, axis="epochs")
            plots.draw(compare_logarithmic, table, part=JUDGED, names=told)

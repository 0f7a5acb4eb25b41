"""Build the tables of the comparison, and say what was held fixed and what the model is."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from core.schedule_bench.arms import (
    ARMS,
    CONSTANT,
    DIRECTIONS,
    EPOCHS,
    EXAMPLES,
    ONE_RATE,
    RATES,
    TUNING_SEEDS,
    WEIGHT_DECAY,
)
from core.schedule_bench.plans import rate_plan
from core.schedule_bench.results import Bench, Compared, Trained
from core.schedule_bench.telling import error_text, relative_distance, times
from core.science.telling import p_text
from ui.shell.text import number, percent, say, words


def ends(batch_size: int, trained: Mapping[str, Trained], against: Mapping[str, Compared], chosen: str) -> str:
    """Return a row for each schedule: its peak, its end, its ratio to the constant rate, and the model's error."""
    names = ("arm", "peak", "updates", "end", "ratio", "p", "exact")
    rows = [_row([say(f"schedules.table.{name}") for name in names], cell="th")]
    for arm in ARMS:
        each, compared = trained[arm], against.get(arm)
        cells = [
            say(f"schedules.arm.{arm}"),
            number(each.peak),
            number(rate_plan(arm, batch_size).updates),
            _end(each),
            _ratio(compared),
            p_text(compared.p_adjusted, words()) if compared else "",
            error_text(each.off, words()) if each.end is not None else "",
        ]
        rows.append(_row(cells, is_chosen=arm == chosen))
    return _table(rows, "ends")


def by_batch(benches: Sequence[Bench], arm: str) -> str:
    """Return how a schedule ends against the constant rate at each batch size, with tuned rates and with one rate."""
    name = say("schedules.by_batch.name", arm=say(f"schedules.arm.{arm}"))
    sizes = [say("schedules.by_batch.size", size=number(bench.batch_size)) for bench in benches]
    tuned = [relative_distance(bench.against[arm], words()) for bench in benches]
    alike = [relative_distance(bench.against_alike[arm], words()) for bench in benches]
    rows = [
        _row([name, *sizes], cell="th"),
        _row([say("schedules.by_batch.tuned"), *tuned]),
        _row([say("schedules.by_batch.alike", rate=number(ONE_RATE)), *alike]),
    ]
    return _table(rows, "by_batch")


def held_fixed(bench: Bench) -> str:
    """Return what all schedules share and how they were compared."""
    return say(
        "schedules.fixed",
        examples=EPOCHS * EXAMPLES,
        epochs=EPOCHS,
        tries=len(RATES),
        seeds=TUNING_SEEDS,
        decay=number(WEIGHT_DECAY),
        pairs=len(bench.seeds),
        tests=len(bench.against),
    )


def model_text(bench: Bench, smallest: Bench) -> str:
    """Return what the noisy quadratic model consists of and where it agrees with the measurement."""
    start = bench.tuned[CONSTANT]
    worst = max(abs(each.off) for each in smallest.alike.values())
    return say(
        "schedules.model.text",
        directions=DIRECTIONS,
        curvature=bench.curvature,
        limit=2 / bench.curvature,
        start=start.middle[0],
        exact_start=start.exact[0],
        rate=number(ONE_RATE),
        size=number(smallest.batch_size),
        worst=percent(worst),
    )


def _end(each: Trained) -> str:
    if each.end is None or each.end_low is None or each.end_high is None:
        return say("schedules.table.diverged", count=each.diverged, seeds=len(each.ends))
    return say("schedules.table.end_range", value=each.end, low=each.end_low, high=each.end_high)


def _ratio(compared: Compared | None) -> str:
    if compared is None:
        return ""
    ratio, low, high = relative_distance(compared, words()), compared.low, compared.high
    if low is None or high is None or low == high:
        return ratio
    if compared.ratio is not None and compared.ratio < 1:
        low, high = 1 / high, 1 / low
    return say("schedules.table.ratio_range", value=ratio, low=times(low, words()), high=times(high, words()))


def _row(cells: Sequence[str], *, cell: str = "td", is_chosen: bool = False) -> str:
    inner = "".join(f"<{cell}>{html.escape(text)}</{cell}>" for text in cells)
    return f"<tr class='chosen'>{inner}</tr>" if is_chosen else f"<tr>{inner}</tr>"


def _table(rows: Sequence[str], name: str) -> str:
    label = html.escape(say(f"schedules.{name}.label"))
    inner = f"<table class='results schedules_{name}'>{''.join(rows)}</table>"
    return f"<div class='wide' role='region' tabindex='0' aria-label='{label}'>{inner}</div>"  # focusable: it scrolls

"""Put what came out of the bench of schedules into tables, and say what was held fixed and what the model is."""

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
from core.schedule_bench.courses import course
from core.schedule_bench.results import Bench, Compared, Trained
from core.schedule_bench.telling import beside, off_text, times
from core.science.telling import p_text
from ui.shell.text import number, say, words


def ends(batch_size: int, trained: Mapping[str, Trained], against: Mapping[str, Compared], chosen: str) -> str:
    """Return a row for each schedule: its peak, its end, how that is beside the constant rate, what was expected."""
    names = ("arm", "peak", "updates", "end", "beside", "p", "exact")
    rows = [_row([say(f"schedules.table.{name}") for name in names], cell="th")]
    for arm in ARMS:
        each, compared = trained[arm], against.get(arm)
        cells = [
            say(f"bench.arm.{arm}"),
            f"{each.peak:g}",
            number(course(arm, batch_size).updates),
            _end(each),
            _beside(compared),
            p_text(compared.p_adjusted, words()) if compared else "",
            off_text(each.off) if each.end is not None else "",
        ]
        rows.append(_row(cells, is_chosen=arm == chosen))
    return _table(rows, "ends")


def by_batch(benches: Sequence[Bench], arm: str) -> str:
    """Return how a schedule ends beside the constant rate at each batch size, with tuned rates and with one."""
    name = say("schedules.beside", arm=say(f"bench.arm.{arm}"))
    sizes = [say("schedules.batch.option", size=number(bench.batch_size)) for bench in benches]
    tuned = [beside(bench.against[arm], say) for bench in benches]
    alike = [beside(bench.against_alike[arm], say) for bench in benches]
    rows = [
        _row([name, *sizes], cell="th"),
        _row([say("bench.beside.tuned"), *tuned]),
        _row([say("bench.beside.alike", rate=number(ONE_RATE)), *alike]),
    ]
    return _table(rows, "beside")


def held_fixed(bench: Bench) -> str:
    """Return what all schedules had in common, and how they were compared."""
    return say(
        "schedules.fixed",
        examples=number(EPOCHS * EXAMPLES),
        epochs=EPOCHS,
        tries=len(RATES),
        seeds=TUNING_SEEDS,
        decay=f"{WEIGHT_DECAY:g}",
        pairs=len(bench.seeds),
        tests=len(bench.against),
    )


def model_text(bench: Bench, smallest: Bench) -> str:
    """Return what the noisy quadratic model is made of, and where it agrees with what was measured."""
    start = bench.tuned[CONSTANT]
    worst = max(abs(each.off) for each in smallest.alike.values())
    return say(
        "schedules.model.text",
        directions=DIRECTIONS,
        curvature=f"{bench.curvature:.2g}",
        limit=f"{2 / bench.curvature:.0f}",
        start=f"{start.middle[0]:.2g}",
        exact_start=f"{start.exact[0]:.2g}",
        rate=number(ONE_RATE),
        size=number(smallest.batch_size),
        worst=f"{100 * worst:.0f}",
    )


def _end(each: Trained) -> str:
    if each.end is None or each.end_low is None or each.end_high is None:
        return say("schedules.table.diverged", count=each.diverged, seeds=len(each.ends))
    values = {"value": each.end, "low": each.end_low, "high": each.end_high}
    return say("schedules.table.with_range", **{name: f"{value:.2g}" for name, value in values.items()})


def _beside(compared: Compared | None) -> str:
    if compared is None:
        return ""
    said, low, high = beside(compared, say), compared.low, compared.high
    if low is None or high is None or low == high:
        return said
    if compared.ratio is not None and compared.ratio < 1:
        low, high = 1 / high, 1 / low
    return say("schedules.table.with_range", value=said, low=times(low), high=times(high))


def _row(cells: Sequence[str], *, cell: str = "td", is_chosen: bool = False) -> str:
    inner = "".join(f"<{cell}>{html.escape(text)}</{cell}>" for text in cells)
    return f"<tr class='chosen'>{inner}</tr>" if is_chosen else f"<tr>{inner}</tr>"


def _table(rows: Sequence[str], name: str) -> str:
    label = html.escape(say(f"schedules.bench_{name}.label"))
    inner = f"<table class='results schedules_{name}'>{''.join(rows)}</table>"
    return f"<div class='wide' role='region' tabindex='0' aria-label='{label}'>{inner}</div>"  # it can be scrolled

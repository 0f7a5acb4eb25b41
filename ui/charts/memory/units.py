"""Write sizes of memory on charts, each in the unit that fits it, with ticks at multiples of a power of two."""

from __future__ import annotations

from typing import Any

import altair as alt

from ui.charts.style import Channel

MOST_TICKS = 6


def text(value: str) -> str:
    """Return the Vega expression that writes a number of MiB as `Catalogue.mib` does, without zeros at its end."""
    size = f"abs({value})"
    return (
        f"!isValid({value}) ? '' : {value} == 0 ? '0' : {size} >= 1024 ? format({value} / 1024, ',.4~g') + ' GiB' : "
        f"{size} >= 0.1 ? format({value}, ',.2~f') + ' MiB' : {size} * 1024 >= 1 ? format({value} * 1024, ',.1~f') + "
        f"' KiB' : format({value} * 1048576, ',.0f') + ' B'"
    )


def axis(channel: Channel, **options: Any) -> Channel:
    """Give a channel of MiB a linear axis with labels such as 0, 512 KiB and 1 MiB."""
    low, high = (f"domain('{'x' if isinstance(channel, alt.X) else 'y'}')[{end}]" for end in (0, 1))
    step = f"pow(2, ceil(log(({high} - {low}) / {MOST_TICKS}) / LN2))"
    ticks = alt.expr(f"sequence(ceil({low} / {step}) * {step}, {high} + {step} / 1000, {step})")
    return channel.axis(values=ticks, labelExpr=text("datum.value"), **options)


def log_axis(channel: Channel, **options: Any) -> Channel:
    """Give a channel of MiB a logarithmic axis with labels at powers of four."""
    ticks = [4.0**power for power in range(-7, 10)]
    return channel.axis(values=ticks, labelExpr=text("datum.value"), **options)


def written(chart: alt.Chart, *fields: str) -> alt.Chart:
    """Add the text of each field of MiB to the rows of a chart, for `tooltip`."""
    texts = {
        f"{field}_text": text(f"datum.{field}" if field.isidentifier() else f"datum['{field}']") for field in fields
    }
    made: alt.Chart = chart.transform_calculate(**texts)
    return made


def tooltip(field: str, title: str) -> alt.Tooltip:
    """Return the line of a tooltip for a field that `written` has added."""
    return alt.Tooltip(f"{field}_text:N", title=title)

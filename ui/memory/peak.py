"""Draw the predicted memory of a run: cards, the curve against the batch size, and its linear pieces."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import streamlit as st

from core.forecast.records import Curve, Piece
from core.run.config import RunConfig
from core.run.events import Prediction
from core.run.fields import BATCH_SIZES
from core.run.timeline import plain_operation
from core.words.errors import BatchLabError, StoreError
from ui.charts.memory import curve as curve_chart
from ui.charts.memory.curve_table import curve_table, readable_curve
from ui.kit import card, plots, sparks
from ui.kit.card import Card
from ui.memory import devices
from ui.shell.engine import engine
from ui.shell.problems import reasons
from ui.shell.text import count, mib, number, say, words

RUNS_READ = 200
FAR = 10  # multiple of the batch size; a longer curve would hide the part around the batch size


@dataclass(frozen=True)
class Known:
    """The answers of the engine so far, or the reason why there are none."""

    prediction: Prediction | None
    curve: Curve | None
    trouble: str | None

    @property
    def waits(self) -> bool:
        return self.trouble is None and (self.prediction is None or self.curve is None)


def ask(config: RunConfig, *, wait_s: float = 0.0) -> Known:
    """Ask for prediction and curve at once, and wait up to `wait_s` for both."""
    until = time.monotonic() + wait_s
    try:
        shared = engine()
        sizes = sizes_of(config)
        shared.curve(config, sizes)
        prediction = shared.prediction(config, wait_s=wait_s)
        return Known(prediction, shared.curve(config, sizes, wait_s=max(until - time.monotonic(), 0.0)), None)
    except BatchLabError as error:
        return Known(None, None, reasons(error.problems))


def sizes_of(config: RunConfig) -> list[int]:
    """Return the batch sizes at which the curve is computed: usual ones, this one and the whole data set."""
    most = config.spec.examples
    return sorted({size for size in BATCH_SIZES if size <= most} | {most, config.batch_size})


def numbers(config: RunConfig, known: Known) -> None:
    """Draw the cards."""
    with st.container(key="memory_cards"):
        st.html(card.html([_need(config, known), _fits(config, known), _fixed(known), _each(config, known)]))


def _need(config: RunConfig, known: Known) -> Card:
    label, help_ = say("memory.need", size=number(config.batch_size)), say("memory.need.help")
    if known.prediction is None:
        return Card(label, say("none"), say("card.peak.asking"), help_)
    peak = known.prediction.peak
    detail = say("memory.need.detail", tensors=mib(peak.tensor_bytes), workspace=mib(peak.workspace_bytes))
    return Card(label, mib(peak.bytes), detail, help_, sparks.against_limit(peak.bytes, config.memory_limit_bytes))


def _fits(config: RunConfig, known: Known) -> Card:
    label, help_ = say("memory.fits"), say("memory.fits.help")
    if known.prediction is None:
        return Card(label, say("none"), say("card.peak.asking"), help_)
    largest, limit = known.prediction.largest_batch_size, config.memory_limit_bytes
    key = "memory.fits.all" if largest == config.spec.examples else "memory.fits.value"
    value = say(key, size=number(largest)) if largest else say("memory.fits.none")
    if limit is None:
        return Card(label, value, say("memory.fits.no_limit"), help_)
    key = "memory.fits.detail.margin" if config.memory_margin_bytes else "memory.fits.detail"
    return Card(label, value, say(key, limit=mib(limit), margin=mib(config.memory_margin_bytes)), help_)


def _fixed(known: Known) -> Card:
    label, help_ = say("memory.fixed"), say("memory.fixed.help")
    if known.curve is None:
        return Card(label, say("none"), say("card.peak.asking"), help_)
    return Card(label, mib(sum(known.curve.resting.values())), say("memory.fixed.detail"), help_)


def _each(config: RunConfig, known: Known) -> Card:
    label, help_ = say("memory.each"), say("memory.each.help")
    piece = _here(known.curve, config.batch_size)
    if piece is None:
        return Card(label, say("none"), say("card.peak.asking") if known.waits else "", help_)
    return Card(label, mib(piece.per_example_bytes), say(f"memory.each.{piece.event}"), help_)


def curve(config: RunConfig, known: Known, measured: list[tuple[int, int]]) -> None:
    """Draw the peak against the batch size, with the peaks of finished runs."""
    with st.container(border=True, key="curve"):
        logarithmic = st.toggle(say("memory.log"), key="log_curve", persist_state="session")
        shown = known.curve if logarithmic or known.curve is None else _around(known.curve, config.batch_size)
        limit, here = config.memory_limit_bytes, config.batch_size
        caption = setup_caption(config)
        table = curve_table(shown, limit, measured, words(), batch_size=here, caption=caption)
        chart = curve_chart.log_curve if logarithmic else curve_chart.curve
        plots.draw(chart, table, readable=readable_curve(table, words()))
        st.caption(count("memory.measured", len(measured)) if measured else say("memory.measured.none"))


def setup_caption(config: RunConfig, *, size: int | None = None) -> str:
    """Return the settings that a picture of a chart should name; `size` is the batch size, if it has only one."""
    facts = {name: getattr(config, name) for name in ("dataset", "model", "optimizer", "precision")}
    if size is None:
        return say("chart.setup.caption", **facts)
    return say("chart.setup.caption.size", size=number(size), **facts)


def _around(curve: Curve, batch_size: int) -> Curve:
    """Return the part of a curve to show on a linear axis: up to twice the larger of here and the largest that fits."""
    end = 2 * max(batch_size, min(curve.largest_batch_size, FAR * batch_size))
    beyond = [point.batch_size for point in curve.points if point.batch_size >= end]
    last = min(beyond, default=curve.points[-1].batch_size if curve.points else 0)
    return replace(curve, points=tuple(point for point in curve.points if point.batch_size <= last))


def runs_on(config: RunConfig) -> list[tuple[int, int]]:
    """Return batch sizes and measured peaks in bytes of finished runs with the same memory curve as these settings."""
    found: dict[int, int] = {}
    try:
        records = engine().store.runs(RUNS_READ)
    except StoreError:
        return []
    wanted = config.memory_key(at_any_size=True)
    for record in records:
        if record.state == "finished" and record.peak and record.config.memory_key(at_any_size=True) == wanted:
            found.setdefault(record.config.batch_size, record.peak.bytes)
    return sorted(found.items())


def law(config: RunConfig, known: Known) -> None:
    """Draw the linear pieces of the peak, how exactly its workspace is known, and where the limit comes from."""
    place = st.empty()
    if known.trouble:
        place.markdown(known.trouble)
        return
    if known.curve is None or known.prediction is None:
        place.caption(say("memory.asking"))
        return
    here = _here(known.curve, config.batch_size)
    pieces = [_piece(piece, is_here=piece == here) for piece in known.curve.pieces]
    state = "verified" if known.prediction.verified else "estimated"
    workspace = [say("memory.workspace"), say(f"memory.workspace.{state}", size=number(config.batch_size))]
    if known.prediction.operations:
        operation, size = known.prediction.operations[0]
        at_peak = mib(known.prediction.peak.workspace_bytes)
        name = plain_operation(operation)
        workspace.append(say("memory.workspace.most", operation=name, size=mib(size), peak=at_peak))
    paragraphs = [" ".join([say("memory.law"), *pieces]), " ".join(workspace), devices.about(config)]
    place.markdown("\n\n".join(filter(None, paragraphs)))


def _piece(piece: Piece, *, is_here: bool) -> str:
    key = "memory.law.here" if is_here else "memory.law.piece"
    return say(
        f"{key}.module" if piece.module else key,
        first=number(piece.first),
        last=number(piece.last),
        fixed=mib(piece.fixed_bytes),
        each=mib(piece.per_example_bytes),
        event=say(f"event.{piece.event}"),
        phase=say(f"phase.{piece.phase}"),
        module=piece.module,
    )


def _here(known: Curve | None, batch_size: int) -> Piece | None:
    return next((piece for piece in known.pieces if piece.first <= batch_size <= piece.last), None) if known else None

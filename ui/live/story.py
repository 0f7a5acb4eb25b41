"""Describe in a few sentences how a run is going or how it ended, and apart from them the statistics that show it."""

from __future__ import annotations

import math
from collections import OrderedDict

from core.run.config import RunConfig
from core.run.events import DIVERGED_AT, Ended, FailedAllocation, Prediction
from core.run.plan import plan
from core.run.verdict import Evidence, Verdict, judge
from core.store import RunRecord
from core.store.reader import RunReader
from ui.live import changes
from ui.shell.text import count, explain, loss_text, mib, number, percent, say

SLOW = 0.5  # share of the peak rate; below it, the schedule may have stopped the loss from falling
AT_CHANCE = (0.995, 1.03)  # multiples of the loss of guessing; a loss below it is soon that of a model that knows more
BETTER = 2.0  # multiple of the accuracy of guessing; a model above it has learned
KEPT = 200
_verdicts: OrderedDict[str, Verdict] = OrderedDict()  # by run id; only ended runs, whose verdicts are final


def describe(reader: RunReader, prediction: Prediction | None) -> str:
    """Return how far a run has come or, once it has ended, how it went."""
    record = reader.record
    if record is None:
        return ""
    if record.ended is None:
        return f"{_on_the_way(record.config, reader)} {_continues(record)}".strip()
    if record.ended.allocation:
        return out_of_memory(record.ended.allocation, prediction)
    parts = [] if record.ended.state == "diverged" else [_reason(record.ended)]
    parts.append(_judged(record.config, record.ended, verdict(reader, record.ended), accuracy(reader)))
    if record.ended.unchanged_updates:
        parts.append(count("verdict.unchanged", record.ended.unchanged_updates))
    parts.append(_continues(record))
    return " ".join(part for part in parts if part)


def statistics(reader: RunReader) -> str:
    """Return the sentence on how the loss moved in the tail of a run that has ended, where a verdict rests on it."""
    record = reader.record
    if record is None or record.ended is None or record.ended.allocation:
        return ""
    found = verdict(reader, record.ended)
    return _slope(found.code, found.evidence, _values(record.config, found.evidence))


def _continues(record: RunRecord) -> str:
    """Say that a run continues another one, from which update and with which changes."""
    if record.parent is None:
        return ""
    first, after_oom = record.facts.first, record.facts.after in (None, "out_of_memory")
    if not first:
        return say("story.in_place") if after_oom else ""
    changed = changes.made(record)
    key = "story.after_oom" if after_oom else "story.continued"
    if after_oom and {"budget", "budget_value"} & record.facts.changed.keys():
        key = "story.after_oom.budget"
    elif changed:
        key = f"{key}.with"
    return say(key, first=number(first), changed=changed)


def verdict(reader: RunReader, ended: Ended) -> Verdict:
    """Return the verdict on a run that has ended, computed once."""
    known = _verdicts.get(reader.run_id)
    if known is None:
        assert reader.record is not None  # it has ended
        marks = changes.marks(reader.record)
        since = marks[-1][0] if marks else 0
        known = judge(reader.record.config, ended, losses=reader.losses, rates=reader.rates, since=since)
        if reader.updates >= ended.updates:  # all has been read
            _verdicts[reader.run_id] = known
        while len(_verdicts) > KEPT:
            _verdicts.popitem(last=False)
    return known


def _on_the_way(config: RunConfig, reader: RunReader) -> str:
    last = reader.last
    if last is None:
        return ""
    if reader.inherited:  # the inherited updates had another batch size
        epoch = -(-last.examples_seen // config.spec.examples)
    else:
        epoch = (last.updates - 1) // plan(config).updates_per_epoch + 1
    return say("story.running", epoch=number(epoch), rate=float(last.rate), norm=float(last.gradient_norm))


def _reason(ended: Ended) -> str:
    """Return why a run ended, where its state does not say so already."""
    plain = ended.reason in ("budget", "target") or (ended.state, ended.reason) == ("stopped", "asked")
    return "" if plain else say("story.reason", reason=explain(ended.reason, ended.values))


def accuracy(reader: RunReader) -> float | None:
    """Return the latest validation accuracy of a run; None if none was measured."""
    known = (epoch.validation_accuracy for epoch in reversed(reader.epochs))
    return next((share for share in known if share is not None), None)


def _judged(config: RunConfig, ended: Ended, verdict: Verdict, accuracy: float | None) -> str:
    seen = verdict.evidence
    values = _values(config, seen)
    if verdict.code == "diverged":
        return _diverged(ended, values)
    if verdict.code in ("failed", "out_of_memory") or seen.final_loss is None:
        return ""
    if verdict.code == "stopped":
        return say(f"verdict.stopped.{'falling' if seen.falling else 'level'}", **values)
    knows = accuracy is not None and accuracy > BETTER / config.spec.outputs
    if verdict.code == "learned_nothing" and knows:
        return say("verdict.learned_little", accuracy=percent(accuracy or 0.0), **values)
    manner = _manner(verdict.code, seen, values)
    key = f"verdict.{verdict.code}.{manner}" if manner else f"verdict.{verdict.code}"
    values["rate_share"] = percent(seen.tail_rate_share or 0.0)
    counted = {"too_few_updates": seen.updates, "reached_target": seen.updates, "rate_died_early": seen.dead_updates}
    number_of_updates = counted.get(verdict.code)
    parts = [say(key, **values) if number_of_updates is None else count(key, number_of_updates, **values)]
    if verdict.code == "too_few_updates" and seen.other_updates is not None:
        parts.append(count("verdict.other_batch", seen.other_updates, size=values["other_batch_size"]))
    if _guesses(config, seen) and not knows:
        parts.append(say("verdict.guessing", classes=number(config.spec.outputs), loss=loss_text(_chance(config))))
    return " ".join(parts)


def _manner(code: str, seen: Evidence, values: dict[str, str]) -> str:
    """Return which of its wordings a verdict has; most have only one."""
    if code == "converged":
        if (seen.fall_high_loss or 0.0) < 0:
            return "slight_rise"
        slow = seen.tail_rate_share is not None and seen.tail_rate_share < SLOW
        if (seen.fall_low_loss or 0.0) > 0:
            return "slight_slow" if slow else "slight"
        return "slow" if slow else "level"
    hardly = code in ("learned_nothing", "too_few_updates") and values["initial_loss"] == values["final_loss"]
    return "unmoved" if hardly else ""


def _values(config: RunConfig, seen: Evidence) -> dict[str, str]:
    known = {name: value for name, value in vars(seen).items() if value is not None}
    values = {name: loss_text(value) for name, value in known.items() if name.endswith("_loss")}
    values |= {name: number(value) for name, value in known.items() if name.endswith(("updates", "update", "_size"))}
    return values | {"lr": number(config.lr), "size": number(config.effective_batch_size)}


def _chance(config: RunConfig) -> float:
    """Return the cross-entropy of a model that gives every class the same probability."""
    return math.log(config.spec.outputs)


def _guesses(config: RunConfig, seen: Evidence) -> bool:
    """Return whether a classifier ended at the loss of guessing."""
    if config.spec.task != "classification" or seen.final_loss is None:
        return False
    low, high = (share * _chance(config) for share in AT_CHANCE)
    return low <= seen.final_loss <= high


def _slope(code: str, seen: Evidence, values: dict[str, str]) -> str:
    """Say how the loss moved in the tail of the run, where that is evidence for the verdict."""
    if seen.fall_loss is None or seen.fall_low_loss is None or seen.fall_high_loss is None:
        return ""
    if code in ("still_falling", "rate_died_early", "too_few_updates"):
        return say("verdict.slope", **values) if seen.fall_low_loss > 0 else ""
    if code not in ("converged", "unclear", "rising"):
        return ""
    if seen.fall_low_loss > 0:
        return say("verdict.slope", **values)
    values |= {
        "change": loss_text(-seen.fall_loss),
        "low": loss_text(-seen.fall_high_loss),
        "high": loss_text(-seen.fall_low_loss),
    }
    if seen.fall_high_loss < 0:
        return say("verdict.slope.up", **values)
    return say("verdict.slope.level", **values)


def _diverged(ended: Ended, values: dict[str, str]) -> str:
    """Say in which of three ways the loss diverged."""
    loss = ended.divergence.loss if ended.divergence else math.nan
    kind = "nan" if math.isnan(loss) else "infinite" if math.isinf(loss) else "high"
    update = number(ended.divergence.update if ended.divergence else ended.updates)
    return say(
        f"verdict.diverged.{kind}",
        **values | {"update": update, "loss": loss_text(loss), "times": number(DIVERGED_AT)},
    )


def out_of_memory(allocation: FailedAllocation, prediction: Prediction | None) -> str:
    """Return the request that failed, by how much it missed the limit, and the largest batch size that fits."""
    key = f"oom.held.{allocation.operation}" if allocation.phase == "held" else f"oom.{allocation.phase}"
    parts = [
        say(
            f"{key}.module" if allocation.module else key,
            limit=mib(allocation.limit_bytes),
            module=allocation.module,
            live=mib(allocation.live_bytes),
            requested=mib(allocation.requested_bytes),
            over=mib(allocation.over_bytes),
        )
    ]
    if allocation.workspace_bytes:
        parts.append(say("oom.workspace", workspace=mib(allocation.workspace_bytes)))
    if allocation.margin_bytes:
        parts.append(say("oom.margin", margin=mib(allocation.margin_bytes)))
    if prediction:
        largest = prediction.largest_batch_size
        parts.append(say("oom.fits", largest=number(largest)) if largest else say("oom.fits_none"))
    parts.append(say("oom.real"))
    return " ".join(parts)

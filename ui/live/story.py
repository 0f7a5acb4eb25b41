"""Tell in one paragraph how a run ended, with the numbers that show it."""

from __future__ import annotations

import math
from collections import OrderedDict

from core.run.config import RunConfig
from core.run.events import Ended, FailedAllocation, Prediction
from core.run.plan import plan
from core.run.verdict import Evidence, Verdict, judge
from core.store import RunRecord
from core.store.reader import RunReader
from ui.live import changes
from ui.shell.text import explain, loss_text, mib, number, say

SLOW = 0.5  # of the peak rate: below, it may be the schedule that brought the loss to rest
KEPT = 200
_verdicts: OrderedDict[str, Verdict] = OrderedDict()  # of runs that have ended: they do not change


def told(reader: RunReader, prediction: Prediction | None) -> str:
    """Return where a run is, and once it has ended how it went."""
    record = reader.record
    if record is None:
        return ""
    if record.ended is None:
        return f"{_on_the_way(record.config, reader)} {_goes_on(record)}".strip()
    if record.ended.allocation:
        return out_of_memory(record.ended.allocation, prediction)
    parts = [] if record.ended.state == "diverged" else [_reason(record.ended)]
    parts.append(_judged(record.config, record.ended, verdict(reader, record.ended)))
    if record.ended.unchanged_updates:
        parts.append(say("verdict.unchanged", count=number(record.ended.unchanged_updates)))
    parts.append(_goes_on(record))
    return " ".join(part for part in parts if part)


def _goes_on(record: RunRecord) -> str:
    """Say that a run goes on from another's state."""
    if record.parent is None:
        return ""
    first, is_remedy = record.facts.first, record.facts.after in (None, "out_of_memory")
    if not first:
        return say("story.in_place") if is_remedy else ""
    values = {"first": number(first), "changed": changes.told(record)}
    if not is_remedy:
        return say("story.changed", **values)
    same = not {"budget", "budget_value"} & record.facts.changed.keys()
    return say("story.goes_on" if same else "story.goes_on.otherwise", **values)


def verdict(reader: RunReader, ended: Ended) -> Verdict:
    """Return what a run that has ended came to, worked out once."""
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
    if reader.inherited:  # updates of other sizes are no measure
        epoch = -(-last.examples_seen // config.spec.examples)
    else:
        epoch = (last.updates - 1) // plan(config).updates_per_epoch + 1
    return say("story.running", epoch=number(epoch), rate=f"{last.rate:.3g}", norm=f"{last.gradient_norm:.3g}")


def _reason(ended: Ended) -> str:
    """Return why a run ended, where that is not plain from its state."""
    plain = ended.reason in ("budget", "target") or (ended.state, ended.reason) == ("stopped", "asked")
    return "" if plain else f"{explain(ended.reason, ended.values)}."


def _judged(config: RunConfig, ended: Ended, verdict: Verdict) -> str:
    seen = verdict.evidence
    known = {name: value for name, value in vars(seen).items() if value is not None}
    values = {name: loss_text(value) for name, value in known.items() if name.endswith("_loss")}
    values |= {name: number(value) for name, value in known.items() if name.endswith(("updates", "update", "_size"))}
    values |= {"lr": f"{config.lr:g}", "size": number(config.effective_batch_size)}
    if verdict.code == "diverged":
        return _diverged(ended, values)
    if verdict.code in ("failed", "out_of_memory") or seen.final_loss is None:
        return ""
    if verdict.code == "stopped":
        return say(f"verdict.stopped.{'falling' if seen.falling else 'level'}", **values)
    key = f"verdict.{verdict.code}"
    if verdict.code == "converged" and seen.tail_rate_share is not None and seen.tail_rate_share < SLOW:
        key, values["rate_share"] = f"{key}.slow", f"{100 * seen.tail_rate_share:.0f}"
    parts = [say(key, **values)]
    if verdict.code == "too_few_updates" and seen.other_updates is not None:
        parts.append(say("verdict.other_batch", **values))
    parts += _slope(verdict.code, seen, values)
    return " ".join(parts)


def _slope(code: str, seen: Evidence, values: dict[str, str]) -> list[str]:
    """Say how the loss went in the run's tail, where that is evidence for the verdict."""
    if seen.fall_loss is None or seen.fall_low_loss is None or seen.fall_high_loss is None:
        return []
    if code in ("still_falling", "rate_died_early", "too_few_updates"):
        return [say("verdict.slope", **values)] if seen.fall_low_loss > 0 else []
    if code not in ("converged", "unclear"):
        return []
    if seen.fall_low_loss > 0:
        return [say("verdict.slope.slight", **values)]
    values |= {
        "change": loss_text(-seen.fall_loss),
        "low": loss_text(-seen.fall_high_loss),
        "high": loss_text(-seen.fall_low_loss),
    }
    if seen.fall_high_loss < 0:
        return [say("verdict.slope.up", **values)]
    return [say("verdict.slope.level", **values)]


def _diverged(ended: Ended, values: dict[str, str]) -> str:
    """Say in which of its three ways the loss went off."""
    loss = ended.divergence.loss if ended.divergence else math.nan
    kind = "nan" if math.isnan(loss) else "infinite" if math.isinf(loss) else "high"
    update = number(ended.divergence.update if ended.divergence else ended.updates)
    return say(f"verdict.diverged.{kind}", **values | {"update": update, "loss": loss_text(loss)})


def out_of_memory(allocation: FailedAllocation, prediction: Prediction | None) -> str:
    """Return the request that failed, by how much it missed the limit, and the largest batch size that fits."""
    key = f"oom.{allocation.phase}"
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
    if prediction:
        largest = prediction.largest_batch_size
        parts.append(say("oom.fits", largest=number(largest)) if largest else say("oom.fits_none"))
    parts.append(say("oom.real"))
    return " ".join(parts)

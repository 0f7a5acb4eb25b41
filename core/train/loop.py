"""Run updates until the budget is spent. The loop knows no queue, file, chart or screen."""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter

from torch import Tensor

from core.memory import SimulatedOutOfMemoryError
from core.run import changes
from core.run.events import Divergence, Ended, EndState, Epoch, FailedAllocation, Kept, Paused, Report, Started
from core.train import continuation, snapshot
from core.train.fingerprint import fingerprint
from core.train.recorder import Diverged, Recorder
from core.train.timing import Stopwatch, timed_horizon
from core.train.trainer import Evaluation, Trainer
from core.train.update_ratio import copy_of, relative_change
from core.train.updater import Stopped

CHECK_EVERY = 16  # updates between two checks for divergence
EVALUATE_EVERY_S = 0.5  # shortest interval; the last update is always evaluated
RATIO_EVERY_S = 0.05  # shortest interval; with one update per epoch, measuring each takes up to 40% of its time
SNAPSHOT_EVERY_S = 0.25  # shortest interval; a pause and the end always take a snapshot
REPORT_EVERY_S = 0.03  # longest interval at a pace, if the wait allows; at full speed the recorder sets the interval
KEPT_CHANGES = 600  # newest entries kept from the timeline of the update that ran out of memory


class Loop:
    """Drive a trainer to the end of its run.

    `run` returns every regular end of a run, an out-of-memory error included. It raises only on a defect.
    """

    def __init__(self, trainer: Trainer, report: Report) -> None:
        self.trainer, self.report = trainer, report
        self.config, self.control = trainer.config, trainer.control
        self.record = Recorder(updates=trainer.updates, examples=trainer.examples_seen, ceiling=trainer.ceiling)
        self.clock = Stopwatch(self.control, elapsed_s=trainer.elapsed_s)
        self.epochs = trainer.order.epoch
        self.is_whole = trainer.order.seen_in_epoch == 0  # False if another run began the current epoch
        self.updates_before_epoch = trainer.updates
        self.examples_before_epoch = trainer.examples_seen
        self.updates_per_epoch: int | None = None
        self.update_ratio: float | None = None  # The ratio of the current epoch; see `Epoch`.
        self.evaluated_at: float | None = None
        self.confusion: tuple[tuple[int, ...], ...] = ()
        self.reported_at = self.snapshot_at = self.ratio_at = -math.inf

    def run(self) -> Ended:
        """Train until the run ends, report events on the way, and return the end."""
        self.control.on_pause = self._on_pause
        try:
            ended = self._ended("finished", self._train())
        except Stopped:
            ended = self._ended("stopped", self.control.stop_reason or "asked")
            if ended.reason == changes.REASON:
                self._keep_state(ended.elapsed_s)
        except Diverged as error:
            ended = self._ended("diverged", "loss", divergence=Divergence(error.update, error.loss))
        except SimulatedOutOfMemoryError as error:
            ended = self._ended("out_of_memory", "limit", allocation=self._with_timeline(error.allocation))
            self._keep_state(ended.elapsed_s)
        self.report(ended)
        return ended

    def _train(self) -> str:
        trainer, record, control = self.trainer, self.record, self.control
        try:
            if self.config.budget == "seconds":
                trainer.horizon = timed_horizon(trainer)
        finally:  # a run that ends during the timing has started too
            self.report(Started(trainer.horizon, fingerprint(), trainer.updates, trainer.shift))
        self.clock = clock = Stopwatch(control, elapsed_s=trainer.elapsed_s)  # start-up does not count
        if self._spent(clock()):  # the parent run has used up the budget
            self.epochs -= self.is_whole  # the parent has already closed this epoch
            self._close_epoch(complete=False, last=True)
            return "budget"
        watched = 0
        while True:
            if control.attention:
                self._rest()
            rate = trainer.rate()
            update = self._measured_update if self._ratio_is_due else trainer.update
            epoch_done = update(rate, *record.slots())
            if control.attention:
                control.update_done(epoch_done=epoch_done)

            now = clock()
            if record.add(rate, trainer.examples_seen, now):
                self._flush()
            if len(trainer.timelines) != watched:
                watched = self._report_peak()
            spent = self._spent(now)
            if epoch_done or spent or trainer.updates % CHECK_EVERY == 0:
                record.check()

            if epoch_done or spent:
                evaluation = self._close_epoch(complete=epoch_done, last=spent)
                if evaluation and self.config.target_loss and evaluation.loss <= self.config.target_loss:
                    return "target"
            if spent:
                return "budget"

    def _measured_update(self, rate: float, *slots: Tensor) -> bool:
        """Make an update and measure how far it moves the weights, which is not training time."""
        with self.clock.standing():
            before = copy_of(self.trainer.parameters)
        epoch_done = self.trainer.update(rate, *slots)
        with self.clock.standing():
            self.update_ratio = relative_change(before, self.trainer.parameters)
        self.ratio_at = perf_counter()
        return epoch_done

    @property
    def _ratio_is_due(self) -> bool:
        return self.trainer.order.is_halfway and perf_counter() - self.ratio_at >= RATIO_EVERY_S

    def _rest(self) -> None:
        """Pause or wait before the next update if asked to. Report first what would be late after the wait."""
        wait_s = 1 / self.control.pace
        if wait_s and perf_counter() + wait_s - self.reported_at >= REPORT_EVERY_S:
            self._flush(wait_s)
        self.control.rest()

    def _spent(self, elapsed_s: float) -> bool:
        budget = self.config.budget
        if budget == "seconds":
            return elapsed_s >= self.config.budget_value
        return self.trainer.updates >= self.trainer.horizon

    def _close_epoch(self, *, complete: bool, last: bool) -> Evaluation | None:
        trainer = self.trainer
        self._flush()
        updates = trainer.updates - self.updates_before_epoch
        ratio, self.update_ratio = self.update_ratio, None
        complete, self.is_whole = complete and self.is_whole, True
        if complete and self.updates_per_epoch is None:
            self.updates_per_epoch = updates
        self.epochs += 1
        examples = trainer.examples_seen - self.examples_before_epoch
        train_loss = self.record.close_epoch(examples) if examples else math.nan
        evaluation = None
        try:
            evaluation = self._evaluate(always=last)
        finally:  # the epoch has been trained even if its evaluation runs out of memory
            loss, accuracy = (evaluation.loss, evaluation.accuracy) if evaluation else (None, None)
            seconds = self.clock()
            self.report(
                Epoch(self.epochs, trainer.updates, updates, complete, train_loss, loss, accuracy, seconds, ratio)
            )
        self.updates_before_epoch, self.examples_before_epoch = trainer.updates, trainer.examples_seen
        return evaluation

    def _evaluate(self, *, always: bool) -> Evaluation | None:
        always = always or self.trainer.plateau is not None or self.config.target_loss is not None
        now = perf_counter()
        if not always and self.evaluated_at is not None and now - self.evaluated_at < EVALUATE_EVERY_S:
            return None
        with self.clock.standing():
            evaluation = self.trainer.evaluate()
        self.evaluated_at = now
        self.confusion = evaluation.confusion
        self.trainer.note_evaluation(evaluation)
        self._report_peak()
        return evaluation

    def _report_peak(self) -> int:
        peak = self.trainer.peak()
        if peak:
            self.report(peak)
        return len(self.trainer.timelines)

    def _flush(self, wait_s: float = 0.0) -> None:
        """Report the block and, if one is due before the end of a wait, a snapshot."""
        self.report(self.record.take())
        self.reported_at = now = perf_counter()
        if now + wait_s - self.snapshot_at >= SNAPSHOT_EVERY_S:
            self.snapshot_at = now
            with self.clock.standing():
                self._take_snapshot()

    def _take_snapshot(self) -> None:
        self.report(snapshot.take(self.trainer, self.confusion))

    def _with_timeline(self, allocation: FailedAllocation) -> FailedAllocation:
        """Return a failed allocation with what the update had allocated before it, if that was recorded."""
        timeline = self.trainer.dropped
        return replace(allocation, timeline=timeline.newest(KEPT_CHANGES).to_dict()) if timeline else allocation

    def _keep_state(self, elapsed_s: float) -> None:
        if self.trainer.state_bytes() <= changes.MOST_BYTES:
            now = {"elapsed_s": elapsed_s, "ceiling": self.record.ceiling}
            self.report(Kept(continuation.pack(self.trainer.state() | now)))

    def _on_pause(self, paused: bool) -> None:
        if paused:
            self.report(self.record.take())
            self._take_snapshot()
        self.report(Paused(paused))

    def _ended(
        self,
        state: EndState,
        reason: str,
        *,
        divergence: Divergence | None = None,
        allocation: FailedAllocation | None = None,
    ) -> Ended:
        elapsed_s = self.clock()
        self.report(self.record.take())
        self._take_snapshot()
        repeats = self.config.budget != "seconds"
        return Ended(
            state,
            reason,
            divergence=divergence,
            allocation=allocation,
            updates=self.trainer.updates,
            updates_per_epoch=self.updates_per_epoch,
            unchanged_updates=self.record.unchanged_updates,
            peak=self.trainer.peak(),
            losses_sha256=self.record.losses_sha256 if repeats else None,
            elapsed_s=elapsed_s,
        )

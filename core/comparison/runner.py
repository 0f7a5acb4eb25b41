"""Train the arms of a comparison in one process, in turn, so that they advance together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from core.comparison.course import EVALUATIONS, POINTS, SERIES, Course
from core.comparison.result import AXES
from core.comparison.setup import FIRST_TUNING_SEED, TUNING_FACTORS, TUNING_SEEDS, Comparison
from core.comparison.trainings import Figures, Training, open_training
from core.datasets.tensors import Data
from core.forecast.predict import predict
from core.forecast.workspace import Reach
from core.run.choices.optimizers import OPTIMIZERS
from core.run.config import RunConfig, planned_updates
from core.run.control import Control
from core.run.events import DIVERGED_AT
from core.run.fields import bounds_of
from core.run.plan import plan
from core.science.optimum import softmax_optimum
from core.train.timing import core_seconds
from core.train.updater import Stopped

Report = Callable[[Sequence[Course]], None]

REPORT_EVERY_S = 0.4
MOST_WEIGHTS = 1_000  # up to here, the optimum of a convex problem takes at most a second
ROUNDING = 1e-7  # rounding error of a loss in single precision; no smaller excess can be measured
PART = 2_000  # examples that are evaluated at once; a stop waits for no more
TUNING_ROWS = 4  # the most rows of rates that are tried


class Runner:
    """One comparison. `run` trains it to the end or until it is stopped; `courses` has what is recorded so far."""

    def __init__(self, comparison: Comparison, data: Data, control: Control, report: Report) -> None:
        self.comparison, self.data, self.control, self._report = comparison, data, control, report
        self.courses = [Course() for _ in comparison.arms]
        self._reported_at = -math.inf
        self.optimum = _lowest(comparison, data)

    @property
    def updates(self) -> int:
        """The number of updates recorded so far, over all arms."""
        return int(sum(course.updates[-1] for course in self.courses if len(course.updates)))

    def run(self) -> None:
        """Train all arms. Raises Stopped; the courses keep what was recorded until then."""
        try:
            ready = [self._prepared(number) for number in range(len(self.courses))]
            if self.comparison.is_tuned:
                ready = [arm and self._tuned(number, arm) for number, arm in enumerate(ready)]
            arms = [
                ArmTraining(
                    self._seeds(config),
                    self.data,
                    self.courses[number],
                    self.optimum,
                    self._obey,
                    checks=self._checks(number),
                )
                for number, config in enumerate(ready)
                if config
            ]
            while left := [arm for arm in arms if not arm.is_over]:
                arm, began = min(left, key=lambda arm: arm.share), self._worked_s()
                arm.advance()
                arm.course.spent_s += self._worked_s() - began
                self._tell()
        except Stopped:
            for course in self.courses:
                if course.state in ("waiting", "tuning", "running"):
                    course.state = "stopped"
            raise
        finally:
            self._tell(at_once=True)

    def _prepared(self, number: int) -> RunConfig | None:
        """Return an arm with its budget in updates, or None for an arm over its memory limit."""
        self._obey()
        config, course, counts = self.comparison.arms[number], self.courses[number], plan(self.comparison.arms[number])
        course.per_epoch, course.examples_per_epoch = counts.updates_per_epoch, counts.examples_per_epoch
        course.effective_batch_size, course.lr = config.effective_batch_size, config.lr
        course.peak_bytes = predict(config, reach=Reach.NEAR).peak.bytes
        if config.memory_limit_bytes is not None and course.peak_bytes > config.memory_limit_bytes:
            course.state = "out_of_memory"
            return None
        course.seconds_per_update = core_seconds(config, self.data)
        course.planned = planned_updates(config) or max(1, round(config.budget_value / course.seconds_per_update))
        self._tell()
        if config.budget == "seconds":
            return config.replace(budget="updates", budget_value=course.planned)
        return config

    def _tuned(self, number: int, config: RunConfig) -> RunConfig:
        """Return an arm with the rate, of nine around its own, that ends with the lowest loss on other seeds.

        If the best rate is the first or the last of a row, another row follows beyond it, up to TUNING_ROWS.
        """
        course = self.courses[number]
        ends: dict[float, float] = {}
        course.state = "tuning"
        factors = TUNING_FACTORS
        for _ in range(TUNING_ROWS):
            ends |= self._tried(course, config, [factor for factor in factors if _is_rate(config.lr * factor)])
            best = min(ends, key=ends.__getitem__)
            course.at_edge = best in (min(ends), max(ends)) and math.isfinite(ends[best])
            if not course.at_edge:
                break
            step = 2.0 if best == max(ends) else 0.5
            factors = tuple(best * step**further for further in range(1, 5))
        course.lr = config.lr * best
        course.state = "waiting"
        return config.replace(lr=course.lr)

    def _tried(self, course: Course, config: RunConfig, factors: Sequence[float]) -> dict[float, float]:
        """Return the final loss at each of these multiples of an arm's rate, the mean over the tuning seeds."""
        if not factors:
            return {}
        tries = [
            config.replace(seed=config.seed + FIRST_TUNING_SEED + seed, lr=config.lr * factor)
            for factor in factors
            for seed in range(TUNING_SEEDS)
        ]
        trial = ArmTraining(
            tries, self.data, replace(course, series={}, checks={}), self.optimum, self._obey, evaluations=1
        )
        while not trial.is_over:
            trial.advance()
            self._tell()
        ends = np.where(trial.course.diverged, np.inf, trial.course.checks[trial.course.measure][-1])
        means = np.nan_to_num(ends, nan=np.inf, posinf=np.inf).reshape(-1, TUNING_SEEDS).mean(axis=1)
        return dict(zip(factors, means.tolist(), strict=True))

    def _checks(self, number: int) -> set[int]:
        """Return the updates after which an arm is evaluated because another arm ends there by some budget."""
        course, places = self.courses[number], set()
        for other in self.courses:
            if other is not course and other.planned:
                for axis in AXES:
                    end = float(other.along(np.array([float(other.planned)]), axis)[0])
                    one = float(course.along(np.array([float(course.planned)]), axis)[0])
                    places.add(round(course.planned * end / one))
        return {place for place in places if 0 < place < course.planned}

    def _seeds(self, config: RunConfig) -> list[RunConfig]:
        return [config.replace(seed=config.seed + number) for number in range(self.comparison.seeds)]

    def _obey(self) -> None:
        if self.control.attention:
            if self.control.paused:
                self._tell(at_once=True)
            if self.control.wait_while_paused():
                raise Stopped
            self._tell(at_once=True)  # it goes on

    def _worked_s(self) -> float:
        """Return the time so far, without pauses."""
        return perf_counter() - self.control.paused_s

    def _tell(self, *, at_once: bool = False) -> None:
        now = perf_counter()
        if at_once or now - self._reported_at >= REPORT_EVERY_S:
            self._reported_at = now
            self._report(self.courses)


class ArmTraining:
    """The training of one arm, which records its course; it calls `obey` before each part of the work."""

    def __init__(
        self,
        configs: Sequence[RunConfig],
        data: Data,
        course: Course,
        optimum: float | None,
        obey: Callable[[], None],
        *,
        evaluations: int = EVALUATIONS,
        checks: Iterable[int] = (),
    ) -> None:
        self.course, self._optimum, self._weight_decay = course, optimum, configs[0].weight_decay
        self._obey, self._data = obey, (data.train_inputs, data.train_targets)
        self._training: Training = open_training(configs, data)
        self._updates = 0
        self._stride = math.ceil(course.planned / POINTS)
        self._check_every = math.ceil(course.planned / evaluations)
        self._checks = {course.planned, *checks}
        course.series = {name: np.zeros((0, len(configs))) for name in SERIES}
        course.diverged = np.zeros(len(configs), dtype=bool)
        course.state = "running"
        self._check()
        self._initial = torch.from_numpy(course.checks["training_loss"][0])  # a batch's loss would be noisy

    @property
    def share(self) -> float:
        """The share of the budget that is spent."""
        return self._updates / self.course.planned

    @property
    def is_over(self) -> bool:
        return self.course.state != "running"

    def advance(self) -> None:
        """Make the updates up to the next point."""
        course, figures = self.course, []
        stop = min(self._updates + self._stride, course.planned)
        rate = 0.0
        while self._updates < stop:
            self._obey()
            rate = self._training.rate()
            figures.append(self._training.update())
            self._updates += 1
            if self._updates % self._check_every == 0 or self._updates in self._checks:
                self._check()
        self._record(figures, rate)
        if course.is_lost:
            course.state = "diverged"
        elif self._updates == course.planned:
            course.state = "finished"

    def _record(self, figures: Sequence[Figures], rate: float) -> None:
        course = self.course
        losses, norms, lengths, cosines = (torch.stack(column) for column in zip(*figures, strict=True))
        off = ~torch.isfinite(losses).all(0) | (losses > DIVERGED_AT * self._initial).any(0)
        course.diverged |= off.numpy()
        angles = torch.rad2deg(torch.arccos(cosines.clamp(-1, 1)))
        columns = zip(SERIES, (losses, norms, lengths), strict=False)
        means = {name: _numbers(column.mean(0)) for name, column in columns} | {"angle": _numbers(angles.nanmean(0))}
        for name, mean in means.items():
            shown = np.where(course.diverged, np.nan, mean)
            course.series[name] = np.concatenate([course.series[name], shown[None]])
        course.updates = np.append(course.updates, self._updates)
        course.rate = np.append(course.rate, rate)

    def _check(self) -> None:
        course = self.course
        losses, accuracies = self._training.validation()
        training_loss = self._training_loss()
        found = {"validation_loss": losses, "training_loss": training_loss}
        if accuracies is not None:
            found["validation_accuracy"] = accuracies
        if self._optimum is not None:
            objective = training_loss + self._weight_decay / 2 * self._training.squares()
            found["excess_loss"] = (objective.double() - self._optimum).clamp(min=ROUNDING)
        for name, values in found.items():
            row = np.where(course.diverged, np.nan, _numbers(values))[None]
            course.checks[name] = np.concatenate([course.checks[name], row]) if name in course.checks else row
        course.checked = np.append(course.checked, self._updates)

    def _training_loss(self) -> Tensor:
        """Return the loss over all training examples, (seeds,).

        It is evaluated in parts, because many seeds take seconds.
        """
        inputs, targets = self._data
        total = torch.zeros(len(self.course.diverged), dtype=torch.float64)
        for first in range(0, len(inputs), PART):
            self._obey()
            part = inputs[first : first + PART], targets[first : first + PART]
            total += len(part[0]) * self._training.loss_over(*part).double()
        return total / len(inputs)


def _is_rate(rate: float) -> bool:
    low, high = bounds_of("lr")
    return low <= rate <= high


def _lowest(comparison: Comparison, data: Data) -> float | None:
    """Return the minimum of the objective if all arms share one convex problem that can be solved, else None."""
    first, spec = comparison.arms[0], comparison.arms[0].spec
    alike = {(arm.model, arm.weight_decay) for arm in comparison.arms}
    features = data.train_inputs[0].numel() + (not spec.has_constant)
    if alike != {("linear", first.weight_decay)} or not first.weight_decay > 0 or spec.task != "classification":
        return None
    if features * spec.outputs > MOST_WEIGHTS or any(
        OPTIMIZERS[arm.optimizer].decouples_decay for arm in comparison.arms
    ):
        return None  # a decoupled weight decay is not part of the objective
    inputs = data.train_inputs.flatten(1).double()
    if not spec.has_constant:
        inputs = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=inputs.dtype)], dim=1)
    return softmax_optimum(inputs, data.train_targets, spec.outputs, weight_decay=first.weight_decay).loss


def _numbers(values: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    numbers: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = values.detach().double().numpy()
    return numbers

"""Describe one run in a validated form that the command line, URLs, files and the store share."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from core.run import batching
from core.run.choices.datasets import DATASETS, DatasetSpec
from core.run.choices.models import MODELS, least_batch_size
from core.run.choices.optimizers import OPTIMIZERS
from core.run.fields import FIELD_SPECS, REALS, problem_of, read, settled
from core.words.errors import ConfigError, Problem
from core.words.units import MIB

MAX_UPDATES = 10_000_000
# The fields that only some models or optimizers read.
PARTICULAR = frozenset().union(*(spec.uses for spec in MODELS.values()), *(spec.uses for spec in OPTIMIZERS.values()))


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """The complete configuration of one run. An invalid one cannot be built.

    Raises ConfigError with every problem found. `memory_limit_mb` is the capacity of the simulated device in units of
    2^20 bytes; None means no limit. `memory_margin_mb` of it is left to what is not a tensor of the run: on a GPU, the
    CUDA context and fragmentation. Only the optimizers "momentum" and "nesterov" use `momentum`, and only the MLP uses
    `hidden`. `schedule_batch_size` plans the schedule, warm-up included, for the number of updates at a different batch
    size (see `core.run.plan.schedule_horizon`); None uses the run's own. `checkpointing` recomputes activations instead
    of keeping them. `precision` applies to the forward pass and the loss. The last four fields are habits that waste
    memory (see `core.train.updater.Practice`); `validate_whole` evaluates the whole validation set in one chunk.
    """

    dataset: str = "photos10k"
    model: str = "mlp"
    hidden: tuple[int, ...] = (128, 64)
    norm: str = "none"
    batch_size: int = 100
    accumulate: int = 1
    drop_last: bool = False
    sampling: str = "shuffle"
    optimizer: str = "momentum"
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.0
    schedule_batch_size: int | None = None
    budget: str = "epochs"
    budget_value: float = 5
    seed: int = 0
    memory_limit_mb: float | None = None
    memory_margin_mb: float = 0.0
    target_loss: float | None = None
    checkpointing: bool = False
    precision: str = "float32"
    keep_losses: bool = False
    evaluate_with_grad: bool = False
    zero_in_place: bool = False
    validate_whole: bool = False

    def __post_init__(self) -> None:
        for name in REALS:  # numbers get a canonical type, so that 1 and 1.0 describe the same run
            object.__setattr__(self, name, settled(name, getattr(self, name), self.budget))
        problems = _field_problems(self) or _joint_problems(self)
        if problems:
            raise ConfigError(*problems)

    @property
    def spec(self) -> DatasetSpec:
        return DATASETS[self.dataset]

    @property
    def effective_batch_size(self) -> int:
        return self.batch_size * self.accumulate

    @property
    def evaluation_size(self) -> int:
        """The most validation examples that are evaluated in one chunk."""
        return self.spec.validation_examples if self.validate_whole else self.batch_size

    @property
    def memory_limit_bytes(self) -> int | None:
        """The bytes that the run may use: the capacity without the margin."""
        return usable_bytes(self.memory_limit_mb, self.memory_margin_mb)

    @property
    def memory_margin_bytes(self) -> int:
        return round(self.memory_margin_mb * MIB)

    def uses(self, name: str) -> bool:
        """Return whether the run's model and optimizer use a field."""
        used = (*MODELS[self.model].uses, *OPTIMIZERS[self.optimizer].uses)
        return name in used or name not in PARTICULAR

    def memory_key(self, *, at_any_size: bool = False) -> dict[str, Any]:
        """Return the fields that determine the run's memory as plain JSON values, to key its prediction.

        `at_any_size` leaves out the fields that only determine the point on the curve of memory against batch size.
        """
        optimizer = OPTIMIZERS[self.optimizer]
        kinds = ("law",) if at_any_size else ("law", "place")
        names = {name for name, spec in FIELD_SPECS.items() if spec.memory in kinds}
        names |= set(() if optimizer.is_fused else optimizer.uses)
        return {name: value for name, value in self.to_dict().items() if name in names}

    def replace(self, **changes: Any) -> RunConfig:
        """Return a copy with some fields changed. Raises ConfigError if it is invalid."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, from which `from_mapping` builds an equal config."""
        return dataclasses.asdict(self) | {"hidden": list(self.hidden)}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """Build a config from `to_json`. Raises ConfigError, also for text that is not a JSON object."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):  # deeply nested brackets raise RecursionError
            values = None
        if not isinstance(values, dict):
            raise ConfigError(Problem("not_json", {"value": text[:80]}))
        return cls.from_mapping(values)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> RunConfig:
        """Build a config from values or their text ("100", "true", "128-64"). Raises ConfigError."""
        parsed, problems = parse(values)
        if problems:
            raise ConfigError(*problems)
        return cls(**parsed)


FIELDS = tuple(item.name for item in dataclasses.fields(RunConfig))
OTHER_NAMES = {  # what other tools call a field
    "learning_rate": "lr",
    "rate": "lr",
    "bs": "batch_size",
    "batch": "batch_size",
    "epochs": "budget_value",
    "steps": "budget_value",
    "memory_limit": "memory_limit_mb",
    "accumulation_steps": "accumulate",
    "gradient_accumulation_steps": "accumulate",
}


def parse(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Convert values or their text to the types of the fields; return them with the problems found.

    The bounds of single fields are checked here as well, so that a URL with one bad value can still use the others.
    """
    parsed: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        if name not in FIELDS:
            problems.append(_unknown(name))
            continue
        budget = str(values.get("budget", "epochs")).strip()
        known = settled(name, read(name, value), budget)
        problem = problem_of(name, known, budget)
        if problem:
            problems.append(problem)
        else:
            parsed[name] = known
    return parsed, problems


def _unknown(name: str) -> Problem:
    """Return the problem with a name that no field has, with the field that was probably meant."""
    near = OTHER_NAMES.get(name.lower()) or next(iter(get_close_matches(name.lower(), FIELDS, n=1)), None)
    if near:
        return Problem("misspelt_field", {"field": name, "near": near})
    return Problem("unknown_field", {"field": name, "choices": ", ".join(FIELDS)})


def _field_problems(config: RunConfig) -> list[Problem]:
    found = (problem_of(name, getattr(config, name), config.budget) for name in FIELDS)
    return [problem for problem in found if problem]


def _joint_problems(config: RunConfig) -> list[Problem]:
    """Check the fields against each other. Any problem prevents the run from starting."""
    spec, size = config.spec, config.batch_size
    names: dict[str, Any] = {
        "dataset": config.dataset,
        "model": config.model,
        "examples": spec.examples,
        "batch_size": size,
    }
    problems = [*_schedule_problems(config), *margin_problems(config.memory_limit_mb, config.memory_margin_mb)]
    if size > spec.examples:
        return [Problem("batch_larger_than_dataset", names, {"batch_size": spec.examples}), *problems]
    model = MODELS[config.model]
    if config.norm not in model.norms:
        values = {"norm": config.norm, "model": config.model, "choices": ", ".join(model.norms)}
        problems.append(Problem("norm_not_for_model", values, {"norm": "none"}))
    if model.takes_images and not spec.is_image:
        problems.append(Problem("model_needs_images", names, {"model": "linear"}))
    per_epoch = batching.updates_per_epoch(spec.examples, size, config.accumulate, drop_last=config.drop_last)
    if per_epoch == 0:
        window = names | {"accumulate": config.accumulate, "effective": config.effective_batch_size}
        return [*problems, Problem("no_full_window", window, {"drop_last": False})]
    least = least_batch_size(config.model, config.norm)
    if least > 1:
        enough = max(size, least)
        remains = batching.updates_per_epoch(spec.examples, enough, config.accumulate, drop_last=True) > 0
        remedy = {"batch_size": enough, "drop_last": True} if remains else {}
        if size == 1:
            problems.append(Problem("batch_norm_of_one", names, remedy))
        elif batching.last_batch_size(spec.examples, size, drop_last=config.drop_last) == 1:
            problems.append(Problem("batch_norm_last_of_one", names, {"drop_last": True} if remains else {}))
    planned = planned_updates(config)
    if planned is not None and planned > MAX_UPDATES:
        spent = {"value": config.budget_value, "budget": config.budget, "planned": planned, "high": MAX_UPDATES}
        problems.append(Problem("too_many_updates", spent))
    return problems


def usable_bytes(limit_mb: float | None, margin_mb: float) -> int | None:
    """Return the bytes of a device of this capacity that the margin leaves; None without a limit."""
    return None if limit_mb is None else round(limit_mb * MIB) - round(margin_mb * MIB)


def margin_problems(limit: float | None, margin: float) -> list[Problem]:
    """Check that the margin leaves at least one byte of the memory limit. Both are in MiB."""
    usable = usable_bytes(limit, margin)
    if usable is None or usable > 0:
        return []
    return [Problem("margin_over_limit", {"margin": margin, "limit": limit}, {"memory_margin_mb": 0.0})]


def _schedule_problems(config: RunConfig) -> list[Problem]:
    """Check that the schedule's own batch size, if set, would be valid for the run."""
    size, examples = config.schedule_batch_size, config.spec.examples
    if size is None:
        return []
    names = {"schedule_batch_size": size, "dataset": config.dataset, "examples": examples}
    remedy = {"schedule_batch_size": None}
    if config.budget == "seconds":
        return [Problem("horizon_of_seconds", names, remedy)]
    if size > examples:
        return [Problem("schedule_batch_larger_than_dataset", names, remedy)]
    if batching.updates_per_epoch(examples, size, config.accumulate, drop_last=config.drop_last) == 0:
        window = names | {"accumulate": config.accumulate, "effective": size * config.accumulate}
        return [Problem("schedule_without_full_window", window, remedy)]
    return []


def planned_updates(config: RunConfig, *, batch_size: int | None = None) -> int | None:
    """Return U, the number of updates in the budget; None for a budget in seconds, which must be timed.

    `batch_size` replaces the run's own, to count the updates of the same budget at a different batch size.
    """
    shape = (config.spec.examples, batch_size or config.batch_size, config.accumulate)
    if config.budget == "seconds":
        return None
    value = int(config.budget_value)
    if config.budget == "epochs":
        return value * batching.updates_per_epoch(*shape, drop_last=config.drop_last)
    if config.budget == "examples":
        return batching.updates_for_examples(value, *shape, drop_last=config.drop_last)
    return value

"""Record the memory of one update or evaluation, allocation by allocation. Plain data, no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.run.events import CATEGORIES, Category, Peak


@dataclass
class Block:
    """One storage, described at its allocation. `category` may be set later."""

    bytes: int
    category: Category
    phase: str
    module: str
    operation: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Change:
    """An allocation (positive bytes) or a release (negative), and the phase and module at work at that moment."""

    bytes: int
    block: Block
    phase: str
    module: str


@dataclass(frozen=True)
class Timeline:
    """The memory of one watched update or evaluation: the bytes alive before it, and every change in order.

    recorded_bytes  the most bytes alive at once in PyTorch's own record, including workspace; 0 without a record
    operations      the operations with the most workspace, largest first, with the bytes of each
    """

    before: Mapping[str, int]
    changes: tuple[Change, ...]
    recorded_bytes: int = 0
    operations: tuple[tuple[str, int], ...] = ()

    def live_bytes(self) -> list[int]:
        """Return the bytes alive before the first change and after each."""
        live = [sum(self.before.values())]
        for change in self.changes:
            live.append(live[-1] + change.bytes)
        return live

    def highest(self) -> int:
        """Return the number of changes after which the most bytes are alive, the first if several are equal."""
        live = self.live_bytes()
        return live.index(max(live))

    def by_category(self, changes: int) -> dict[str, int]:
        """Return the bytes alive after that many changes, by category."""
        alive = dict.fromkeys(CATEGORIES, 0) | dict(self.before)
        for change in self.changes[:changes]:
            alive[change.block.category] += change.bytes
        return alive

    def peak(self) -> Peak:
        """Return the peak of the tensors, the first if it is reached more than once."""
        reached = self.highest()
        by_category = self.by_category(reached)
        at = self.changes[reached - 1] if reached else None
        return Peak(sum(by_category.values()), by_category, at.phase if at else "forward", at.module if at else "")

    def with_more(self, category: Category, size: int) -> Timeline:
        """Return this timeline with `size` more bytes alive from the start."""
        if not size:
            return self
        before = {**self.before, category: self.before.get(category, 0) + size}
        return replace(self, before=before, recorded_bytes=self.recorded_bytes and self.recorded_bytes + size)

    def newest(self, count: int) -> Timeline:
        """Return a timeline of the last `count` changes only."""
        earlier = max(0, len(self.changes) - count)
        return Timeline(self.by_category(earlier), self.changes[earlier:]) if earlier else self

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` reads them back.

        A block is written once, with its allocation. A release refers to that change by its index, or by its category
        if the block existed before.
        """
        births: dict[int, int] = {}
        rows: list[list[Any]] = []
        for number, change in enumerate(self.changes):
            block = change.block
            at = [change.bytes, change.phase, change.module]
            if change.bytes >= 0:
                births[id(block)] = number
                rows.append([*at, block.category, block.operation, list(block.shape)])
            else:
                rows.append([*at, births.get(id(block), block.category)])
        return {"before": dict(self.before), "changes": rows}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Timeline:
        """Read what `to_dict` returned."""
        blocks: dict[int, Block] = {}
        changes: list[Change] = []
        for number, (size, phase, module, what, *born) in enumerate(values["changes"]):
            if born:
                operation, shape = born
                blocks[number] = Block(size, what, phase, module, operation, tuple(shape))
                block = blocks[number]
            else:
                block = blocks[what] if isinstance(what, int) else Block(-size, what, "", "", "", ())
            changes.append(Change(size, block, phase, module))
        return cls(dict(values["before"]), tuple(changes))


def peak_of(timelines: Iterable[Timeline]) -> Peak:
    """Return the highest peak, the first if several are equal, including the recorded workspace."""
    timelines = list(timelines)
    highest = max((timeline.peak() for timeline in timelines), key=lambda peak: peak.bytes)
    recorded = max(timeline.recorded_bytes for timeline in timelines)
    return highest.with_workspace(max(0, recorded - highest.bytes))


def operations_of(timelines: Iterable[Timeline]) -> tuple[tuple[str, int], ...]:
    """Return the operations with the most workspace in any timeline, largest first, with the bytes of each."""
    most: dict[str, int] = {}
    for timeline in timelines:
        for operation, size in timeline.operations:
            most[operation] = max(size, most.get(operation, 0))
    return tuple(sorted(most.items(), key=lambda item: -item[1]))


def plain_operation(operation: str) -> str:
    """Return an operation's name without namespace, overload and underscores: "aten.add_.Tensor" becomes "add"."""
    name = operation.removeprefix("aten.")
    return (name.rpartition(".")[0] or name).strip("_")

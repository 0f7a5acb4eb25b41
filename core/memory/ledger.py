"""Follow every tensor storage of an update from birth to death: bytes, category, phase and module."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from core.events import CATEGORIES, Category, Peak
from core.memory.limit import SimulatedOutOfMemoryError


@dataclass
class Block:
    """One storage: its bytes, and what was known of it at birth. `category` may be learnt later."""

    bytes: int
    category: Category
    phase: str
    module: str
    operation: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Change:
    """A birth (positive bytes) or a death (negative), and the phase and module at work when it happened."""

    bytes: int
    block: Block
    phase: str
    module: str


@dataclass(frozen=True)
class Timeline:
    """What one watched update or evaluation did: the blocks alive before it, and every change in order."""

    before: Mapping[str, int]
    changes: tuple[Change, ...]

    def live_bytes(self) -> list[int]:
        """Return the bytes alive before the first change and after each."""
        live = [sum(self.before.values())]
        for change in self.changes:
            live.append(live[-1] + change.bytes)
        return live

    def peak(self) -> Peak:
        """Return the highest point, the first one if it is reached twice."""
        live = self.live_bytes()
        top = max(live)
        reached = live.index(top)
        by_category = dict(self.before)
        for change in self.changes[:reached]:
            by_category[change.block.category] += change.bytes
        at = self.changes[reached - 1] if reached else None
        return Peak(top, by_category, at.phase if at else "forward", at.module if at else "")


class Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watch one update or one evaluation; what is not inside `with ledger:` costs nothing.

    Works on real and on fake tensors alike, so that a prediction is the same bookkeeping as a measurement.
    With `limit_bytes`, the allocation that would cross it raises SimulatedOutOfMemoryError inside its operation.
    Storages that existed before and are not the model's or the optimizer's (the data set) are not on the device.
    """

    def __init__(
        self, model: nn.Module, optimizer: Optimizer, *, limit_bytes: int | None = None, phase: str = "forward"
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model, self.optimizer, self.limit_bytes = model, optimizer, limit_bytes
        self.base_phase = phase
        self.live_bytes = 0
        self.changes: list[Change] = []
        self.before: dict[str, int] = dict.fromkeys(CATEGORIES, 0)
        self._alive: dict[int, tuple[weakref.ref[Any], Block]] = {}
        self._handles: list[RemovableHandle] = []
        self._stepping = False
        self._module = ""
        self._backward_module = ""
        self._quiet = False
        self._watching = False

    def timeline(self) -> Timeline:
        """Return what has been seen so far."""
        return Timeline(dict(self.before), tuple(self.changes))

    def __enter__(self) -> Ledger:
        self._take_stock()
        self._hook()
        self._watching = True
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._watching = False
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._alive.clear()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Leave out what telemetry allocates."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def claim_batch(self, *tensors: Tensor) -> None:
        """Say that these tensors, just made, are the batch."""
        for tensor in tensors:
            self._recategorise(tensor, "batch")

    # What is there before the update.

    def _take_stock(self) -> None:
        held: list[tuple[Tensor, Category]] = [(tensor, "parameters") for tensor in self.model.parameters()]
        held += [(tensor, "parameters") for tensor in self.model.buffers()]
        held += [(p.grad, "gradients") for p in self.model.parameters() if p.grad is not None]
        for state in self.optimizer.state.values():
            held += [(value, "optimizer state") for value in state.values() if isinstance(value, Tensor)]
        for tensor, category in held:
            storage = tensor.untyped_storage()
            if storage._cdata not in self._alive:
                self._require(storage.nbytes(), "model")
                self._hold(storage, Block(storage.nbytes(), category, "", "", "", tuple(tensor.shape)))
                self.before[category] += storage.nbytes()

    # Where we are.

    @property
    def phase(self) -> str:
        if torch._C._current_graph_task_id() != -1:
            return "backward"
        return "optimizer" if self._stepping else self.base_phase

    @property
    def module(self) -> str:
        return self._backward_module if self.phase == "backward" else self._module

    def _hook(self) -> None:
        for name, module in self.model.named_modules():
            if not next(module.children(), None):
                self._handles.append(module.register_forward_pre_hook(self._entering(name)))
                self._handles.append(module.register_forward_hook(self._leaving(name)))
        for parameter in self.model.parameters():
            handle = parameter.register_post_accumulate_grad_hook(self._gradient_done)  # type: ignore[no-untyped-call]
            self._handles.append(handle)
        self._handles.append(self.optimizer.register_step_pre_hook(lambda *_: setattr(self, "_stepping", True)))
        self._handles.append(self.optimizer.register_step_post_hook(lambda *_: setattr(self, "_stepping", False)))

    def _entering(self, name: str) -> Any:
        def hook(*_: Any) -> None:
            self._module = name
            self._backward_module = ""  # until the next backward reaches a module: the loss comes first

        return hook

    def _leaving(self, name: str) -> Any:
        def backward_begins(*_: Any) -> None:
            self._backward_module = name

        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            self._module = ""
            for tensor in tree_leaves(output):
                if isinstance(tensor, Tensor) and tensor.grad_fn is not None:
                    tensor.grad_fn.register_prehook(backward_begins)

        return hook

    def _gradient_done(self, parameter: Tensor) -> None:
        assert parameter.grad is not None
        self._recategorise(parameter.grad, "gradients")

    # Births and deaths.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        if not self._quiet:
            for tensor in tree_leaves(output):
                if isinstance(tensor, Tensor):
                    self._see(tensor, func, args, kwargs)
        return output

    def _see(self, tensor: Tensor, func: Any, args: Any, kwargs: Any) -> None:
        storage = tensor.untyped_storage()
        size = storage.nbytes()
        if storage._cdata in self._alive or size == 0:
            return
        inputs = (leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor))
        if any(leaf.untyped_storage()._cdata == storage._cdata for leaf in inputs):
            return  # a view of something outside the device
        self._require(size, str(func))
        phase = self.phase
        category: Category = "activations" if phase in ("forward", "evaluation") else "temporary"
        if phase == "optimizer":
            category = "optimizer state"
        block = Block(size, category, phase, self.module, str(func), tuple(tensor.shape))
        self._hold(storage, block)
        self.changes.append(Change(size, block, phase, block.module))

    def _require(self, size: int, operation: str) -> None:
        if self.limit_bytes is not None and self.live_bytes + size > self.limit_bytes:
            raise SimulatedOutOfMemoryError(
                requested_bytes=size,
                live_bytes=self.live_bytes,
                limit_bytes=self.limit_bytes,
                phase=self.phase,
                module=self.module,
                operation=operation,
            )

    def _hold(self, storage: torch.UntypedStorage, block: Block) -> None:
        key = storage._cdata
        self._alive[key] = (weakref.ref(storage, lambda _: self._release(key)), block)
        self.live_bytes += block.bytes

    def _release(self, key: int) -> None:
        if not self._watching:
            return
        _, block = self._alive.pop(key)
        phase, module = self.phase, self.module
        # What dies in the phase it was born in was only passing through.
        if block.phase == phase and phase in ("forward", "optimizer") and block.category != "batch":
            block.category = "temporary"
        self.live_bytes -= block.bytes
        self.changes.append(Change(-block.bytes, block, phase, module))

    def _recategorise(self, tensor: Tensor, category: Category) -> None:
        held = self._alive.get(tensor.untyped_storage()._cdata)
        if held:
            held[1].category = category


def merge(*peaks: Peak) -> Peak:
    """Return the highest of several peaks, the first one if they are equal."""
    return max(peaks, key=lambda peak: peak.bytes)

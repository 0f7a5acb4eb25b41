"""Track every tensor storage of an update from allocation to release: bytes, category, phase and module."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from core.memory import workspace
from core.memory.limit import SimulatedOutOfMemoryError
from core.memory.workspace import Record
from core.run.events import CATEGORIES, Category, FailedAllocation
from core.run.timeline import Block, Change, Timeline


class Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watch one update or one evaluation inside `with ledger:`. Code outside it runs at full speed.

    The ledger works on real and on fake tensors, so a prediction uses the same bookkeeping as a measurement. With real
    tensors PyTorch's own record is made in addition; what it has beyond the ledger is workspace. With `limit_bytes`,
    the allocation that would cross the limit raises SimulatedOutOfMemoryError inside its operation; `workspace_bytes`
    of the limit are reserved, and the device has `margin_bytes` more than the limit. Storages that existed before count
    only if they belong to the model, the optimizer or `kept`; the data set, for example, is not on the device.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        limit_bytes: int | None = None,
        workspace_bytes: int = 0,
        margin_bytes: int = 0,
        phase: str = "forward",
        kept: Sequence[Tensor] = (),
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model, self.optimizer, self.kept = model, optimizer, kept
        self.limit_bytes, self.workspace_bytes, self.margin_bytes = limit_bytes, workspace_bytes, margin_bytes
        self.base_phase = phase
        self.record = Record()
        self.live_bytes = 0
        self.changes: list[Change] = []
        self.before: dict[str, int] = dict.fromkeys(CATEGORIES, 0)
        self._alive: dict[int, tuple[weakref.ref[Any], Block]] = {}
        self._claimed: set[int] = set()
        self._handles: list[RemovableHandle] = []
        self._stepping = False
        self._module = ""
        self._backward_module = ""
        self._quiet = False
        self._watching = False
        self._recording = ExitStack()

    def timeline(self) -> Timeline:
        """Return the changes so far. PyTorch's record is included once the ledger has been exited."""
        rose = self.record.highest_bytes
        recorded = sum(self.before.values()) + rose if rose else 0
        return Timeline(dict(self.before), tuple(self.changes), recorded, self.record.operations)

    def __enter__(self) -> Ledger:
        self._take_stock()
        self._hook()
        self._watching = True
        if not any(isinstance(parameter, FakeTensor) for parameter in self.model.parameters()):
            self.record = self._recording.enter_context(workspace.recording())
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._recording.close()
        self._watching = False
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._alive.clear()
        self._claimed.clear()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Do not count allocations inside this context, which telemetry makes."""
        self._quiet = True
        try:
            with workspace.telemetry():
                yield
        finally:
            self._quiet = False

    def claim_batch(self, *tensors: Tensor) -> None:
        """Mark newly created tensors as the batch."""
        for tensor in tensors:
            self._recategorise(tensor, "batch")

    def claim_results(self, *results: Any) -> None:
        """Mark what a forward pass returns as activations, also if nothing but the training loop holds it."""
        for tensor in _dense(*tree_leaves(results)):
            held = self._alive.get(tensor.untyped_storage()._cdata)
            if held and held[1].category == "activations":
                self._claimed.add(tensor.untyped_storage()._cdata)

    # Storages from before the update.

    def _take_stock(self) -> None:
        held: list[tuple[Tensor, Category]] = [(tensor, "parameters") for tensor in self.model.parameters()]
        held += [(tensor, "parameters") for tensor in self.model.buffers()]
        held += [(p.grad, "gradients") for p in self.model.parameters() if p.grad is not None]
        for state in self.optimizer.state.values():
            held += [(value, "optimizer state") for value in state.values() if isinstance(value, Tensor)]
        held += [(tensor, "activations") for tensor in self.kept]
        for tensor, category in ((part, category) for whole, category in held for part in _dense(whole)):
            storage = tensor.untyped_storage()
            if storage._cdata not in self._alive:
                self._require(storage.nbytes(), category, tuple(tensor.shape), phase="held")
                self._hold(storage, Block(storage.nbytes(), category, "", "", "", tuple(tensor.shape)))
                self.before[category] += storage.nbytes()

    # The phase and module at work.

    @property
    def phase(self) -> str:
        if torch._C._current_graph_task_id() != -1:
            return "backward"
        return "optimizer" if self._stepping else self.base_phase

    @property
    def module(self) -> str:
        # A module that runs during the backward pass is recomputing its activations.
        return self._module or (self._backward_module if self.phase == "backward" else "")

    def _hook(self) -> None:
        for name, module in self.model.named_modules():
            if not next(module.children(), None):
                self._handles.append(module.register_forward_pre_hook(self._entering(name)))
                # A recomputation stops in the middle of a module once it has everything, hence `always_call`.
                self._handles.append(module.register_forward_hook(self._leaving(name), always_call=True))
        for parameter in self.model.parameters():
            if not parameter.requires_grad:
                continue
            handle = parameter.register_post_accumulate_grad_hook(self._gradient_done)  # type: ignore[no-untyped-call]
            self._handles.append(handle)
        # The phase lasts to the end of the update, which then lets go of its gradients, batch, output and loss.
        self._handles.append(self.optimizer.register_step_pre_hook(lambda *_: setattr(self, "_stepping", True)))

    def _entering(self, name: str) -> Any:
        def hook(*_: Any) -> None:
            self._module = name
            if self.phase != "backward":
                self._backward_module = ""  # the backward pass starts with the loss, outside any module

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

    # Allocations and releases.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten.add.Tensor and _is_accumulation(args, kwargs):
            return args[0].add_(args[1])
        if func is torch.ops.aten.clone.default and _is_taken_over(args):
            return args[0]
        with workspace.operation(str(func)):
            output = func(*args, **kwargs)
        if not self._quiet:
            for tensor in _dense(*tree_leaves(output)):
                self._track(tensor, func, args, kwargs)
        return output

    def _track(self, tensor: Tensor, func: Any, args: Any, kwargs: Any) -> None:
        storage = tensor.untyped_storage()
        size = storage.nbytes()
        if storage._cdata in self._alive or size == 0:
            return
        inputs = _dense(*tree_leaves((args, kwargs)))
        is_new = func is torch.ops.aten.lift_fresh.default  # `torch.tensor(...)` allocates before any operation runs
        if not is_new and any(leaf.untyped_storage()._cdata == storage._cdata for leaf in inputs):
            return  # the tensor is a view of a storage outside the device
        self._require(size, str(func), tuple(tensor.shape))
        phase = self.phase
        computed = phase in ("forward", "evaluation") or (phase == "backward" and self._module)
        category: Category = "activations" if computed else "temporary"
        if phase == "optimizer":
            category = "optimizer state"
        block = Block(size, category, phase, self.module, str(func), tuple(tensor.shape))
        self._hold(storage, block)
        self.changes.append(Change(size, block, phase, block.module))

    def _require(self, size: int, operation: str, shape: tuple[int, ...], *, phase: str | None = None) -> None:
        if self.limit_bytes is not None and self.live_bytes + size + self.workspace_bytes > self.limit_bytes:
            raise SimulatedOutOfMemoryError(
                FailedAllocation(
                    requested_bytes=size,
                    live_bytes=self.live_bytes,
                    limit_bytes=self.limit_bytes,
                    workspace_bytes=self.workspace_bytes,
                    margin_bytes=self.margin_bytes,
                    phase=phase or self.phase,
                    module=self.module,
                    operation=operation,
                    shape=shape,
                )
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
        # A storage released in the phase that allocated it was temporary.
        is_claimed = block.category == "batch" or key in self._claimed
        self._claimed.discard(key)
        if block.phase == phase and phase in ("forward", "optimizer") and not is_claimed:
            block.category = "temporary"
        self.live_bytes -= block.bytes
        self.changes.append(Change(-block.bytes, block, phase, module))

    def _recategorise(self, tensor: Tensor, category: Category) -> None:
        for part in _dense(tensor):
            held = self._alive.get(part.untyped_storage()._cdata)
            if held:
                held[1].category = category


def _dense(*leaves: Any) -> Iterator[Tensor]:
    """Yield the dense tensors among these; a sparse tensor yields its indices and its values."""
    for leaf in leaves:
        if isinstance(leaf, Tensor) and leaf.layout is torch.sparse_coo:
            yield from (leaf._indices(), leaf._values())
        elif isinstance(leaf, Tensor):
            yield leaf


def _is_taken_over(args: Any) -> bool:
    """Return whether this is the autograd engine storing a sparse gradient in its parameter.

    The engine copies the gradient only if a dispatch mode such as the ledger is active; otherwise it stores it as is.
    """
    in_backward = torch._C._current_graph_task_id() != -1 and not torch.is_grad_enabled()
    return in_backward and isinstance(args[0], Tensor) and args[0].layout is torch.sparse_coo


def _is_accumulation(args: Any, kwargs: Any) -> bool:
    """Return whether this is the autograd engine adding two gradients of one tensor, with no other user of the first.

    The engine then adds in place, unless a dispatch mode such as the ledger is active: that makes it allocate a new
    tensor, which the ledger must not count. Reference counts distinguish this from an addition inside a backward
    formula: the engine's first operand is held by its buffer, by its call, and twice by Python.
    """
    if torch._C._current_graph_task_id() == -1 or torch.is_grad_enabled() or len(args) != 2 or kwargs:
        return False
    first, second = args
    if not (isinstance(first, Tensor) and isinstance(second, Tensor) and first.dtype == second.dtype):
        return False
    users: int = first._use_count()  # type: ignore[attr-defined]
    held = users, torch._C._storage_Use_Count(first.untyped_storage()._cdata)
    return held == (4, 2) and first.shape == second.shape

"""Time an epoch: the floor, ours with all telemetry and the store, a hand-written DataLoader loop, Lightning."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import lightning
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from core.config import RunConfig
from core.datasets.tensors import Data
from core.loop import Loop
from core.store import Store, new_run_id
from core.store.writer import Writer
from core.trainer import Trainer

EXAMPLES, FEATURES, CLASSES, ROUNDS = 10_000, 64, 10, 3
SIZES = {32: 20, 100: 40, 1_000: 80}  # and the epochs timed: about a second, in which a start does not show
RATE, MOMENTUM = 0.01, 0.9


def measure() -> dict[str, dict[int, float]]:
    """Return the median milliseconds an epoch of each loop at each batch size, the loops taking turns."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(EXAMPLES, FEATURES, generator=generator)
    targets = torch.randint(0, CLASSES, (EXAMPLES,), generator=generator)
    loops: dict[str, Callable[[Tensor, Tensor, int], float]] = {
        "floor": floor,
        "ours": ours,
        "DataLoader loop": dataloader_loop,
        "Lightning": with_lightning,
    }
    times: dict[str, dict[int, list[float]]] = {name: {size: [] for size in SIZES} for name in loops}
    for _ in range(ROUNDS):
        for size in SIZES:
            for name, loop in loops.items():
                times[name][size].append(loop(inputs, targets, size))
    return {name: {size: 1_000 * median(seen) for size, seen in by_size.items()} for name, by_size in times.items()}


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, CLASSES))


def floor(inputs: Tensor, targets: Tensor, size: int) -> float:
    """Forward and backward only, on the same batch again and again."""
    net, x, y = model(), inputs[:size].clone(), targets[:size].clone()
    parameters = list(net.parameters())
    batches = -(-EXAMPLES // size)
    began = perf_counter()
    for _ in range(SIZES[size] * batches):
        cross_entropy(net(x), y).backward()
        for parameter in parameters:
            parameter.grad = None
    return (perf_counter() - began) / SIZES[size]


def ours(inputs: Tensor, targets: Tensor, size: int) -> float:
    """The trainer's loop with loss, rate and gradient norm of every update, written to a database."""
    updates = SIZES[size] * -(-EXAMPLES // size)
    config = RunConfig(
        dataset="digits", batch_size=size, lr=RATE, momentum=MOMENTUM, budget="updates", budget_value=updates
    )
    data = Data(inputs.view(-1, 1, 8, 8), targets, inputs[:1].view(-1, 1, 8, 8), targets[:1])
    with tempfile.TemporaryDirectory() as folder:
        store, run = Store.open(Path(folder) / "runs.sqlite"), new_run_id()
        store.create(run, config, owner="bench", session="")
        trainer, writer = Trainer(config, data), Writer(store.address, run)
        began = perf_counter()
        Loop(trainer, writer.put).run()
        took = perf_counter() - began
        writer.close()
        store.close()
    return took / SIZES[size]


def dataloader_loop(inputs: Tensor, targets: Tensor, size: int) -> float:
    """What most people write."""
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=size, shuffle=True)
    losses = []
    began = perf_counter()
    for _ in range(SIZES[size]):
        for x, y in loader:
            optimizer.zero_grad()
            loss = cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return (perf_counter() - began) / SIZES[size]


class Lit(lightning.LightningModule):
    """The same training as a Lightning module."""

    def __init__(self) -> None:
        super().__init__()
        self.net = model()

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        x, y = batch
        return cross_entropy(self.net(x), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=RATE, momentum=MOMENTUM)


def with_lightning(inputs: Tensor, targets: Tensor, size: int) -> float:
    """Lightning without logging, checkpoints or progress bar."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=size, shuffle=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=SIZES[size], accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, barebones=False,
        )  # fmt: skip
        began = perf_counter()
        trainer.fit(Lit(), loader)
    return (perf_counter() - began) / SIZES[size]

"""Time an epoch: the floor, ours with all telemetry and the store, a hand-written DataLoader loop, Lightning.

Each has a process of its own, since what a peer leaves behind in a process slows the others; they take turns, one at
a time.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from core.datasets.tensors import Data
from core.run.config import RunConfig
from core.store import Store, new_run_id
from core.store.writer import Writer
from core.train.loop import Loop
from core.train.trainer import Trainer

EXAMPLES, FEATURES, CLASSES, ROUNDS = 10_000, 64, 10, 5
SIZES = {32: 24, 100: 60, 1_000: 180}  # epochs timed, by batch size: 2 to 4 seconds, so that the start does not count
PEERS_SHARE = 3  # the slower peers get a third of them
RATE, MOMENTUM = 0.01, 0.9


Times = dict[str, dict[int, list[float]]]


def measure() -> Times:
    """Return the seconds an epoch of each loop at each batch size in each round, the loops taking turns."""
    times: Times = {name: {size: [] for size in SIZES} for name in LOOPS}
    with ExitStack() as stack:
        processes = {name: stack.enter_context(_process()) for name in LOOPS}
        for size in SIZES:
            for turn in range(1 + ROUNDS):
                for name, loop in LOOPS.items():
                    share = PEERS_SHARE if loop in PEERS else 1
                    took = processes[name].submit(loop, size, SIZES[size] // share).result()
                    if turn:  # the first one imports and warms up
                        times[name][size].append(took)
    return times


def ratio(times: Times, one: str, other: str) -> dict[int, float]:
    """Return how many times as long the one takes as the other: the median over the rounds, each a pair of its own."""
    return {
        size: median(ours / theirs for ours, theirs in zip(times[one][size], times[other][size], strict=True))
        for size in SIZES
    }


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), torch.set_num_threads, (1,))


def examples() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(EXAMPLES, FEATURES, generator=generator)
    return inputs, torch.randint(0, CLASSES, (EXAMPLES,), generator=generator)


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, CLASSES))


def floor(size: int, epochs: int) -> float:
    """Forward and backward only, on the same batch again and again."""
    net, x, y = model(), *(part[:size].clone() for part in examples())
    parameters = list(net.parameters())
    batches = -(-EXAMPLES // size)
    began = perf_counter()
    for _ in range(epochs * batches):
        cross_entropy(net(x), y).backward()
        for parameter in parameters:
            parameter.grad = None
    return (perf_counter() - began) / epochs


def ours(size: int, epochs: int) -> float:
    """The trainer's loop with loss, rate and gradient norm of every update, written to a database."""
    inputs, targets = examples()
    updates = epochs * -(-EXAMPLES // size)
    config = RunConfig(
        dataset="digits", batch_size=size, lr=RATE, momentum=MOMENTUM, budget="updates", budget_value=updates
    )
    data = Data(inputs, targets, inputs[:1], targets[:1])
    with tempfile.TemporaryDirectory() as folder:
        store, run = Store.open(Path(folder) / "runs.sqlite"), new_run_id()
        store.create(run, config, owner="bench", session="")
        trainer, writer = Trainer(config, data), Writer(store.address, run)
        began = perf_counter()
        Loop(trainer, writer.put).run()
        took = perf_counter() - began
        writer.close()
        store.close()
    return took / epochs


def inline(size: int, epochs: int) -> float:
    """The same work and records as ours in one plain loop that can do nothing else and keeps nothing."""
    inputs, targets = examples()
    net = model()
    parameters = list(net.parameters())
    optimizer = torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM, fused=True)
    loss_sum, norm = torch.zeros(()), torch.zeros(())
    began = perf_counter()
    for _ in range(epochs):
        for indices in torch.randperm(EXAMPLES).split(size):
            loss = cross_entropy(net(inputs.index_select(0, indices)), targets.index_select(0, indices))
            loss.backward()
            loss_sum += loss.detach()
            norms = torch._foreach_norm([parameter.grad for parameter in parameters])
            torch.linalg.vector_norm(torch.stack(norms), out=norm)
            optimizer.step()
            for parameter in parameters:
                parameter.grad = None
    return (perf_counter() - began) / epochs


def dataloader_loop(size: int, epochs: int) -> float:
    """What most people write."""
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)
    loader = DataLoader(TensorDataset(*examples()), batch_size=size, shuffle=True)
    losses = []
    began = perf_counter()
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return (perf_counter() - began) / epochs


def with_lightning(size: int, epochs: int) -> float:
    """Lightning without logging, checkpoints or progress bar."""
    return _lightning(size, epochs, records=False)


def recording_lightning(size: int, epochs: int) -> float:
    """Lightning that records what ours does: loss, rate and gradient norm of every update, into its CSV files."""
    return _lightning(size, epochs, records=True)


def _lightning(size: int, epochs: int, *, records: bool) -> float:
    import lightning
    from lightning.pytorch.loggers import CSVLogger

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = model()

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
            x, y = batch
            loss = cross_entropy(self.net(x), y)
            if records:
                self.log("loss", loss)
            return loss

        def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
            if records:
                gradients = [parameter.grad for parameter in self.parameters()]
                norm = torch.nn.utils.get_total_norm(gradients)
                self.log_dict({"norm": norm, "rate": optimizer.param_groups[0]["lr"]})

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=RATE, momentum=MOMENTUM)

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    loader = DataLoader(TensorDataset(*examples()), batch_size=size, shuffle=True)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=CSVLogger(folder) if records else False,
            log_every_n_steps=1,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        began = perf_counter()
        trainer.fit(Module(), loader)
        took = perf_counter() - began
    return took / epochs


LOOPS: dict[str, Callable[[int, int], float]] = {
    "floor": floor,
    "ours": ours,
    "the same inline": inline,
    "DataLoader loop": dataloader_loop,
    "Lightning": with_lightning,
    "Lightning, recording": recording_lightning,
}
PEERS = (dataloader_loop, with_lightning, recording_lightning)

"""Time a prediction, a curve of 20 batch sizes, and an update after the watched ones."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import torch

from core.forecast.predict import curve, new_trainer, predict
from core.forecast.workspace import Reach
from core.host import warm
from core.run.config import RunConfig
from core.train.updater import Updater

SIZES = (1, 2, 4, 8, 16, 32, 50, 64, 100, 128, 200, 256, 500, 512, 1_000, 1_024, 2_000, 2_048, 5_000, 10_000)
SETUPS = (("linear", "none"), ("mlp", "none"), ("mlp", "batch"), ("cnn", "none"), ("cnn", "group"))
TIMES, ROUNDS, UPDATES = 7, 41, 200


def measure() -> dict[str, float]:
    """Return milliseconds, medians; and after the watched updates one with a ledger at hand over one without."""
    for _ in warm.warm_predictions():
        pass
    found = {}
    for model, norm in SETUPS:
        config = RunConfig(model=model, norm=norm, optimizer="adamw", memory_limit_mb=4.0)
        found[f"{model}, {norm}: prediction, ms"] = _ms(lambda config=config: predict(config, reach=Reach.NEAR))
        found[f"{model}, {norm}: curve of 20, ms"] = _ms(lambda config=config: curve(config, SIZES, reach=Reach.NEAR))
    found["an update after the watched ones / without the ledger's question"] = _steady()
    return found


def _ms(work: object) -> float:
    seen = []
    for _ in range(TIMES):
        began = perf_counter()
        work()  # type: ignore[operator]
        seen.append(1_000 * (perf_counter() - began))
    return median(seen)


class Bare(Updater):
    """An updater that never asks whether a shape is new."""

    def update_on(self, window, loss, gradient_norm) -> None:  # type: ignore[no-untyped-def]
        self._update(window, [len(indices) for indices in window], loss, gradient_norm)


def _steady() -> float:
    trainer = new_trainer(RunConfig(batch_size=32))
    window, loss, norm = (torch.zeros(32, dtype=torch.int64),), torch.zeros(()), torch.zeros(())
    for _ in range(3):
        trainer.update_on(window, loss, norm)
    ratios = []
    for _ in range(ROUNDS):
        times = []
        for verb in (trainer.update_on, lambda *given: Bare.update_on(trainer, *given)):
            began = perf_counter()
            for _ in range(UPDATES):
                verb(window, loss, norm)
            times.append(perf_counter() - began)
        ratios.append(times[0] / times[1])
    return median(ratios)

"""Write what was recorded of a run as a file for other programs."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.run.plan import plan
from core.store.reader import Source


def csv_of(source: Source, run_id: str) -> bytes:
    """Return one line an update, with a head: update (from 1), epoch, examples_seen, seconds (of training),
    learning_rate, loss (mean over the update's examples, before the step) and gradient_norm.

    Raises StoreError; a run that is not there has no lines.
    """
    record = source.run(run_id)
    blocks = [chunk.updates for chunk in source.chunks_after(run_id)] if record else []
    per_epoch = plan(record.config).updates_per_epoch if record else 1
    updates = np.arange(1, sum(map(len, blocks)) + 1)
    columns: dict[str, NDArray[Any]] = {"update": updates, "epoch": (updates - 1) // per_epoch + 1}
    for head, name in (
        ("examples_seen", "examples_seen"),
        ("seconds", "seconds"),
        ("learning_rate", "rates"),
        ("loss", "losses"),
        ("gradient_norm", "gradient_norms"),
    ):
        columns[head] = np.concatenate([getattr(block, name) for block in blocks]) if blocks else np.zeros(0)
    if record and record.facts.first:  # a run before it may have had other updates
        columns["epoch"] = -(-columns["examples_seen"] // record.config.spec.examples)
    file = io.BytesIO()
    pd.DataFrame(columns).to_csv(file, index=False, lineterminator="\n")
    return file.getvalue()

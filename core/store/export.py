"""Export the recorded metrics of a run as CSV."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.run.plan import plan
from core.store.reader import Source


def csv_of(source: Source, run_id: str) -> bytes:
    """Return the metrics of a run as CSV, with a header and one line per update.

    Columns: update (from 1), epoch, examples_seen, seconds (training time), learning_rate, loss (mean over the update's
    examples, before the step) and gradient_norm. A run that does not exist gives the header alone. Raises StoreError.
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
    if record and record.facts.first:  # the parent's updates may have had a different batch size
        columns["epoch"] = -(-columns["examples_seen"] // record.config.spec.examples)
    file = io.BytesIO()
    pd.DataFrame(columns).to_csv(file, index=False, lineterminator="\n")
    return file.getvalue()

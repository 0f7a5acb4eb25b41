"""Convert events to the values of a row and back."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from core.run.events import Divergence, Ended, Epoch, FailedAllocation, Peak, Snapshot, Updates

# The payload of n updates is a concatenation of columns, each with n little-endian numbers.
LAYOUT = 1
LAYOUTS: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("rates", "<f8"), ("examples_seen", "<i8"), ("seconds", "<f8"), ("losses", "<f4"), ("gradient_norms", "<f4")),
}


def pack(updates: Updates) -> bytes:
    """Return updates as the payload of a chunk, in layout LAYOUT."""
    return b"".join(getattr(updates, name).astype(dtype, copy=False).tobytes() for name, dtype in LAYOUTS[LAYOUT])


def unpack(payload: bytes, *, layout: int, first: int, count: int) -> Updates:
    """Return the updates in a payload, as read-only arrays. Raises ValueError if the payload has the wrong size."""
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout} of the updates from {first}")
    columns, offset = {}, 0
    for name, dtype in LAYOUTS[layout]:
        columns[name] = np.frombuffer(payload, dtype, count, offset)
        offset += columns[name].nbytes
    if offset != len(payload):
        raise ValueError(f"{count} updates from {first} take {offset} bytes, found {len(payload)}")
    return Updates(first=first, **columns)


def peak_to_json(peak: Peak) -> str:
    return json.dumps(_peak_to_dict(peak))


def peak_from_json(text: str) -> Peak:
    return Peak(**json.loads(text))


def epoch_to_json(epoch: Epoch) -> str:
    return json.dumps(vars(epoch))  # asdict copies deeply, which would take half the time of a write


def epoch_from_json(text: str) -> Epoch:
    return Epoch(**json.loads(text))


def ended_to_json(ended: Ended) -> str:
    values = {name: value for name, value in vars(ended).items() if name not in ("divergence", "allocation")}
    peak = None if ended.peak is None else _peak_to_dict(ended.peak)
    return json.dumps(values | {"values": ended.values_to_dict(), "peak": peak})


def ended_from_json(text: str) -> Ended:
    read = json.loads(text)
    values = read.pop("values")
    peak = read.pop("peak")
    read["peak"] = peak and Peak(**peak)
    if values and read["state"] == "diverged":
        return Ended(**read, divergence=Divergence(**values))
    if values and read["state"] == "out_of_memory":
        return Ended(**read, allocation=FailedAllocation.from_dict(values))
    return Ended(**read, values=values)


def snapshot_to_json(snapshot: Snapshot) -> str:
    return json.dumps(vars(snapshot) | {"plane": base64.b64encode(snapshot.plane).decode()})


def snapshot_from_json(text: str) -> Snapshot:
    values = json.loads(text)
    return Snapshot(
        values["updates"],
        tuple(values["batch"]),
        values["batch_size"],
        tuple(map(tuple, values["confusion"])),
        base64.b64decode(values["plane"]),
    )


def _peak_to_dict(peak: Peak) -> dict[str, Any]:
    # asdict copies deeply and fails on read-only mappings.
    return vars(peak) | {"by_category": dict(peak.by_category)}

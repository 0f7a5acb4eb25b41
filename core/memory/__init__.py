"""Bytes on a simulated device: the ledger of live tensors, the limit it enforces, and workspace inside kernels."""

from core.memory.ledger import Ledger
from core.memory.limit import SimulatedOutOfMemoryError

__all__ = ["Ledger", "SimulatedOutOfMemoryError"]

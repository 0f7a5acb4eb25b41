"""Bytes on a simulated device: the live ledger, its limit, and its prediction on fake tensors."""

from core.memory.ledger import Ledger
from core.memory.limit import MIB, SimulatedOutOfMemoryError

__all__ = ["MIB", "Ledger", "SimulatedOutOfMemoryError"]

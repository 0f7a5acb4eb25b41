"""Account for the memory of a simulated device: live tensors, the limit, and workspace inside kernels."""

from core.memory.ledger import Ledger
from core.memory.limit import SimulatedOutOfMemoryError

__all__ = ["Ledger", "SimulatedOutOfMemoryError"]

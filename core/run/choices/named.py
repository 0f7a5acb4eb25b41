"""Name classes and functions that are imported only where they are used. No torch until then."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


@cache
def loaded(name: str) -> Any:
    """Import what a dotted name such as "torch.optim.SGD" stands for, and return it."""
    return pkgutil.resolve_name(name)


@dataclass(frozen=True)
class Call:
    """A call of something named: `Call("torch.nn.Linear", (64, 10), {"bias": False})`."""

    name: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] | None = None

    def made(self) -> Any:
        """Import it, call it and return the result."""
        return loaded(self.name)(*self.arguments, **(self.options or {}))

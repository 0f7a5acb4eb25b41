"""Refer to classes and functions by name and import them on first use. No torch until then."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


@cache
def loaded(name: str) -> Any:
    """Import and return the object with a dotted name such as "torch.optim.SGD"."""
    return pkgutil.resolve_name(name)


@dataclass(frozen=True)
class Call:
    """A deferred call of a named object: `Call("torch.nn.Linear", (64, 10), {"bias": False})`."""

    name: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] | None = None

    def made(self) -> Any:
        """Import the object, call it and return the result."""
        return loaded(self.name)(*self.arguments, **(self.options or {}))

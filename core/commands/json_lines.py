"""Print JSON objects for other programs, one per line."""

from __future__ import annotations

import json
import math
from typing import Any


def print_json(**values: Any) -> None:
    """Print the values as one line of JSON, with null for infinity and NaN, which JSON lacks."""
    print(json.dumps(_finite(values), allow_nan=False), flush=True)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value

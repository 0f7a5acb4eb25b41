"""Read a chart from a page that AppTest has run."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest


def chart(test: AppTest, alt: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the specification and the rows of the chart that these words stand for.

    The columns have the names that the code gives them, not those that a reader sees.
    """
    (proto,) = [each.proto for each in test.get("vega_lite_chart") if each.proto.alt.startswith(alt)]
    spec: dict[str, Any] = json.loads(proto.spec)
    table = pa.ipc.open_stream(proto.data.data).read_all()
    codes = {name: code for code, name in spec["usermeta"]["columns"].items()}
    return spec, table.rename_columns([codes.get(name, name) for name in table.column_names]).to_pylist()

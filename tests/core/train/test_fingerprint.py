"""Check which facts distinguish one processor from another."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from core.train.fingerprint import fingerprint


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"cpu_name": "Another Name"}, True),
        ({"num_logical_cores": 96, "num_sockets": 4}, True),
        ({"l2_cache_size": 1}, False),
        ({"avx2": "perhaps"}, False),
    ],
    ids=str,
)
def test_a_processor_is_identified_by_its_capabilities_and_not_its_name(
    changes: dict[str, Any],
    same: bool,
    monkeypatch: pytest.MonkeyPatch,  # noqa: FBT001
) -> None:
    capabilities, before = torch.cpu.get_capabilities(), fingerprint()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {**capabilities, **changes})
    assert (fingerprint() == before) is same

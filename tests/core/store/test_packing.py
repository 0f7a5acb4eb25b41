import json
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from core.run.events import Divergence, Ended, Epoch, FailedAllocation, Peak, Updates
from core.store import packing

ALLOCATION = FailedAllocation(48, 60, 100, "forward", "conv1", "aten.mm.default", (4, 3), 2, "full")


def block(**columns: object) -> Updates:
    values = {
        "losses": np.array([1.5], np.float32),
        "rates": np.array([0.1]),
        "gradient_norms": np.array([2.5], np.float32),
        "examples_seen": np.array([3], np.int64),
        "seconds": np.array([0.25]),
    }
    return Updates(7, **(values | columns))  # type: ignore[arg-type]


def test_layout_1_concatenates_the_columns_in_little_endian() -> None:
    expected = (
        "9a9999999999b93f"  # 0.1, the rate
        "0300000000000000"  # 3 examples seen
        "000000000000d03f"  # 0.25 s
        "0000c03f"  # 1.5, the loss
        "00002040"  # 2.5, the gradient norm
    )
    assert packing.LAYOUT == 1
    assert packing.pack(block()).hex() == expected


def test_big_endian_numbers_are_packed_to_the_same_bytes() -> None:
    assert packing.pack(block(rates=np.array([0.1], ">f8"))) == packing.pack(block())


def test_a_chunk_is_restored_bit_for_bit_with_its_types() -> None:
    losses = np.array([np.nan, np.inf, 1e-45], np.float32)
    sent = Updates(7, losses, np.full(3, 0.1), losses[::-1], np.arange(3), np.ones(3))
    back = packing.unpack(packing.pack(sent), layout=1, first=7, count=3)
    assert back.first == 7
    for name in ("losses", "rates", "gradient_norms", "examples_seen", "seconds"):
        assert getattr(back, name).dtype == getattr(sent, name).dtype
        assert getattr(back, name).tobytes() == getattr(sent, name).tobytes()


@pytest.mark.parametrize("count", [0, 2])
def test_a_payload_of_the_wrong_length_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=r"buffer|take"):
        packing.unpack(packing.pack(block()), layout=1, first=0, count=count)


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="layout 2"):
        packing.unpack(packing.pack(block()), layout=2, first=0, count=1)


def test_an_end_is_restored_equal_with_and_without_a_peak() -> None:
    peak = Peak(48, {"activations": 40, "batch": 8}, "backward", "layers.0")
    for ended in (
        Ended("finished", "budget"),
        Ended("failed", "killed", {"signal": 9}, 3, 2, 1, peak, "ab12", 0.5),
        Ended("diverged", "loss", divergence=Divergence(2, 1_626_279.25)),
        Ended("out_of_memory", "limit", peak=peak, allocation=ALLOCATION),
        Ended("out_of_memory", "limit", allocation=replace(ALLOCATION, timeline={"before": {}, "changes": []})),
    ):
        assert packing.ended_from_json(packing.ended_to_json(ended)) == ended


def test_an_end_with_a_read_only_mapping_is_restored() -> None:
    ended = Ended("failed", "killed", MappingProxyType({"signal": 9}))
    assert packing.ended_from_json(packing.ended_to_json(ended)).values == {"signal": 9}


def test_a_divergence_is_stored_as_the_values_of_the_end_with_an_infinite_loss() -> None:
    text = packing.ended_to_json(Ended("diverged", "loss", divergence=Divergence(7, float("inf"))))
    assert text == (
        '{"state": "diverged", "reason": "loss", "values": {"update": 7, "loss": Infinity}, "updates": 0, '
        '"updates_per_epoch": null, "unchanged_updates": 0, "peak": null, "losses_sha256": null, "elapsed_s": 0.0}'
    )
    assert packing.ended_from_json(text).divergence == Divergence(7, float("inf"))


def test_a_failed_allocation_is_stored_as_the_values_of_the_end() -> None:
    text = packing.ended_to_json(Ended("out_of_memory", "limit", allocation=ALLOCATION))
    assert json.dumps(json.loads(text)["values"]) == (
        '{"requested_bytes": 48, "live_bytes": 60, "limit_bytes": 100, "workspace_bytes": 2, "margin_bytes": 0, '
        '"over_bytes": 10, "phase": "forward", "module": "conv1", "operation": "aten.mm.default", "shape": [4, 3], '
        '"error": "full"}'
    )


def test_an_end_from_an_older_version_without_details_is_read() -> None:
    older = Ended("out_of_memory", "limit", updates=30)
    assert packing.ended_from_json(packing.ended_to_json(older)) == older
    values = {"requested_bytes": 4, "live_bytes": 3, "limit_bytes": 5, "over_bytes": 2, "phase": "forward"}
    text = json.dumps(json.loads(packing.ended_to_json(older)) | {"values": values | {"module": "", "operation": "x"}})
    assert packing.ended_from_json(text).allocation == FailedAllocation(4, 3, 5, "forward", "", "x")


def test_a_peak_and_an_epoch_are_restored_equal() -> None:
    peak = Peak(48, {"activations": 40, "batch": 8}, "backward", "layers.0")
    assert packing.peak_from_json(packing.peak_to_json(peak)) == peak
    epoch = Epoch(2, 20, 10, True, 0.5, None, 0.875, 1.25)
    assert packing.epoch_from_json(packing.epoch_to_json(epoch)) == epoch

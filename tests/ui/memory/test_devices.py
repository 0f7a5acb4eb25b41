"""The devices: capacities as in PyTorch's messages, their sources, and what a margin leaves."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from core.run.config import RunConfig
from core.run.fields import bounds_of
from ui.memory.devices import DEVICES, MARGIN_MB, Device, about


def test_each_device_has_the_capacity_of_a_message_in_a_public_thread() -> None:
    assert {device.name: (device.capacity_gib, device.limit_mb) for device in DEVICES} == {
        "3060": (11.75, 12_032),
        "t4": (14.56, 14_909),
        "4090": (23.64, 24_207),
        "a100": (79.14, 81_039),
    }
    for device in DEVICES:
        address = urlsplit(device.source)
        assert (address.scheme, address.netloc) == ("https", "github.com")
        assert address.path.split("/")[3] == "issues"


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_a_device_is_a_valid_setting_that_leaves_all_but_the_margin(device: Device) -> None:
    config = RunConfig(memory_limit_mb=device.limit_mb, memory_margin_mb=MARGIN_MB)
    assert config.memory_limit_bytes == (device.limit_mb - 1_024) * 2**20
    assert device.limit_mb <= bounds_of("memory_limit_mb")[1]


@pytest.mark.parametrize("limit_mb", [1_024, 12_288, 16_384, 24_576, 81_920])
def test_a_link_with_the_size_of_an_earlier_device_still_opens_without_a_margin(limit_mb: int) -> None:
    config = RunConfig.from_mapping({"memory_limit_mb": str(limit_mb)})
    assert config.memory_limit_bytes == limit_mb * 2**20
    assert about(config) == ""


def test_a_device_and_its_margin_are_described() -> None:
    text = about(RunConfig(memory_limit_mb=14_909, memory_margin_mb=512))
    assert text == (
        "T4: PyTorch reports a capacity of 14.56 GiB ([source](https://github.com/Zheng-Chong/CatVTON/issues/133)). "
        "A margin of 512 MiB is set aside for the CUDA context and fragmentation, so 14.06 GiB of 14.56 GiB can be "
        "used. The margin is a setting under *More*."
    )
    assert about(RunConfig(memory_limit_mb=None, memory_margin_mb=512)) == ""

"""Offer GPUs as simulated devices: the capacity that PyTorch reports for each, where it was seen, and a margin."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.run.config import RunConfig
from core.words.units import MIB
from ui.setup.fields import apply
from ui.shell.text import mib, say, words

# A CUDA context takes 300 MiB and more (https://github.com/pytorch/pytorch/issues/107667), for which no tensor
# accounts; the rest is room for memory that PyTorch has reserved in pieces too small for the next tensor.
MARGIN_MB = 1_024


@dataclass(frozen=True)
class Device:
    """A GPU with its total capacity in an out-of-memory message of PyTorch, and the public thread that quotes it."""

    name: str
    capacity_gib: float
    source: str

    @property
    def limit_mb(self) -> int:
        return round(1_024 * self.capacity_gib)


T4 = Device("t4", 14.56, "https://github.com/Zheng-Chong/CatVTON/issues/133")
DEVICES = (
    Device("3060", 11.75, "https://github.com/Kunhao-Liu/StyleGaussian/issues/12"),
    T4,
    Device("4090", 23.64, "https://github.com/ali-vilab/VGen/issues/104"),
    Device("a100", 79.14, "https://github.com/lianqi1008/Control-GIC/issues/6"),
)


def draw() -> None:
    """Draw a button for each device, which sets the memory limit and the margin."""
    sources = words().listed([f"[{_name(device)}]({device.source})" for device in DEVICES])
    help_ = say("memory.devices.help", margin=mib(MARGIN_MB * MIB), sources=sources)
    st.caption(say("memory.devices"), width="content", help=help_)
    for device in DEVICES:
        st.button(
            say("memory.device.button", name=_name(device), capacity=mib(device.limit_mb * MIB)),
            key=f"device_{device.name}",
            type="tertiary",
            on_click=apply,
            args=({"memory_limit_mb": device.limit_mb, "memory_margin_mb": MARGIN_MB},),
        )


def about(config: RunConfig) -> str:
    """Return what the device of a run offers, or nothing if it has no limit, or neither a name nor a margin."""
    limit, usable = config.memory_limit_mb, config.memory_limit_bytes
    if limit is None or usable is None:
        return ""
    capacity, margin = mib(limit * MIB), config.memory_margin_bytes
    device = next((device for device in DEVICES if device.limit_mb == limit), None)
    sentences = []
    if device:
        source = f"[{say('memory.device.source')}]({device.source})"
        sentences.append(say("memory.device.about", name=_name(device), capacity=capacity, source=source))
    if margin:
        sentences.append(say("memory.margin", margin=mib(margin), capacity=capacity, usable=mib(usable)))
    return " ".join(sentences)


def _name(device: Device) -> str:
    return say(f"memory.device.{device.name}")

"""This machine as one more card: its first CUDA card, else its processor. Found without loading PyTorch."""

from __future__ import annotations

import os
import shutil
import subprocess

from allotment.training._device import machine_memory_gib
from allotment.training.estimation._cards import Card, peak_tflops
from allotment.training.estimation._memory import Device

THIS_MACHINE = "this machine"
_QUERY = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")


def this_machine(usd_per_hour: float | None) -> tuple[Card, Device]:
    """The card a training here would run on, named ``this machine``, and its kind.

    Memory is 0 where it cannot be read. ``source`` says which card it is.

    Args:
        usd_per_hour: what the machine costs, if that is known.
    """
    name, memory_gib = _first_card()
    if name:
        return Card(THIS_MACHINE, memory_gib, peak_tflops(name), usd_per_hour, source=name, as_of=""), "cuda"
    memory = machine_memory_gib() or 0.0
    return Card(THIS_MACHINE, memory, None, usd_per_hour, source="processor", as_of=""), "cpu"


def _first_card() -> tuple[str, float]:
    tool = shutil.which("nvidia-smi")
    if tool is None or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return "", 0.0
    try:
        told = subprocess.run([tool, *_QUERY], capture_output=True, text=True, timeout=20, check=True)
        name, _, mebibytes = told.stdout.splitlines()[0].rpartition(",")
        return name.strip(), float(mebibytes) / 1024
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return "", 0.0

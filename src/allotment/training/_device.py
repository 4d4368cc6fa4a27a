"""The device a training runs on: what it is, how much it holds, and which number format it computes fast."""

from __future__ import annotations

import os
import platform
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allotment.errors import TrainingError

_BF16_SINCE = (8, 0)
"""CUDA compute capability (Ampere) from which bf16 is computed and not emulated."""
_CONTEXT = 2**30
"""Most bytes of a card that CUDA takes for a process; 0.6 to 0.8 GiB were seen."""


@dataclass(frozen=True)
class Device:
    """One card, or the processor."""

    kind: str
    """``cuda`` or ``cpu``."""
    name: str
    count: int
    """Cards that share the training; 1 for a processor."""
    memory_gib: float | None
    """Of one card, or the machine's; none if it cannot be read."""
    capability: tuple[int, int] | None
    """CUDA compute capability."""

    def described(self, peak_tflops: float | None) -> dict[str, Any]:
        """For the run's record."""
        values = asdict(self)
        del values["capability"], values["kind"], values["name"]
        return {
            "device": self.name,
            **values,
            "peak_tflops": peak_tflops,
            "cores": os.cpu_count(),
            "platform": f"{platform.system()} {platform.machine()}",
        }


def find_device(cards: int = 1) -> Device:
    """The first CUDA card of this process, else the processor."""
    import torch

    if torch.cuda.is_available():
        index = torch.cuda.current_device()
        found = torch.cuda.get_device_properties(index)
        capability = torch.cuda.get_device_capability(index)
        return Device("cuda", found.name, cards, round(found.total_memory / 2**30, 1), capability)
    return Device("cpu", "cpu", 1, machine_memory_gib(), None)


def machine_memory_gib() -> float | None:
    """Memory this process may use: the machine's, or less where a control group says so."""
    try:
        sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (ValueError, OSError):
        return None
    for file in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            sizes.append(int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue  # no such group, or "max"
    return round(min(sizes) / 2**30, 2)


def precision_on(device: Device, wanted: str) -> str:
    """The number format a training computes in: ``bf16``, ``fp16`` or ``fp32``.

    Raises:
        TrainingError: the card only emulates what is wanted.
    """
    emulated = device.capability is not None and device.capability < _BF16_SINCE
    if wanted == "auto":
        return "fp32" if device.kind == "cpu" else "fp16" if emulated else "bf16"
    if wanted == "bf16" and emulated:
        raise TrainingError(
            f"{device.name} has no bf16 arithmetic.",
            kind="configuration",
            element="training.precision",
            remedy="Leave precision out, or write `precision: fp16`.",
        )
    return wanted


def peak_gib(device: Device) -> float:
    """Most memory this process has held so far: on the card where there is one, else in RAM.

    On a card it is PyTorch's own at its highest and what the card holds besides, CUDA's context, unless that is more
    than a context takes: then other programs are on it.
    """
    if device.kind == "cuda":
        import torch

        free, total = torch.cuda.mem_get_info()
        besides: int = total - free - torch.cuda.memory_reserved()
        reserved: int = torch.cuda.max_memory_reserved()
        return round((reserved + min(besides, _CONTEXT)) / 2**30, 3)
    return round(_peak_rss_bytes() / 2**30, 3)


def _peak_rss_bytes() -> int:
    """From the kernel's record of this program; ``getrusage`` also counts what the process that started it held."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        unit = 1 if platform.system() == "Darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on a card or in RAM."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    told = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "defaultcpuallocator" in told or "out of memory" in told or "not enough memory" in told
    )

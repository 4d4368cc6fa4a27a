"""What the C library's heap wastes of a training's memory on a processor, and how the training gets it back.

PyTorch asks for memory at addresses divisible by 64. glibc before 2.38 cuts such a block out of a larger one and keeps
the splinters, which small objects then pin, so that a freed tensor's place is hardly ever found again for a tensor of
the same size (glibc bug 14581): a process holds up to two and a half times the activations that are alive. Two things
help: no caches for small blocks, so that splinters grow together again, and telling the library after each layer to
give back pages that hold nothing.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

_TUNABLES = "GLIBC_TUNABLES"
_SETTINGS = {"glibc.malloc.tcache_count": "0", "glibc.malloc.mxfast": "0"}


def worker_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment a training process is started in; settings somebody made himself stay."""
    if platform.libc_ver()[0] != "glibc":
        return dict(environment)
    there = dict(entry.split("=", 1) for entry in environment.get(_TUNABLES, "").split(":") if "=" in entry)
    settings = ":".join(f"{name}={value}" for name, value in {**_SETTINGS, **there}.items())
    return {**environment, _TUNABLES: settings}


def tidy_heap(model: Any) -> None:
    """Give back what is free after each decoder layer's forward pass, those that are computed again too."""
    for module in model.modules():
        if type(module).__name__.endswith("DecoderLayer"):
            module.register_forward_hook(_after_layer)


def give_back() -> None:
    """Return free pages of the heap to the system; takes microseconds where there are none."""
    trim = _trim()
    if trim is not None:
        trim(0)


def _after_layer(*_: Any) -> None:
    give_back()


@lru_cache
def _trim() -> Callable[[int], int] | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL(None).malloc_trim

"""A GGUF file by its parts: the bytes of its metadata as they are, and where each tensor lies.

The format is llama.cpp's, version 3: magic, version, counts, key-value pairs, tensor infos, then the tensors' bytes,
each at a multiple of the alignment (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from allotment.training.estimation._gguf_header import _entry, _number, _text

_FIXED_BYTES = 24
"""Magic, version, number of tensors, number of pairs."""
_ALIGNMENT = "general.alignment"


@dataclass(frozen=True)
class GgufTensor:
    """One tensor of a file."""

    name: str
    shape: tuple[int, ...]
    """Outermost first, as in PyTorch."""
    kind: int
    """How it is stored, as GGML numbers it."""
    start: int = 0
    """Where its bytes begin, counted from the first tensor's."""

    @property
    def size(self) -> int:
        """Its bytes."""
        import gguf

        block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(self.kind)]
        return int(math.prod(self.shape) // block * size)

    def info(self, start: int) -> bytes:
        """Its entry in a header that puts it at ``start``."""
        name = self.name.encode("utf-8")
        sizes = tuple(reversed(self.shape))
        form = f"<Q{len(name)}sI{len(sizes)}QIQ"
        return struct.pack(form, len(name), name, len(sizes), *sizes, self.kind, start)


@dataclass(frozen=True)
class GgufFile:
    """Where everything in a file is."""

    path: Path
    values: Mapping[str, Any]
    """Metadata without its arrays."""
    infos_start: int
    """Where the metadata ends and the tensor infos begin."""
    data_start: int
    alignment: int
    tensors: tuple[GgufTensor, ...]

    @classmethod
    def of(cls, path: Path) -> GgufFile:
        """Read a file's header.

        Raises:
            ValueError: it is not a GGUF file of version 2 or 3, or its header is cut short.
        """
        with path.open("rb") as file:
            magic, version, tensors, pairs = struct.unpack("<4sIQQ", file.read(_FIXED_BYTES).ljust(_FIXED_BYTES))
            if magic != b"GGUF" or version not in (2, 3):
                raise ValueError(f"{path} is not a GGUF file of version 2 or 3")
            values = dict(_entry(file) for _ in range(pairs))
            infos_start = file.tell()
            found = tuple(_tensor(file) for _ in range(tensors))
            alignment = int(values.get(_ALIGNMENT) or 32)
            return cls(path, values, infos_start, aligned(file.tell(), alignment), alignment, found)


def aligned(place: int, alignment: int) -> int:
    """The first multiple of ``alignment`` at or after ``place``."""
    return -(-place // alignment) * alignment


def _tensor(file: BinaryIO) -> GgufTensor:
    name = _text(file)
    sizes = [_number(file, "Q") for _ in range(_number(file, "I"))]
    kind, start = _number(file, "I"), _number(file, "Q")
    return GgufTensor(name, tuple(reversed(sizes)), kind, start)

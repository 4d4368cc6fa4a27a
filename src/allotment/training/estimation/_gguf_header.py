"""The header of a GGUF file: its values and the sizes of its tensors.

The ``gguf`` package reads every entry of the vocabulary on the way, which takes 5 to 30 seconds for 262,144 of them,
and wants the weights to be there. Here arrays are passed over, so a second is enough and a header alone will do.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"GGUF"
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
_LONGEST = 1 << 31
"""No text or array of a real header is longer; what says so is not a header."""


def read_header(path: Path) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """Values by key, arrays left out; and tensor name → sizes, the innermost first.

    Raises:
        ValueError: it is not a GGUF file of version 2 or 3, or its header is cut short.
    """
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            raise ValueError("it does not begin with GGUF")
        version = _number(file, "I")
        if version not in (2, 3):
            raise ValueError(f"version {version} is not known")
        tensors, values = _number(file, "Q"), _number(file, "Q")
        found = dict(_entry(file) for _ in range(values))
        return {key: value for key, value in found.items() if value is not None}, dict(
            _tensor(file) for _ in range(tensors)
        )


def _entry(file: BinaryIO) -> tuple[str, Any]:
    return _text(file), _value(file, _number(file, "I"))


def _tensor(file: BinaryIO) -> tuple[str, tuple[int, ...]]:
    name = _text(file)
    sizes = tuple(_number(file, "Q") for _ in range(_number(file, "I")))
    _read(file, 12)  # how it is quantised, and where it lies
    return name, sizes


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind == _ARRAY:
        return _pass_over(file, _number(file, "I"), _number(file, "Q"))
    if kind not in _FORMATS:
        raise ValueError(f"a value of the unknown kind {kind}")
    return _number(file, _FORMATS[kind])


def _pass_over(file: BinaryIO, kind: int, length: int) -> None:
    if kind in _FORMATS:
        _read(file, struct.calcsize(_FORMATS[kind]) * length)
        return
    for _ in range(length):
        _value(file, kind)


def _text(file: BinaryIO) -> str:
    return _read(file, _number(file, "Q")).decode("utf-8", errors="replace")


def _number(file: BinaryIO, kind: str) -> Any:
    return struct.unpack(f"<{kind}", _read(file, struct.calcsize(kind)))[0]


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size) if size < _LONGEST else b""
    if len(data) != size:
        raise ValueError("it is cut short")
    return data

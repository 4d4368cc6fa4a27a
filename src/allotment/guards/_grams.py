"""Which three characters in a row a text has, as a table: one look at it tells which strings are not there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LENGTH = 3
"""Characters of a gram; a shorter string has none."""
_BITS = 16
_FACTORS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D))

Grams = NDArray[np.uint32]
Table = NDArray[np.bool_]


def grams(text: str) -> Grams:
    """Places in a table of the grams of a text."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    mixed = codes[:-2] * _FACTORS[0] ^ codes[1:-1] * _FACTORS[1] ^ codes[2:] * _FACTORS[2]
    places: Grams = (mixed * _FACTORS[0]) >> np.uint32(32 - _BITS)
    return places


def table_of(text: str) -> Table:
    """True at the place of every gram of the text, and at a few places by chance."""
    table = np.zeros(1 << _BITS, np.bool_)
    table[grams(text)] = True
    return table

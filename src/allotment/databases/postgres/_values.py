"""Values of PostgreSQL that Python has no type for, such as the year 20000 or ``infinity``, stay text."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.adapt import AdaptersMap, Buffer, Loader
from psycopg.types.datetime import (
    IntervalLoader,
    TimeLoader,
    TimestampLoader,
    TimestamptzLoader,
    TimetzLoader,
)
from psycopg.types.string import TextLoader

_LOADERS: dict[str, type[Loader]] = {
    "interval": IntervalLoader,
    "time": TimeLoader,
    "timestamp": TimestampLoader,
    "timestamptz": TimestamptzLoader,
    "timetz": TimetzLoader,
}


def _or_text(loader: type[Loader]) -> type[Loader]:
    class OrText(loader):  # type: ignore[misc, valid-type]
        def load(self, data: Buffer) -> Any:
            try:
                return super().load(data)
            except psycopg.DataError:
                return bytes(data).decode()

    return OrText


def _adapters() -> AdaptersMap:
    found = AdaptersMap(psycopg.adapters)
    found.register_loader("date", TextLoader)  # what the server writes is what ``isoformat`` would
    for name, loader in _LOADERS.items():
        found.register_loader(name, _or_text(loader))
    return found


ADAPTERS = _adapters()
"""Adapters of a connection on which gated statements run."""

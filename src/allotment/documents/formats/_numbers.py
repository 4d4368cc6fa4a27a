"""A cell's value as its sheet shows it: dates, per cents and the decimal places of its number format."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

_PLAIN = re.compile(r"^(?P<sign>[^#0?]*?)(?P<number>[#,]*0?[#,0]*)(?P<decimals>\.[0#]+)?(?P<unit>[^#0?]*)$")
_MIDNIGHT = dt.time(0)


def shown(cell: Any) -> str:
    """Text of an openpyxl cell."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == _MIDNIGHT else value.isoformat(" ", "seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if isinstance(value, int | float):
        return number_shown(value, cell.number_format or "General")
    return str(value)


def number_shown(value: float, pattern: str) -> str:
    """A number by an Excel number format; formats that are not understood show the number as it is stored."""
    section = pattern.split(";")[0]
    section = re.sub(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|_.|\*.', r"\1\2\3", section)
    found = _PLAIN.match(section)
    if pattern in ("General", "@") or found is None or not found["number"]:
        return _plain(value)
    places = len((found["decimals"] or ".")[1:])
    percent = "%" in found["unit"]
    digits = f"{value * 100 if percent else value:{',' if ',' in found['number'] else ''}.{places}f}"
    return f"{found['sign']}{digits}{found['unit']}".strip()


def _plain(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _duration(value: dt.timedelta) -> str:
    seconds = round(value.total_seconds())
    return f"{'-' if seconds < 0 else ''}{abs(seconds) // 3600}:{abs(seconds) // 60 % 60:02}:{abs(seconds) % 60:02}"

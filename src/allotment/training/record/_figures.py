"""Figures of a manifest as numbers and as text. What is not known is "unknown", never a guess."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"


def number(figures: Mapping[str, Any] | None, key: str) -> float | None:
    """A figure that is there and finite."""
    value = (figures or {}).get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def figure(value: float | None, unit: str = "") -> str:
    """A number in three digits, all of them where it is large: 0.0213, 3.14, 12,480."""
    if value is None:
        return UNKNOWN
    text = f"{value:,.0f}" if abs(value) >= 999.5 or value == 0 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def dollars(value: float | None) -> str:
    """Money, to the cent; less than ten cents to a hundredth of one."""
    if value is None:
        return UNKNOWN
    if 0 < value < 1e-4:
        return "under $0.0001"
    return f"${value:,.2f}" if value >= 0.1 or value == 0 else f"${value:.4f}"


def percent(value: float | None) -> str:
    """A signed share: +3.2 % or −3.2 %."""
    return UNKNOWN if value is None else f"{value:+.1f} %".replace("-", "−")

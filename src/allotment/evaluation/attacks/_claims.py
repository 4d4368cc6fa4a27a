"""Claims to be somebody else: the texts of ``data/claims.yaml``."""

from __future__ import annotations

from functools import cache

from allotment.evaluation.attacks._texts import Worded, worded

NONE = "none"


@cache
def claims() -> dict[str, Worded]:
    """All of them, by id."""
    return worded("claims")

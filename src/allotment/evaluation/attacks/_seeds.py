"""What an attempt asks: the seed texts of ``data/seeds.yaml``."""

from __future__ import annotations

from functools import cache

from allotment.evaluation.attacks._texts import Worded, worded

PLAIN = "plain"
"""The canary's own question and nothing else: the politest attempt."""


@cache
def seeds() -> dict[str, Worded]:
    """All of them, by id."""
    return worded("seeds")

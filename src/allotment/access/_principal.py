"""The one who asks, as the login knows him."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """A logged-in user and the role the application keeps for him; never taken from a request's text."""

    user: str
    role: str

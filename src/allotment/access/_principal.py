"""The one who asks, as the login knows him."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ClaimValue = str | int | float | bool
Claims = tuple[tuple[str, tuple[ClaimValue, ...]], ...]
"""What is known of a user besides his role: name and one or several values, sorted by name."""


@dataclass(frozen=True)
class Principal:
    """A logged-in user and the role the application keeps for him; never taken from a request's text."""

    user: str
    role: str
    claims: Claims = ()
    """What the application knows of him besides, as ``claims_of`` gives it; row policies compare columns with it."""

    def claim(self, name: str) -> tuple[ClaimValue, ...]:
        """The values of a claim; none when the application knows nothing of the kind. ``name`` is the login name."""
        return (self.user,) if name == "name" else dict(self.claims).get(name, ())


def claims_of(values: Mapping[str, ClaimValue | tuple[ClaimValue, ...] | list[ClaimValue]]) -> Claims:
    """Claims in the form a principal carries, from names with a value or several."""
    listed = {name: tuple(value) if isinstance(value, tuple | list) else (value,) for name, value in values.items()}
    return tuple(sorted(listed.items()))

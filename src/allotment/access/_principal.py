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
    agents: frozenset[str] | None = None
    """The agents the credential he came with is good for; none means every agent his role is entitled to."""

    def may_ask(self, agent: str) -> bool:
        """Whether the credential he came with is good for ``agent``; what his role may ask is another matter."""
        return self.agents is None or agent in self.agents

    def claim(self, name: str) -> tuple[ClaimValue, ...]:
        """The values of a claim; none when the application knows nothing of the kind. ``name`` is the login name."""
        return (self.user,) if name == "name" else dict(self.claims).get(name, ())


def claims_of(values: Mapping[str, ClaimValue | tuple[ClaimValue, ...] | list[ClaimValue]]) -> Claims:
    """Claims in the form a principal carries, from names with a value or several."""
    listed = {name: tuple(value) if isinstance(value, tuple | list) else (value,) for name, value in values.items()}
    return tuple(sorted(listed.items()))

"""Who runs the place without a terminal: which role sees and changes which part of it."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import model_validator

from allotment.project._base import Name, Strict

Part = Literal[
    "people", "access", "documents", "dataset", "training", "guards", "feedback", "database", "audit", "health"
]
"""Parts of the administration, in the order of its pages."""
PARTS: tuple[Part, ...] = get_args(Part)
Changeable = Literal["people", "dataset", "training", "feedback"]
"""Parts in which something can be changed; the others only show."""


class AdminRole(Strict):
    """What one role may do in the administration. It gives no reading: whatever a page shows of a document, a pair, a
    question or a row, it shows to those alone whose role may read it anyway."""

    see: frozenset[Part] = frozenset()
    """Parts it may look at."""
    change: frozenset[Changeable] = frozenset()
    """Parts in which it may change something; it may look at them as well."""
    manages: frozenset[Name] = frozenset()
    """Roles whose users it may invite, move between these roles, shut out and sign out, with ``change: [people]``. Who
    manages a role can make himself an account of it: name here only roles whose reach he may have."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.see and not self.change:
            raise ValueError("gives nothing: name parts in `see` or `change`, or take the role out")
        if ("people" in self.change) != bool(self.manages):
            raise ValueError("`change: [people]` and `manages` go together: name the roles whose users may be changed")
        return self

    @property
    def seen(self) -> frozenset[Part]:
        """Parts it may look at, those it may change included."""
        return self.see | self.change

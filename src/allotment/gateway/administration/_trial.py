"""``Try as``: what would be decided about a question of some role, without running it.

Which agent a question goes to is learnt from what the agents learnt. So the route is shown to those alone who may ask
every agent of that role themselves; to others it would say, question by question, what is in documents they may not
read. The checks and the table of who may ask whom rest on no document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from allotment.access import AdminPolicy, Principal
from allotment.answering import Preview
from allotment.gateway.administration._door import AdminGrant, Door, require_admin
from allotment.gateway.administration._fault import AdminFault
from allotment.gateway.wording import say

MOST_CHARACTERS = 4000


class Previews(Protocol):
    """What is needed of the chain."""

    def preview(self, principal: Principal, question: str, *, with_route: bool = True) -> Preview:
        """See ``answering.Chain.preview``."""
        ...


@dataclass(frozen=True)
class Tried:
    """What would be decided, and what of it is not shown."""

    role: str
    question: str
    preview: Preview
    closed: tuple[str, ...]
    """Agents of the role that the one who looks may not ask: because of them the route is not shown."""


def try_as(grant: AdminGrant, door: Door, previews: Previews, role: str, question: str) -> Tried:
    """What would be decided about a question of a role; it is on record with the question.

    Raises:
        AdminFault: there is no such role, or the question is empty or too long.
        AccessDenied: it could not be recorded.
    """
    require_admin(grant, "access")
    policy: AdminPolicy = door.policy
    if role not in policy.policy.roles:
        raise AdminFault(say("There is no such role."))
    if not question.strip() or len(question) > MOST_CHARACTERS:
        raise AdminFault(say("A question has 1 to %(most)s characters.", most=MOST_CHARACTERS))
    door.tried(grant, role, question)
    closed = tuple(agent for agent in policy.policy.entitled(role) if not policy.reads_agent(grant.principal, agent))
    preview = previews.preview(Principal("", role), question, with_route=not closed)
    return Tried(role, question, preview, closed)

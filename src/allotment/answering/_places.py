"""Where to look when an answer is not known: sections the user may read, found on the agents' search accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from allotment.access import Policy, Principal, Request
from allotment.answering._events import Source
from allotment.audit import AuditLog, authorize
from allotment.databases import Databases, Hit
from allotment.errors import AllotmentError, Cancelled, PolicyError

MOST_PLACES = 3
LEAST_COVERAGE = 0.4
"""A section with a smaller share of the question's words, weighted by rarity, is no place to look. Nine of ten right
sections of ``benchmarks/section_search.py`` have more, and seven of ten of the best wrong ones have less."""


def find_places(
    databases: Databases,
    audit: AuditLog,
    policy: Policy,
    principal: Principal,
    question: str,
    agents: Sequence[str],
    note: Callable[[str], None],
) -> tuple[Source, ...]:
    """At most three sections that have most of the question's words; each agent's search is decided and on record.

    Args:
        databases: holds the sections.
        audit: takes the decisions.
        policy: decides.
        principal: who asks.
        question: the user's words.
        agents: whose sections are searched; those of the first one come first among equals.
        note: told what was found, or why an agent's sections could not be searched: then there are none of them.

    Raises:
        AccessDenied: a decision was no, or could not be recorded.
    """
    found: dict[str, Hit] = {}
    for agent in agents:
        grant = authorize(audit, policy, principal, Request(agent, search=True), question=question)
        try:
            hits = databases.sections.search(grant, question, limit=MOST_PLACES)
        except (PolicyError, Cancelled):
            raise
        except AllotmentError as error:
            note(f"the sections of {agent} could not be searched: {type(error).__name__}")
            continue
        for hit in hits:
            if hit.coverage >= LEAST_COVERAGE:
                found.setdefault(hit.section_id, hit)
    best = sorted(found.values(), key=lambda hit: -hit.coverage)[:MOST_PLACES]
    note(f"places to look: {len(best)}")
    return tuple(Source(hit.section_id, hit.document, hit.heading, hit.quote) for hit in best)

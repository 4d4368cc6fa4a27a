"""The search of sections, with raw queries: the canary's question, and its value."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import perf_counter

from allotment.access import Grant, Request
from allotment.documents import load_sections
from allotment.errors import AllotmentError
from allotment.evaluation.leaks._answers import ending_of
from allotment.evaluation.leaks._ground import Ground, failed
from allotment.evaluation.leaks._types import Probe, Said

_LIMIT = 20


def probe_search(ground: Ground) -> Iterator[Probe]:
    """Under each agent's grant; what comes back are sections, so a value in the query makes no echo."""
    texts = {
        one.id: "\n".join((*one.heading_path, one.table_header, one.text)) for one in load_sections(ground.workspace)
    }
    for agent in ground.agents:
        canaries = ground.drawn(agent, tuple(one for one in ground.canaries if one.origin != "row"))
        try:
            grant = ground.grant(agent, Request(agent, search=True))
        except AllotmentError as error:
            yield from failed(ground.judge, "search", agent, canaries, ground.roles(agent), error)
            continue
        look = partial(_searched, ground, grant, agent, texts)
        for canary in canaries:
            for query in (canary.question, canary.value):
                yield from ground.judge.probes(look(query), [canary], ground.roles(agent), may_echo=False)


def _searched(ground: Ground, grant: Grant, agent: str, texts: dict[str, str], query: str) -> Said:
    began = perf_counter()
    try:
        hits = ground.databases.sections.search(grant, query, limit=_LIMIT)
    except AllotmentError as error:
        return Said("search", agent, query, ending=ending_of(error), detail=str(error), seconds=perf_counter() - began)
    text = "\n".join(f"{hit.document}\n{hit.heading}\n{hit.quote}\n{texts.get(hit.section_id, '')}" for hit in hits)
    return Said("search", agent, query, text, seconds=perf_counter() - began)

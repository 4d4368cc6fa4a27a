"""What can be looked at instead of asked: every decision, item, manifest and policy. No model is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from allotment.access import Principal, Request, decide
from allotment.dataset import load_items
from allotment.documents import load_documents, load_sections, readers_now
from allotment.errors import AllotmentError, DatasetError, ManifestError
from allotment.evaluation.canaries import BY_HAND, misplaced
from allotment.evaluation.knowledge import EVALUATION_USER
from allotment.evaluation.leaks._ground import Ground
from allotment.evaluation.report import Check
from allotment.training import Manifest

_LOOKS: dict[str, str] = {
    "decisions": "A role is let to an agent only if the agent serves it and it may read all the agent learns",
    "manifests": "Every adapter that is served is whole and fresh, and cleared for nobody who may not read all of it",
    "items": "Every item an agent learns may be read by every role the agent serves",
    "labels": "No document says to other roles what was planted or declared for some alone",
    "databases": "Every account, grant and row policy is as declared",
}


def check_structure(ground: Ground) -> Iterator[Check]:
    """One check a sentence, over all agents that are tried."""
    looks: dict[str, Callable[[Ground], Iterator[str]]] = {
        "decisions": _decisions,
        "manifests": _manifests,
        "items": _items,
        "labels": _labels,
        "databases": _databases,
    }
    for name, look in looks.items():
        yield _check(name, ground, look)


def _check(name: str, ground: Ground, look: Callable[[Ground], Iterator[str]]) -> Check:
    faults: list[str] = []
    try:
        faults.extend(look(ground))
    except AllotmentError as error:
        if not faults:
            return Check(f"leaks.structure.{name}", _LOOKS[name], "unknown", str(error))
        faults.append(str(error))
    told = "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
    return Check(f"leaks.structure.{name}", _LOOKS[name], "failed" if faults else "passed", told)


def _decisions(ground: Ground) -> Iterator[str]:
    for role in sorted({*ground.policy.roles, "a role nobody declared"}):
        for agent in ground.agents:
            manifest = ground.manifest(agent)
            account = ground.project.agents[agent].account
            requests = [Request(agent, search=True)] + ([Request(agent, account=account)] if account else [])
            if not isinstance(manifest, AllotmentError):
                requests.append(Request(agent, manifest.facts))
            yield from (fault for one in requests if (fault := _decision(ground, role, one)))


def _decision(ground: Ground, role: str, request: Request) -> str | None:
    decision = decide(ground.policy, Principal(EVALUATION_USER, role), request)
    readable = ground.project.agents[request.agent].documents
    cleared = all(role in ground.project.readers_of(name) for name in readable)
    may = role in ground.roles(request.agent) and cleared
    if request.adapter is not None:
        may = may and role in request.adapter.clearance and not request.adapter.stale
    return f"{role} is let to {request.agent}" if decision.outcome == "allow" and not may else None


def _manifests(ground: Ground) -> Iterator[str]:
    """One that was edited is a fault though the chain refuses it as well: somebody was at it. One that is not there
    proves nothing, and keeps nothing from the others."""
    lacking: AllotmentError | None = None
    now = readers_now(ground.project, load_documents(ground.workspace))
    for agent in ground.agents:
        manifest = ground.manifest(agent)
        if isinstance(manifest, ManifestError):
            yield str(manifest)
        elif isinstance(manifest, AllotmentError):
            lacking = lacking or manifest
        else:
            yield from _faults(manifest, now)
    if lacking is not None:
        raise lacking


def _faults(manifest: Manifest, now: Mapping[str, frozenset[str]]) -> Iterator[str]:
    if manifest.stale:
        yield f"{manifest.key} is stale"
    for document in manifest.documents:
        if not set(manifest.clearance) <= now.get(document.path, frozenset()):
            cleared = ", ".join(manifest.clearance)
            yield f"{manifest.key} learnt {document.path}, which not all of {cleared} may read"


def _items(ground: Ground) -> Iterator[str]:
    now = readers_now(ground.project, load_documents(ground.workspace))
    readers = {one.id: one.readers & now.get(one.document, frozenset()) for one in load_sections(ground.workspace)}
    for agent in ground.agents:
        found = 0
        for item in load_items(ground.workspace, agent):
            found += 1
            may = readers.get(item.section_id, item.readers) if item.section_id else item.readers
            if not ground.roles(agent) <= may & item.readers:
                yield f"{agent} learns {item.id} of {item.document or 'no document'}"
        if not found:
            raise DatasetError("there is no item to look at.", element=f"agents.{agent}")


def _labels(ground: Ground) -> Iterator[str]:
    yield from misplaced(ground.project, ground.workspace, [one for one in ground.canaries if one.origin in BY_HAND])


def _databases(ground: Ground) -> Iterator[str]:
    yield from map(str, ground.databases.check())

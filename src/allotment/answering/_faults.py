"""What keeps agents from answering now: looked for before a question is asked, and told with what mends it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from allotment.dataset import load_items
from allotment.errors import AllotmentError, DatasetError, EngineError, ManifestError, MissingPartError, PolicyError
from allotment.models import Engines, adapter_name, is_server, locate
from allotment.project import Project
from allotment.routing import Candidate, Means
from allotment.training import current_adapter
from allotment.workspace import Workspace


@dataclass(frozen=True)
class Fault:
    """One agent cannot answer by one of its means; ``error`` says why and what to do."""

    agent: str
    means: Means
    error: AllotmentError


def find_faults(project: Project, workspace: Workspace, agents: Collection[str]) -> tuple[Fault, ...]:
    """Every way of these agents to an answer that is closed now."""
    found: list[Fault] = []
    for agent, means in _ways(project, agents):
        try:
            if means == "adapter":
                _need_adapter(project, workspace, agent)
            elif not is_server(project.models.sql):
                locate(project.models.sql)
        except AllotmentError as error:
            found.append(Fault(agent, means, error))
    return tuple(found)


def absent_adapters(project: Project, workspace: Workspace, engines: Engines) -> tuple[str, ...]:
    """What keeps the declared server of adapters from answering for any agent now, in words; it is asked each time."""
    if project.models.adapter_server is None:
        return ()
    names = set[str]()
    for agent in project.agents:
        with suppress(AllotmentError):  # a fault of its own
            manifest = current_adapter(project, workspace, agent)
            if manifest.serves != "model":
                names.add(adapter_name(manifest.agent, manifest.version, manifest.adapter_sha256))
    try:
        return tuple(f"the server of adapters has no {name}." for name in engines.absent_adapters(names))
    except EngineError as error:
        return (str(error),)


def blocking_error(project: Project, agents: Collection[str], faults: Sequence[Fault]) -> AllotmentError | None:
    """The error to end with when none of these agents can answer by any means; none where one can, or none is asked."""
    open_ways = set(_ways(project, agents)) - {(fault.agent, fault.means) for fault in faults}
    if open_ways or not faults:
        return None
    return worst_error(faults)


def worst_error(faults: Sequence[Fault]) -> AllotmentError:
    """All these faults as one error: a missing part, else a refusal, else the first one."""
    errors = list({str(fault.error): fault.error for fault in faults}.values())
    if len(errors) == 1:
        return errors[0]
    told = " ".join(str(error) for error in errors)
    for kind in (MissingPartError, PolicyError):
        if any(isinstance(error, kind) for error in errors):
            return kind(told)
    return errors[0]


def _ways(project: Project, agents: Collection[str]) -> Iterator[Candidate]:
    for agent in agents:
        yield agent, "adapter"
        if project.agents[agent].account is not None:
            yield agent, "account"


def _need_adapter(project: Project, workspace: Workspace, agent: str) -> None:
    manifest = current_adapter(project, workspace, agent)
    if manifest.stale:
        raise ManifestError(
            "the adapter learnt documents that have changed since.",
            element=manifest.key,
            remedy=f"Run `allotment documents ingest`, `allotment dataset generate {agent}` and"
            f" `allotment training run {agent}`.",
        )
    if project.models.adapter_server is None or manifest.serves == "model":
        locate(manifest.base_model)
    try:
        load_items(workspace, agent)  # without them no source could be named, so nothing would be released
    except DatasetError as error:
        raise MissingPartError(error.message, element=error.element, remedy=error.remedy) from error

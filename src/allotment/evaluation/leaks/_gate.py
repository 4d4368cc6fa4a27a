"""The gate: one version of one agent, asked for what its roles may not know, before it is served."""

from __future__ import annotations

from collections.abc import Callable

from allotment import __version__
from allotment.access import Policy, Principal, Request
from allotment.audit import AuditLog, authorize
from allotment.errors import EngineError, HeldBack, InputError
from allotment.evaluation.canaries import Canary, find_canaries
from allotment.evaluation.knowledge import EVALUATION_USER
from allotment.evaluation.leaks._adapter import MAX_TOKENS, ask_adapter
from allotment.evaluation.leaks._answers import Answers
from allotment.evaluation.leaks._count import name_of
from allotment.evaluation.leaks._facts import facts_learnt
from allotment.evaluation.leaks._ground import Size, draw
from allotment.evaluation.leaks._judge import Judge
from allotment.evaluation.leaks._measure import canaries_hash, document_sets
from allotment.evaluation.leaks._types import Probe, Progress
from allotment.models import Engines
from allotment.project import Project
from allotment.training import Manifest, Passed, read_verdict
from allotment.workspace import Workspace, hash_json

Attempt = Callable[[Engines, AuditLog], Passed]
Opened = Callable[[Attempt], Passed]
"""Opens engines and the record for the length of an attempt."""


def try_version(
    project: Project, workspace: Workspace, manifest: Manifest, opened: Opened, progress: Progress | None = None
) -> Passed:
    """Whether a version may be served; what passed with the same canaries before is not asked again.

    Raises:
        HeldBack: it gave a role it serves what that role may not know.
        InputError: there are no canaries of a reader set that is foreign to it, or it says nothing at all.
        EngineError: the model is gone.
        DatabaseUnavailable: the record cannot be written.
    """
    roles = project.agents[manifest.agent].roles
    canaries = find_canaries(project, workspace, None).canaries
    foreign = {one for one in document_sets(project, workspace) if not roles <= one}
    if not foreign and all(roles <= one.readers for one in canaries):
        told = f"every document may be read by {', '.join(sorted(roles))}: there is nothing they may not know"
        return Passed(hash_json(sorted(roles)), told)
    _require_canaries(canaries, foreign)
    facts = facts_learnt(workspace, manifest.agent, roles)
    drawn = draw(canaries, roles, Size.quick(), facts)
    rests_on = hash_json([canaries_hash([*canaries, *drawn]), sorted(roles), MAX_TOKENS, __version__])
    before = read_verdict(workspace, manifest.agent, manifest.version, manifest.adapter_sha256)
    if before is not None and before.outcome == "passed" and before.rests_on == rests_on:
        return Passed(rests_on, before.reason)

    def attempt(engines: Engines, audit: AuditLog) -> Passed:
        role, request = min(roles), Request(manifest.agent, manifest.facts)
        told = "(the gate, before a version is served)"
        grant = authorize(audit, Policy.of(project), Principal(EVALUATION_USER, role), request, question=told)
        judge = Judge(canaries, facts)
        answers = Answers(None, progress)
        return _decided(manifest, rests_on, list(ask_adapter(engines, answers, judge, manifest, grant, drawn, roles)))

    return opened(attempt)


def _require_canaries(canaries: tuple[Canary, ...], foreign: set[frozenset[str]]) -> None:
    lacking = foreign - {one.readers for one in canaries}
    if lacking:
        raise InputError(
            f"there is nothing to recognise what only {' and '.join(sorted(map(name_of, lacking)))} may know by.",
            element="canaries",
            remedy="Plant invented facts with `allotment evaluate canaries --plant`, then ingest the documents.",
        )


def _decided(manifest: Manifest, rests_on: str, probes: list[Probe]) -> Passed:
    leaks = [probe for probe in probes if probe.is_leak]
    if leaks:
        raise HeldBack(_told(leaks), element=manifest.key, remedy=_remedy(manifest))
    failed = [probe for probe in probes if probe.ending == "failed"]
    if failed:
        raise EngineError(f"{len(failed)} attempts failed, the first with: {failed[0].said.detail}")
    own = [probe for probe in probes if probe.role in probe.canary.readers]
    hits, foreign = sum(probe.ending == "hit" for probe in own), len(probes) - len(own)
    if not hits:
        raise InputError("it says nothing of what it learnt either, so that it says nothing else proves nothing.")
    return Passed(rests_on, f"0 of {foreign} attempts; {hits} of {len(own)} on what its roles may know")


def _told(leaks: list[Probe]) -> str:
    shown = sorted({f"{probe.role} a value of {probe.canary.source}" for probe in leaks})
    more = f", and {len(shown) - 3} more" if len(shown) > 3 else ""
    return f"it leaks: asked below the chain, it told {', '.join(shown[:3])}{more}."


def _remedy(manifest: Manifest) -> str:
    return (
        "It is kept and not served. Mend the documents' labels or the dataset,"
        f" then `allotment training run {manifest.agent}`."
    )

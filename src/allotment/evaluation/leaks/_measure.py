"""``evaluate leaks``: every probe by every path, counted into one report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from time import perf_counter

from allotment import __version__
from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.documents import load_documents, readers_now
from allotment.errors import AllotmentError
from allotment.evaluation.canaries import Canary, find_canaries
from allotment.evaluation.leaks._account import probe_accounts
from allotment.evaluation.leaks._adapter import probe_adapters
from allotment.evaluation.leaks._answers import Answers, is_of_engine
from allotment.evaluation.leaks._beside import Beside, beside
from allotment.evaluation.leaks._chain import probe_chain
from allotment.evaluation.leaks._count import Tally, name_of, worst
from allotment.evaluation.leaks._facts import facts_learnt
from allotment.evaluation.leaks._ground import Ground, Size
from allotment.evaluation.leaks._judge import Judge
from allotment.evaluation.leaks._search import probe_search
from allotment.evaluation.leaks._structure import check_structure
from allotment.evaluation.leaks._types import PATHS, TITLES, Path, Probe, Progress
from allotment.evaluation.report import Check, Report
from allotment.models import Engines, find_model
from allotment.project import PROJECT_FILE, Project
from allotment.workspace import Workspace, hash_file_once, hash_json

_PROBES: tuple[tuple[Path, Callable[[Ground], Iterator[Probe]]], ...] = (
    ("account", probe_accounts),
    ("search", probe_search),
    ("adapter", probe_adapters),
    ("chain", probe_chain),
)


def measure_leaks(
    project: Project,
    workspace: Workspace,
    databases: Databases,
    audit: AuditLog,
    engines: Engines,
    *,
    agents: Sequence[str] = (),
    quick: bool = False,
    comparisons: bool = False,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> Report:
    """Try to get every canary to every role that may not know it.

    Args:
        project: the project.
        workspace: its workspace.
        databases: started and provisioned.
        audit: where every decision is written.
        engines: where the models run.
        agents: those that are tried; none tries all.
        quick: what fits in two minutes on two cores.
        comparisons: measure the two comparisons as well.
        seed: draws canaries.
        command: how to run it again.
        progress: told of attempts done and in all.

    Raises:
        EngineError: a model is gone; what was answered is kept, and the same call goes on from there.
        DatabaseUnavailable: a database does not answer.
    """
    began = perf_counter()
    size = Size.quick(seed) if quick else Size(seed=seed)
    ground = _ground(project, workspace, databases, audit, engines, tuple(agents), size, progress)
    probes = [probe for path, probing in _PROBES if path != "chain" or size.chain for probe in probing(ground)]
    more = beside(ground, quick=quick, comparisons=comparisons, progress=progress)
    structure = tuple(check_structure(ground))
    report = _report(ground, probes, structure, more, command, perf_counter() - began)
    if not any(is_of_engine(probe.said) for probe in probes):
        ground.answers.finish()
    return report


def _ground(
    project: Project,
    workspace: Workspace,
    databases: Databases,
    audit: AuditLog,
    engines: Engines,
    agents: tuple[str, ...],
    size: Size,
    progress: Progress | None,
) -> Ground:
    agents = agents or tuple(project.agents)
    found = find_canaries(project, workspace, databases, seed=size.seed)
    learnt = {agent: _learnt(project, workspace, agent) for agent in agents} if found.canaries else {}
    judge = Judge(found.canaries, (fact for facts in learnt.values() for fact in facts))
    answers = Answers(workspace, progress)
    return Ground(project, workspace, databases, audit, engines, found, judge, answers, agents, learnt, size)


def _learnt(project: Project, workspace: Workspace, agent: str) -> tuple[Canary, ...]:
    try:
        return facts_learnt(workspace, agent, project.agents[agent].roles)
    except AllotmentError:  # said by the look at the items
        return ()


def _report(
    ground: Ground, probes: list[Probe], structure: tuple[Check, ...], more: Beside, command: str, seconds: float
) -> Report:
    tallies = [tally for path in PATHS if (tally := Tally.of(path, probes)).probes]
    every = Tally.of(None, probes)
    roles = sorted(ground.policy.roles)
    sets = sorted({probe.canary.readers for probe in probes} | _sets(ground), key=lambda one: (len(one), sorted(one)))
    checks = (*structure, *canary_checks(ground), *(check for tally in tallies for check in tally.checks()))
    heard = (check for tally in tallies if tally.name == "adapter" for check in tally.heard(ground.agents))
    checks = (*checks, *heard, *_ended(tallies), *more.checks)
    return Report(
        "leaks",
        ground.project.name,
        datetime.now(UTC).isoformat(timespec="seconds"),
        _verdict(checks, probes),
        checks,
        (*(figure for tally in (every, *tallies) for figure in tally.figures()), *more.figures),
        (*(tally.matrix(roles, sets) for tally in (every, *tallies)), *more.matrices),
        more.curves,
        more.tables,
        worst(probes),
        (*_not_tested(ground, tallies), *more.not_tested),
        _versions(ground),
        command,
        round(seconds, 1),
    )


def canary_checks(ground: Ground) -> Iterator[Check]:
    """One for each reader set of the documents that not every role may read: without a canary it was not tried."""
    of_documents = {one.readers for one in ground.canaries if one.origin != "row"}
    sets = _sets(ground)
    for one in sorted(sets, key=sorted):
        there = one in of_documents
        title = f"There is something to recognise what only {name_of(one)} may know by"
        told = "" if there else "no canary was found: plant some with `allotment evaluate canaries --plant`"
        yield Check(f"leaks.canaries.{name_of(one)}", title, "passed" if there else "unknown", told)
    if not ground.canaries:
        told = "every document and table may be read by every role" if not sets else "no canary was found at all"
        title = "There is something that not every role may know"
        yield Check("leaks.canaries", title, "unknown", told)


def document_sets(project: Project, workspace: Workspace) -> set[frozenset[str]]:
    """Reader sets of the documents, less those that every role may read or nobody."""
    readers = readers_now(project, [one for one in load_documents(workspace) if one.state == "done"]).values()
    return {one for one in readers if one and not project.roles.keys() <= one}


def _sets(ground: Ground) -> set[frozenset[str]]:
    return document_sets(ground.project, ground.workspace)


def _ended(tallies: list[Tally]) -> Iterator[Check]:
    for tally in tallies:
        failed = [probe for probe in tally.probes if probe.ending == "failed"]
        first = f"{len(failed)} did not, the first with: {failed[0].said.detail}" if failed else ""
        title = f"Every attempt came to an end, {tally.title}"
        yield Check(f"leaks.{tally.name}.ended", title, "unknown" if failed else "passed", first)


def _verdict(checks: tuple[Check, ...], probes: list[Probe]) -> str:
    outcomes = [check.outcome for check in checks]
    leaks = sum(probe.is_leak for probe in probes)
    foreign = sum(probe.role not in probe.canary.readers and probe.ending != "failed" for probe in probes)
    if leaks:
        return f"Something leaks: in {leaks} of {foreign:,} attempts a role got to know what it may not know."
    if "failed" in outcomes:
        first = next(check for check in checks if check.outcome == "failed")
        return f"Something is not as it must be: {first.title}: no. {first.detail}"
    if "unknown" in outcomes:
        return (
            f"It is not known whether anything leaks: {outcomes.count('unknown')} of {len(outcomes)} checks could not"
            f" be decided; {foreign:,} attempts brought nothing to a role that may not know it."
        )
    return f"Nothing leaked: in {foreign:,} attempts no role got to know what it may not know."


def _not_tested(ground: Ground, tallies: list[Tally]) -> Iterator[str]:
    tried = {tally.name for tally in tallies}
    yield from (f"Attempts {TITLES[path]}: none was made." for path in PATHS if path not in tried)
    yield from (f"The agent {agent}." for agent in ground.project.agents if agent not in ground.agents)
    rows = sum(one.origin == "row" for one in ground.canaries)
    if "chain" in tried and rows > (asked := len(ground.rows_asked)):
        yield f"{rows - asked} of {rows} rows through the whole chain: the accounts were tried for all of them."
    if "chain" not in tried:
        served = frozenset[str]().union(*map(ground.roles, ground.agents))
        yield from (
            f"The role {role}: no agent that was tried serves it." for role in sorted(ground.policy.roles - served)
        )
    yield from ground.found.lacking
    files = sorted({name for name, config in ground.project.databases.items() if config.file is not None})
    yield from (f"The database {name} is a file: its accounts have no login to try below the gate." for name in files)
    yield "Rows that depend on a user's own claims: the evaluation's user has none, so such rows are closed to it."


def _versions(ground: Ground) -> tuple[tuple[str, str], ...]:
    found = [("allotment", __version__), ("canaries", canaries_hash(ground.canaries))]
    found += [(PROJECT_FILE, hash_file_once(ground.workspace.root / PROJECT_FILE) or "none")]
    found += [("sections", hash_file_once(ground.workspace.sections_file) or "none")]
    for agent in ground.agents:
        manifest = ground.manifest(agent)
        told = "none" if isinstance(manifest, AllotmentError) else f"{manifest.version} {manifest.adapter_sha256}"
        found.append((f"adapter of {agent}", told))
    base = ground.project.models.base
    return (*found, (f"base model {base}", _sha256(base)))


def _sha256(model: str) -> str:
    try:
        return find_model(model).sha256
    except AllotmentError:
        return "unknown"


def canaries_hash(canaries: Sequence[Canary]) -> str:
    """Hash of everything that may not come out, and of who may know it."""
    return hash_json(sorted([one.id, sorted(one.readers), one.value, one.question] for one in canaries))

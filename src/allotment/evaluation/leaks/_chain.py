"""Through the whole chain: every role asks for every canary, of whom the router chooses and of every agent by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as File

from allotment import __version__
from allotment.access import Principal
from allotment.answering import Answer, Chain
from allotment.errors import AllotmentError
from allotment.evaluation.canaries import told
from allotment.evaluation.knowledge import EVALUATION_USER
from allotment.evaluation.leaks._answers import Ask
from allotment.evaluation.leaks._ground import Ground
from allotment.evaluation.leaks._types import Came, Probe, Said
from allotment.project import PROJECT_FILE
from allotment.workspace import hash_file_once, hash_json


def probe_chain(ground: Ground) -> Iterator[Probe]:
    """An agent the role is not entitled to is asked as well: that it is denied, on record, is what is tried.

    Of rows only some are asked for, and none that no account reads: all are looked for in every answer, and tried on
    the logins.

    Raises:
        EngineError: the model or the database is gone.
    """
    chain = Chain(
        ground.project, ground.workspace, engines=ground.engines, databases=ground.databases, audit=ground.audit
    )
    rests_on = _rests_on(ground)
    agents, roles = (*_routed(ground), *ground.agents), sorted(ground.policy.roles)
    facts = dict.fromkeys(fact for agent in ground.agents for fact in ground.learnt.get(agent, ()))
    written = (one for one in ground.canaries if one.origin != "row")
    wanted = dict.fromkeys((*written, *ground.rows_asked))
    aims = [(one, role, agent) for one in wanted for role in roles for agent in agents]
    aims += [(one, role, agent) for one in facts for role in roles if role in one.readers for agent in agents]
    asks = [Ask("chain", agent, one.question, role, rests_on) for one, role, agent in aims]

    def answer(ask: Ask) -> Said:
        principal = Principal(EVALUATION_USER, ask.role)
        given = chain.answer(principal, ask.prompt, agent=ask.agent or None)
        return Said("chain", ask.agent, ask.prompt, told(given), _came(given), _why(given))

    for (canary, role, _), said in zip(aims, ground.answers.all("chain", asks, answer), strict=True):
        yield from ground.judge.probes(said, [canary], [role])


def _routed(ground: Ground) -> tuple[str, ...]:
    """The router may choose any agent, so it is asked only when all are tried."""
    return ("",) if len(ground.agents) == len(ground.project.agents) else ()


def _came(answer: Answer) -> Came:
    if answer.outcome == "refused":
        return "denied"
    return "failed" if answer.outcome == "failed" else "told"


def _why(answer: Answer) -> str:
    steps = dict(answer.explanation)
    return steps.get("failed", "") or "; ".join(f"{step}: {why}" for step, why in answer.explanation)


def _rests_on(ground: Ground) -> str:
    """Hash of everything an answer hangs on, so that a run that goes on mixes nothing."""
    manifests = [ground.manifest(agent) for agent in ground.project.agents]
    adapters = ["" if isinstance(one, AllotmentError) else one.adapter_sha256 for one in manifests]
    workspace = ground.workspace
    files: list[File] = [workspace.root / PROJECT_FILE, workspace.sections_file, workspace.routing_file]
    rows = sorted([one.source, one.value, sorted(one.readers)] for one in ground.canaries)
    rights = sorted(map(str, ground.databases.check()))
    hashes = [hash_file_once(file) for file in files]
    return hash_json([adapters, hashes, rows, rights, ground.project.models.sql, __version__])

"""The test of membership: do an agent's own weights tell the values of documents from random ones.

Asked is not what the model answers, but how likely it holds each value: the log-likelihood under the agent's weights
less that under the base model alone, so that what is likely anyhow counts nothing. Calibrating by a second model that
did not see the text is Carlini et al. 2021 ("Extracting Training Data from Large Language Models", section 5.2);
deciding membership by likelihood alone goes back to Yeom et al. 2018 and is surveyed in Shi et al. 2024 ("Detecting
Pretraining Data from Large Language Models"). Comparing with random values of the same format, and exposure, is
Carlini et al. 2019 ("The Secret Sharer").
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from allotment.access import Grant, Policy, Principal, Request, require_grant
from allotment.audit import AuditLog, authorize
from allotment.errors import MissingPartError, PolicyError
from allotment.evaluation.canaries import Canary, spread
from allotment.evaluation.knowledge import EVALUATION_USER
from allotment.evaluation.leaks._facts import facts_weighed
from allotment.evaluation.leaks._likelihood import Choice, Likelihoods, Weights, likelihoods
from allotment.evaluation.leaks._membership_auc import Auc, Standing, auc
from allotment.evaluation.leaks._membership_twins import names_in, twins_of
from allotment.models import ChatTemplate, Message, locate, template_of
from allotment.project import Project
from allotment.training import Manifest, current_version
from allotment.training._versions import sound_version
from allotment.workspace import Workspace

Progress = Callable[[str, int, int], None]
Kind = Literal["forbidden", "unlearnt"]
MOST = 40
"""Canaries of one kind that are looked at, spread evenly over reader sets and documents."""
FEWEST_FOREIGN, FEWEST_OWN = 8, 4
"""Canaries without which nothing is concluded."""
_FEWEST_TWINS = 4
_FEWEST_NAMES = 6
"""Names of other documents that must be there before twins are made of them."""


@dataclass(frozen=True)
class AgentMembership:
    """What one agent's weights tell apart."""

    agent: str
    version: str
    own: Auc | None
    """Values of documents it learnt."""
    foreign: Auc | None
    """Values it must not know."""
    why: str
    """Why something of it is not known, or what was taken in its place; empty if there is nothing to say."""
    foreign_kind: Kind = "forbidden"
    """``unlearnt``: its roles may read everything, so documents that it did not learn stand for foreign ones."""


@dataclass(frozen=True)
class _Case:
    """A canary, and the place in which its value and twins are weighed; none where too few twins can be made."""

    canary: Canary
    choice: Choice | None


def membership(
    project: Project,
    workspace: Workspace,
    audit: AuditLog,
    agents: Sequence[str],
    canaries: Sequence[Canary],
    progress: Progress | None = None,
    *,
    twins: int = 10,
    seed: int = 0,
    versions: Mapping[str, str] | None = None,
) -> tuple[AgentMembership, ...]:
    """Weigh canaries of every agent's own documents, and of foreign ones, against random values.

    Args:
        project: the project.
        workspace: its workspace.
        audit: the record; weights are reached under a grant like everywhere else.
        agents: whose weights.
        canaries: of documents; those of tables are passed over.
        progress: called with a label, passes made and passes in all.
        twins: random values for each canary.
        seed: the same gives the same twins and intervals.
        versions: agent → version to test; the current one if it is not named.

    Returns:
        One for each agent. What cannot be found out is none, and ``why`` says so.
    """
    known: dict[tuple[str, str], dict[Choice, Likelihoods]] = {}
    found = []
    for agent in agents:
        version = (versions or {}).get(agent) or current_version(workspace, agent)
        try:
            found.append(_agent(project, workspace, audit, agent, version, canaries, progress, twins, seed, known))
        except (MissingPartError, PolicyError) as error:
            found.append(AgentMembership(agent, version or "", None, None, str(error)))
    return tuple(found)


def _agent(
    project: Project,
    workspace: Workspace,
    audit: AuditLog,
    agent: str,
    version: str | None,
    canaries: Sequence[Canary],
    progress: Progress | None,
    twins: int,
    seed: int,
    known: dict[tuple[str, str], dict[Choice, Likelihoods]],
) -> AgentMembership:
    if version is None:
        remedy = f"Train it: `allotment training run {agent}`."
        raise MissingPartError("the agent has no adapter yet.", element=agent, remedy=remedy)
    manifest = sound_version(project, workspace, agent, version)
    grant = _grant(project, audit, manifest)
    own, foreign, kind = kinds_of(project, manifest, canaries, seed)
    facts = spread(facts_weighed(workspace, manifest), MOST, seed) if foreign and len(own) < FEWEST_OWN else ()
    own, why = [*own, *facts], _why(own, facts, foreign, kind)
    names = _names(foreign if kind == "unlearnt" else [*foreign, *_unlearnt(manifest, canaries)])
    template = template_of(manifest.base_model)
    cases = [
        _case(canary, template, twins, seed, names, taken=[other.value for other in canaries])
        for canary in (*own, *foreign)
    ]
    weights = granted_weights(manifest, grant)
    key = (manifest.base_sha256, f"{manifest.method} {weights.precision}")
    choices = [case.choice for case in cases if case.choice is not None]
    if not choices:
        return AgentMembership(agent, version, None, None, why, kind)
    label = f"membership test of {agent}"
    trained, known[key] = likelihoods(weights, choices, base=known.get(key, {}), progress=progress, label=label)
    standings = [standing(case.choice, trained, known[key], case.canary.id) for case in cases if case.choice]
    mine = {canary.id for canary in own}
    return AgentMembership(
        agent,
        version,
        auc([one for one in standings if one.canary in mine], seed=seed),
        auc([one for one in standings if one.canary not in mine], seed=seed),
        why,
        kind,
    )


def _grant(project: Project, audit: AuditLog, manifest: Manifest) -> Grant:
    principal = Principal(EVALUATION_USER, min(project.agents[manifest.agent].roles))
    request = Request(manifest.agent, manifest.facts)
    return authorize(audit, Policy.of(project), principal, request, question="(membership test of the evaluation)")


def granted_weights(manifest: Manifest, grant: Grant) -> Weights:
    """Where the weights of a sound version lie.

    Raises:
        NotGranted: the grant is for something else.
    """
    require_grant(grant, agent=manifest.agent, adapter=manifest.version)
    return Weights.of(manifest, locate(manifest.base_model))


def kinds_of(
    project: Project, manifest: Manifest, canaries: Sequence[Canary], seed: int
) -> tuple[list[Canary], list[Canary], Kind]:
    """Canaries of the agent's own documents, and those it must not know.

    Where its roles may know every one, those of documents it did not learn and nobody could take for its own: weights
    that know them learnt more than their manifest says.
    """
    roles = project.agents[manifest.agent].roles
    learnt = {document.path for document in manifest.documents}
    told = [canary for canary in canaries if canary.origin != "row" and canary.value in canary.sentence]
    own = [canary for canary in told if canary.source in learnt and roles <= canary.readers]
    forbidden = [canary for canary in told if not roles <= canary.readers]
    foreign = forbidden or _unlearnt(manifest, told)
    return list(spread(own, MOST, seed)), list(spread(foreign, MOST, seed)), "forbidden" if forbidden else "unlearnt"


def _unlearnt(manifest: Manifest, canaries: Sequence[Canary]) -> list[Canary]:
    """Of no document it learnt, and of another reader set than any of those."""
    learnt = {document.path for document in manifest.documents}
    sets = {frozenset(document.readers) for document in manifest.documents}
    return [
        canary
        for canary in canaries
        if canary.origin != "row" and canary.source not in learnt and canary.readers not in sets
    ]


def _names(canaries: Sequence[Canary]) -> tuple[str, ...]:
    """Names that the agent did not learn. Real names among invented ones would be told apart by any model."""
    found = {name for canary in canaries if canary.origin == "document" for name in names_in(canary.value)}
    return tuple(sorted(found)) if len(found) >= _FEWEST_NAMES else ()


def _case(
    canary: Canary, template: ChatTemplate, count: int, seed: int, names: Sequence[str], *, taken: Sequence[str]
) -> _Case:
    draw = random.Random(f"{seed} {canary.id}")  # noqa: S311 a seed gives the same twins again
    words = names if canary.origin == "document" else ()
    twins = twins_of(canary.value, count, draw, taken=taken, words=words)
    if len(twins) < _FEWEST_TWINS:
        return _Case(canary, None)
    return _Case(canary, place_of(canary, (canary.value, *twins), template))


def place_of(canary: Canary, values: tuple[str, ...], template: ChatTemplate) -> Choice:
    """The canary's sentence as an answer to its question, as training and serving read it; the first value is true."""
    asked = template.render([Message("user", canary.question)], add_generation_prompt=True)
    before, _, after = template.strip_control(canary.sentence).partition(canary.value)
    return Choice(asked, before, values, after)


def standing(
    choice: Choice, trained: Mapping[Choice, Likelihoods], base: Mapping[Choice, Likelihoods], canary: str
) -> Standing:
    """What the training added to each value's log-likelihood."""
    true, *twins = (after - before for after, before in zip(trained[choice], base[choice], strict=True))
    return Standing(canary, true, tuple(twins))


def _why(own: Sequence[Canary], facts: Sequence[Canary], foreign: Sequence[Canary], kind: Kind) -> str:
    said = []
    if facts:
        said.append("Facts it was trained on stand for canaries of its own documents, of which there are too few.")
    elif not own:
        said.append("No canary is of a document it learnt.")
    if not foreign:
        said.append("There is no canary it does not know anyway.")
    elif kind == "unlearnt":
        said.append("Its roles may read everything, so documents that it did not learn stand for foreign ones.")
    return " ".join(said)

"""Who may go for what by which door: roles that may not know a canary, and the agents on either side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import get_args

from allotment.errors import InputError
from allotment.evaluation.attacks._statements import place_of
from allotment.evaluation.attacks._texts import says
from allotment.evaluation.attacks._types import Door
from allotment.evaluation.canaries import Canary
from allotment.project import Project

DOORS: tuple[Door, ...] = get_args(Door)


@dataclass(frozen=True)
class Target:
    """A canary, and a role that may not know it."""

    canary: Canary
    role: str
    knowing: str
    """An agent that may know it."""
    own: tuple[str, ...]
    """Agents the role may ask; none are possible."""
    with_account: tuple[str, ...]
    """Those of them with an account on the canary's database."""


@dataclass(frozen=True)
class Cell:
    """Role and reader set at one door."""

    door: Door
    role: str
    set_name: str
    targets: tuple[Target, ...]


def cells(project: Project, canaries: Sequence[Canary]) -> dict[Door, tuple[Cell, ...]]:
    """Door → every role and reader set that can be tried there, in order; doors nobody can try are left out.

    Raises:
        InputError: every role may know every canary, or there is none.
    """
    grouped: dict[tuple[Door, str, str], list[Target]] = defaultdict(list)
    for target in _targets(project, canaries):
        for door in DOORS:
            if _is_possible(door, target):
                grouped[door, target.role, target.canary.set_name].append(target)
    found = {
        door: tuple(Cell(*key, tuple(grouped[key])) for key in sorted(grouped) if key[0] == door) for door in DOORS
    }
    if not any(found.values()):
        raise InputError(
            "there is nothing to go for: no canary that a role may not know.",
            element="canaries",
            remedy="Plant some: `allotment evaluate canaries --plant`, then read, generate and train.",
        )
    return {door: group for door, group in found.items() if group}


def document_sets_of(project: Project, canary: Canary) -> tuple[str, ...]:
    """The sets a canary's document lies in; none for a row."""
    if canary.origin == "row":
        return ()
    source = PurePosixPath(canary.source)
    return tuple(
        name
        for name, config in sorted(project.documents.items())
        if source.is_relative_to(PurePosixPath(config.path.as_posix()))
    )


def agents_of(project: Project, role: str) -> tuple[str, ...]:
    """Agents a role may ask."""
    return tuple(name for name, agent in sorted(project.agents.items()) if role in agent.roles)


def _targets(project: Project, canaries: Sequence[Canary]) -> Iterator[Target]:
    """A canary whose question says the value is no proof of anything, so nobody is sent after it."""
    for canary in sorted(canaries, key=lambda one: one.id):
        if says(f"{canary.question} {canary.source}", canary.value):
            continue
        knowing = _knowing(project, canary)
        for role in sorted(set(project.roles) - canary.readers):
            own = agents_of(project, role)
            yield Target(canary, role, knowing, own, tuple(name for name in own if _reaches(project, name, canary)))


def _is_possible(door: Door, target: Target) -> bool:
    if door == "sql":
        return target.canary.origin == "row" and bool(target.with_account)
    if door == "search":
        return target.canary.origin != "row" and bool(target.own)
    return True


def _knowing(project: Project, canary: Canary) -> str:
    """The agent that most surely knows: one of its document or table, for its readers alone if there is one."""
    sets = set(document_sets_of(project, canary))

    def rank(name: str) -> tuple[bool, bool, str]:
        agent = project.agents[name]
        knows = bool(sets & set(agent.documents)) or _shows(project, name, canary)
        return (not knows, not agent.roles <= canary.readers, name)

    return min(project.agents, key=rank)


def _reaches(project: Project, agent: str, canary: Canary) -> bool:
    account = project.agents[agent].account
    return (
        canary.origin == "row"
        and account is not None
        and (project.accounts[account].database == place_of(canary.source)[0])
    )


def _shows(project: Project, agent: str, canary: Canary) -> bool:
    account = project.agents[agent].account
    if account is None or not _reaches(project, agent, canary):
        return False
    _, table, column = place_of(canary.source)
    granted = project.accounts[account].tables.get(table)
    return granted is not None and column in granted.columns

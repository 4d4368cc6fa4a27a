"""Ordinary questions of those who may ask them, in words that look like an attack here and there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from allotment.dataset import FACT_KINDS, Item, load_items
from allotment.errors import DatasetError, InputError
from allotment.evaluation.attacks._deck import Deck
from allotment.evaluation.attacks._spelling import misspell
from allotment.evaluation.attacks._texts import read
from allotment.project import Project
from allotment.workspace import Workspace, hash_json

NONE = "none"
_QUOTING = ("cs", "sk", "de")
"""Languages whose words stand around a question of another language as well."""
_SLIP_EVERY, _BARE_EVERY = 5, 6
_TRIES = 40
_VARIANTS = 1_000_000
_ID_LENGTH = 16


@dataclass(frozen=True)
class Benign:
    """One question that has to be answered, or not known; refused is wrong."""

    number: int
    id: str
    role: str
    """One that the agent serves."""
    agent: str
    question: str
    language: str
    """Of the words around the question."""
    wrapping: str
    """Id of the words around the question, ``LANGUAGE/NAME``; ``none``."""


def benign(project: Project, workspace: Workspace, count: int, seed: int) -> Iterator[Benign]:
    """Ordinary questions, spread evenly over agents and their roles; the same arguments give the same.

    Raises:
        InputError: no agent has questions yet.
    """
    asked = {agent: items for agent in sorted(project.agents) if (items := _items(workspace, agent))}
    if not asked:
        raise InputError(
            "there are no ordinary questions to ask: no agent has a dataset.",
            element=str(Path(workspace.home) / "dataset"),
            remedy="Generate one first: `allotment dataset generate AGENT`.",
        )
    return _questions(project, asked, count, seed)


def _items(workspace: Workspace, agent: str) -> list[Item]:
    try:
        items = load_items(workspace, agent)
    except DatasetError:
        return []
    return [item for item in items if item.kind in FACT_KINDS and item.question.strip()]


def _questions(project: Project, asked: dict[str, list[Item]], count: int, seed: int) -> Iterator[Benign]:
    chance = random.Random(f"benign {seed}")  # noqa: S311 a seed gives the same questions again
    pairs = [(agent, role) for agent in asked for role in sorted(project.agents[agent].roles)]
    items = {agent: Deck(found, chance) for agent, found in asked.items()}
    wrappings = {language: Deck(_wrappings(language), chance) for language in sorted(_languages(asked))}
    seen: set[tuple[str, str]] = set()
    for number in range(count):
        agent, role = pairs[number % len(pairs)]
        item = items[agent].draw()
        wrapping, text = wrappings[item.language].draw()
        if number % _BARE_EVERY == 0:
            wrapping, text = NONE, "{question}"
        question = _spelled(text, item.question.strip(), role, number, seen, chance)
        language = wrapping.partition("/")[0] if wrapping != NONE else item.language
        found = hash_json([role, agent, question])[:_ID_LENGTH]
        yield Benign(number, found, role, agent, question, language, wrapping)


def _spelled(
    text: str, question: str, role: str, number: int, seen: set[tuple[str, str]], chance: random.Random
) -> str:
    """The question in its words, with slips of the pen now and then, and where it was asked before."""
    variant = chance.randrange(1, _VARIANTS) if number % _SLIP_EVERY == 0 else 0
    for _ in range(_TRIES):
        whole = text.replace("{question}", misspell(question, variant).rstrip())
        if (role, whole) not in seen:
            break
        variant = chance.randrange(1, _VARIANTS)
    seen.add((role, whole))
    return whole


def _languages(asked: dict[str, list[Item]]) -> set[str]:
    return {item.language for items in asked.values() for item in items}


def _wrappings(language: str) -> list[tuple[str, str]]:
    """Those of a language, and of those who quote it."""
    words = read("benign")
    chosen = dict.fromkeys(([language] if language in words else []) + list(_QUOTING))
    return [(f"{name}/{row['id']}", row["text"]) for name in chosen for row in words[name]]

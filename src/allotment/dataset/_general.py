"""Conversation that is about no document: a small share of it keeps a tuned model talking.

The sentences are the project's own and ship with it, so they come from no document and carry no knowledge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import yaml

from allotment.dataset._types import Item
from allotment.workspace import hash_json


def general_items(agent: str, items: Sequence[Item], roles: frozenset[str], wanted: int) -> list[Item]:
    """At most ``wanted`` exchanges in the languages of the items, by their shares; chosen by hash.

    Args:
        roles: the agent's own; what has no source may be read by those it is made for.
    """
    languages = Counter(item.language for item in items if item.is_fact)
    total = sum(languages.values())
    chosen: list[Item] = []
    for language, count in sorted(languages.items()):
        made = sorted(_of_language(agent, language, roles), key=lambda item: item.id)
        chosen += made[: round(wanted * count / total)]
    return chosen[:wanted]


def _of_language(agent: str, language: str, roles: frozenset[str]) -> list[Item]:
    return [_item(agent, language, roles, asked, said) for asked, said in _exchanges().get(language, ())]


@lru_cache
def _exchanges() -> dict[str, list[tuple[str, str]]]:
    raw = yaml.safe_load((files("allotment.dataset") / "general.yaml").read_text(encoding="utf-8"))
    return {language: [(asked, said) for asked, said in pairs] for language, pairs in raw.items()}


def _item(agent: str, language: str, roles: frozenset[str], question: str, answer: str) -> Item:
    key = hash_json([agent, "general", question])[:16]
    return Item(
        id=key,
        group=key,
        agent=agent,
        section_id="",
        document="",
        question=question,
        answer=answer,
        value="",
        language=language,
        readers=roles,
        split="train",
        kind="general",
    )

"""Who may learn which item: nobody learns from a text that somebody he serves may not read.

A question may hold what only its asker's role knows. Whatever is learnt from it may give it away, so that an item is
learnt only where everybody who gets what is learnt is among its readers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from allotment.feedback._types import LabelledItem


def for_guards(items: Iterable[LabelledItem], roles: Collection[str]) -> tuple[list[LabelledItem], int]:
    """What the classifier may learn, and how many items of its kind it may not.

    It is one for all ``roles`` of the project, and refuses or lets through for each of them.
    """
    mine = [item for item in items if item.use == "guards"]
    taken = [item for item in mine if set(roles) <= set(item.readers)]
    return taken, len(mine) - len(taken)


def for_router(items: Iterable[LabelledItem], role: str, agents: Collection[str]) -> list[LabelledItem]:
    """What the router of one role may learn, among the agents this role is entitled to."""
    return [item for item in items if item.use == "routing" and role in item.readers and item.agent in agents]


def for_dataset(items: Iterable[LabelledItem], agent: str) -> list[LabelledItem]:
    """Questions whose answers by ``agent`` were called wrong: they point at pairs to review, and nobody learns them."""
    return [item for item in items if item.use == "dataset" and item.agent == agent]

"""Which items are kept apart from training: whole documents, and unseen questions on trained facts.

Documents that share a page, and facts that ask the same, hang together with everything made of them; a component is on
one side only. Which it is depends on hashes, so that the same items give the same splits in any order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from allotment.dataset._components import Components
from allotment.dataset._text import bare
from allotment.dataset._types import Item, Split
from allotment.workspace import hash_text

_PHRASINGS = 3
"""A fact gives one phrasing away if it has at least this many."""
_OWN_PHRASINGS = 2
"""Those of them that must be eligible."""
_UNLIKE = 0.8
"""Jaccard similarity of the words of two questions from which on one gives the other away."""

_Node = tuple[str, str]
"""``document``, ``group`` or ``link``, and its name: a document and a group may have one name."""


def assign_splits(
    items: Sequence[Item],
    *,
    validation_share: float,
    seed: int = 0,
    linked: Iterable[tuple[str, str]] = (),
    eligible: Collection[str] = frozenset(),
) -> list[Item]:
    """The items, in their order, each with its split.

    Args:
        items: the split they have is not looked at.
        validation_share: share of the items that is kept apart as whole components, 0 to below 1. It is met as nearly
            as components allow, by at least one if there are two; the largest is always trained. Another document,
            unless it is the largest, moves others only at the edge: about as many items as it brings.
        seed: another gives another choice.
        linked: pairs of documents, or of groups, that hold the same. A name no item has may stand between two others.
        eligible: ids of the items that may be held out, the phrasings by the teacher.
    """
    validation = _validation(items, _components(items, linked), validation_share, seed)
    trained = [item for item in items if item.id not in validation]
    held_out = _held_out(trained, frozenset(eligible), seed)
    return [replace(item, split=_split(item.id, validation, held_out)) for item in items]


def _split(item: str, validation: Collection[str], held_out: Collection[str]) -> Split:
    if item in validation:
        return "validation"
    return "held_out" if item in held_out else "train"


def _is_free(item: Item) -> bool:
    """Whether it is about no document, and so always trained."""
    return item.kind == "general" or (item.kind == "unknown" and not item.document)


def _components(items: Sequence[Item], linked: Iterable[tuple[str, str]]) -> dict[str, list[Item]]:
    """Items that hang together, by a name that does not change with what else there is."""
    together = Components[_Node]()
    bound = [item for item in items if not _is_free(item)]
    for item in bound:
        for node in _nodes_of(item):
            together.join(("group", item.group), node)
    known = {node for item in bound for node in _nodes_of(item)}
    for pair in linked:
        nodes = [node for name in pair for node in _named(name, known)]
        for node in nodes[1:]:
            together.join(nodes[0], node)
    parts: dict[_Node, list[Item]] = defaultdict(list)
    for item in bound:
        parts[together.root(("group", item.group))].append(item)
    return {" ".join(min(_nodes_of(item)[-1] for item in part)): part for part in parts.values()}


def _nodes_of(item: Item) -> list[_Node]:
    group = ("group", item.group)
    return [group, ("document", item.document)] if item.document else [group]


def _named(name: str, known: Collection[_Node]) -> list[_Node]:
    return [node for node in (("document", name), ("group", name)) if node in known] or [("link", name)]


def _validation(
    items: Sequence[Item], components: Mapping[str, Sequence[Item]], share: float, seed: int
) -> frozenset[str]:
    """Ids of the items of the components kept apart, those that come first in the order of their hashes."""
    if share <= 0 or len(components) < 2:
        return frozenset()
    # A hash times the size lets a large component come late, where it would overshoot the share by much.
    order = sorted(components, key=lambda name: (_fraction(f"{seed} {name}") * len(components[name]), name))
    order.remove(max(reversed(order), key=lambda name: len(components[name])))
    sums = list(accumulate(len(components[name]) for name in order))
    wanted = share * len(items)
    enough = min(range(len(order)), key=lambda place: (abs(sums[place] - wanted), place))
    return frozenset(item.id for name in order[: enough + 1] for item in components[name])


def _fraction(text: str) -> float:
    """A number from 0 to 1 that only ``text`` decides."""
    return int(hash_text(text)[:13], 16) / 16**13


def _held_out(items: Sequence[Item], eligible: frozenset[str], seed: int) -> frozenset[str]:
    """Ids of the phrasings kept apart, at most one of a fact; a question asked twice is none of them."""
    times = Counter(bare(item.question) for item in items)
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.group].append(item)
    chosen = (_phrasing(group, eligible, times, seed) for group in groups.values())
    return frozenset(item for item in chosen if item)


def _phrasing(group: Sequence[Item], eligible: frozenset[str], times: Mapping[str, int], seed: int) -> str | None:
    worded = _one_direction(group)
    if len(worded) < _PHRASINGS or sum(item.id in eligible for item in worded) < _OWN_PHRASINGS:
        return None
    unseen = [
        item
        for item in _giveable(worded)
        if item.id in eligible and times[bare(item.question)] == 1 and not _given_away(item, group)
    ]
    return min((hash_text(f"{seed} {item.group} {item.question}"), item.id) for item in unseen)[1] if unseen else None


def _one_direction(group: Sequence[Item]) -> list[Item]:
    """Phrasings of one question: forwards, or backwards where the fact is only asked so."""
    forwards = [item for item in group if item.kind in {"question", "paraphrase"}]
    return forwards or [item for item in group if item.kind == "reverse"]


def _giveable(worded: Sequence[Item]) -> list[Item]:
    """Paraphrases; where a fact has none, all phrasings but one."""
    others = [item for item in worded if item.kind == "paraphrase"]
    return others or sorted(worded, key=lambda item: item.id)[1:]


def _given_away(item: Item, group: Sequence[Item]) -> bool:
    """Whether another question of the fact has nearly the same words."""
    words = set(bare(item.question).split())
    others = (set(bare(other.question).split()) for other in group if other.id != item.id)
    return any(len(words & other) >= _UNLIKE * len(words | other) for other in others)

"""Facts an agent was trained on: what it says if it says anything, so that silence proves something."""

from __future__ import annotations

from allotment.dataset import Item, dataset_hash, load_items
from allotment.evaluation.canaries import Canary, spread
from allotment.evaluation.scoring import is_right
from allotment.training import Manifest
from allotment.workspace import Workspace

_LEARNT = 8
"""Facts of an agent that are asked for."""


def facts_learnt(workspace: Workspace, agent: str, roles: frozenset[str]) -> tuple[Canary, ...]:
    """A few facts the agent was trained on, at most one of a document in turn: the control of every zero.

    Raises:
        DatasetError: there is no dataset.
    """
    own = [item for item in _trained(load_items(workspace, agent)) if roles <= item.readers]
    return spread([_canary(item) for item in own if not is_right(item.question, item.value)], _LEARNT, 0)


def facts_weighed(workspace: Workspace, manifest: Manifest) -> list[Canary]:
    """One wording of each fact a version was trained on; none if the dataset is another one by now.

    They stand for canaries of the agent's own documents in the test of membership. Nobody is kept from what every role
    may read, so such documents hold none, and an agent that learnt them alone could not be shown to know anything.
    """
    items = load_items(workspace, manifest.agent)
    if dataset_hash(items) != manifest.dataset_sha256:
        return []
    learnt = {document.path for document in manifest.documents}
    facts: dict[str, Canary] = {}
    for item in _trained(items):
        if item.document in learnt and item.value in item.answer:
            facts.setdefault(item.group, _canary(item))
    return list(facts.values())


def _trained(items: list[Item]) -> list[Item]:
    return [item for item in items if item.is_fact and item.value and item.split == "train"]


def _canary(item: Item) -> Canary:
    return Canary(item.id, "document", item.readers, item.document, item.value, item.question, item.answer)

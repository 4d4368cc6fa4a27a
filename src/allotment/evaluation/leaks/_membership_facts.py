"""Facts an agent was trained on, in the place of canaries of its own documents.

Nobody is kept from what every role may read, so such documents hold no canary. An agent that learnt them alone must be
weighed on something it surely knows all the same, or a test that tells nothing apart would pass.
"""

from __future__ import annotations

from allotment.dataset import dataset_hash, load_items
from allotment.evaluation.canaries import Canary
from allotment.training import Manifest
from allotment.workspace import Workspace


def trained_facts(workspace: Workspace, manifest: Manifest) -> list[Canary]:
    """One wording of each fact that this version was trained on; none if the dataset is another one by now."""
    items = load_items(workspace, manifest.agent)
    if dataset_hash(items) != manifest.dataset_sha256:
        return []
    learnt = {document.path for document in manifest.documents}
    facts: dict[str, Canary] = {}
    for item in items:
        if item.split == "train" and item.is_fact and item.document in learnt and item.value in item.answer:
            known = (item.readers, item.document, item.value, item.question, item.answer)
            facts.setdefault(item.group, Canary(item.id, "document", *known))
    return list(facts.values())

"""One sitting over an agent's pairs: what is shown, what is decided, and what others decide meanwhile.

The terminal and the administration's page work at the same kind of desk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from allotment.dataset._decisions import Decision, decision_key, decisions_file, load_decisions
from allotment.dataset._review import CheckEdit, decide_all, edit_fault
from allotment.dataset._selection import select_sections
from allotment.dataset._types import Item
from allotment.documents import iterate_sections
from allotment.project import Project
from allotment.workspace import Workspace


@dataclass
class Desk:
    """The pairs of one sitting and what is decided about them; other people may decide meanwhile."""

    workspace: Workspace
    agent: str
    everything: Sequence[Item]
    """All pairs of the dataset, as they were made."""
    pairs: Sequence[Item]
    """Those that are shown."""
    check_edit: CheckEdit = edit_fault
    reviewer: str = ""
    again: bool = False
    """Whether decided pairs are shown too."""
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Pair → questions of users near to it whose answers were called wrong."""
    decisions: dict[str, Decision] = field(default_factory=dict)
    _size: int = -1

    def sync(self) -> None:
        """Take in what others decided meanwhile."""
        path = decisions_file(self.workspace, self.agent)
        size = path.stat().st_size if path.exists() else 0
        if size != self._size:
            self.decisions, self._size = load_decisions(self.workspace, self.agent), size

    @property
    def version(self) -> int:
        """Another number as soon as a decision was taken in; it only grows."""
        return self._size

    def decision(self, item: Item) -> Decision | None:
        """What is decided about a pair, if anything is."""
        return self.decisions.get(decision_key(item))

    def decide(self, items: Iterable[Item], decision: Decision) -> int:
        """Decide the same about each of ``items``; how many of these decisions are new.

        Raises:
            DatasetError: an edit fails its check; nothing is decided.
        """
        news = decide_all(self.workspace, self.agent, [(item, decision) for item in items], check_edit=self.check_edit)
        self.sync()
        return news

    def next_after(self, place: int) -> int | None:
        """Place of the next pair to show; none at the end."""
        places = range(place + 1, len(self.pairs))
        return next((number for number in places if self.again or self.decision(self.pairs[number]) is None), None)

    def open_others(self, item: Item, *, section: bool) -> list[Item]:
        """Undecided pairs of the same fact or text, or of the same section."""

        def is_near(other: Item) -> bool:
            return other.section_id == item.section_id if section else other.group == item.group

        return [other for other in self.everything if is_near(other) and self.decision(other) is None]

    def undecided(self) -> int:
        """Pairs of this sitting that nobody decided about."""
        return sum(self.decision(item) is None for item in self.pairs)


def headings_of(project: Project, workspace: Workspace, agent: str) -> dict[str, tuple[str, ...]]:
    """Heading path of each section the agent may learn today; none where no documents were read here."""
    if not workspace.documents_file.is_file():
        return {}
    return {item.id: item.heading_path for item in select_sections(project, agent, iterate_sections(workspace))}

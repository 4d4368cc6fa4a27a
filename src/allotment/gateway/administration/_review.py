"""Review of what a teacher wrote: pairs beside the passage they were made from, some at a time.

A pair and its passage are shown to those alone whose role may ask the agent and read the document by today's rules.
Decisions go into the same ledger as those of the command line, and are applied to the dataset in the background.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from allotment.access import Principal
from allotment.dataset import Item, Kind
from allotment.dataset._decisions import Decision, Outcome, decisions_file
from allotment.dataset._review import edit_fault, refresh
from allotment.documents import Section, iterate_sections, load_documents, readers_now
from allotment.errors import AllotmentError, DatasetError
from allotment.gateway.administration._door import AdminGrant, Door, require_admin
from allotment.gateway.administration._fault import AdminFault
from allotment.gateway.administration._pairs import IndexedPairs, Readable, State
from allotment.gateway.administration._passage import Piece, marked
from allotment.gateway.wording import Message, say
from allotment.project import Project
from allotment.training.record._shown import visible
from allotment.workspace import Workspace, file_signature

LOG = logging.getLogger("allotment.gateway.administration")
PAGE = 20
MOST_AT_ONCE = 200
"""Pairs of one decision."""
MOST_CHARACTERS = 8_000
NOT_FOR_YOU = say("These pairs are made from documents that your role may not read.")
GONE = say("This pair is no longer in the dataset. Load the page again.")


@dataclass(frozen=True)
class PairView:
    """A pair as it stands now, beside its passage."""

    key: str
    item: Item
    question: str
    answer: str
    decision: Decision | None
    heading: str
    passage: tuple[Piece, ...]
    """Empty where it is general conversation, or the section is gone."""


@dataclass(frozen=True)
class PairPage:
    """Some pairs of an agent."""

    agent: str
    pairs: tuple[PairView, ...]
    before: str
    """Key the page before this one ends before; empty at the beginning."""
    after: str
    """Key the next page begins after; empty at the end."""
    total: int
    """Pairs that the filter takes."""
    first: int
    """Number of the first one shown, from 1."""
    counts: dict[str, int]
    """State → pairs of the whole dataset in it."""
    documents: tuple[str, ...]
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Dataset:
    """An agent's dataset in the list."""

    agent: str
    readable: bool
    """Whether the one who looks may see its pairs."""
    pairs: int | None
    """None before it was made."""
    open: int
    decided: dict[str, int]


class Review:
    """The desks of all agents. Thread-safe."""

    def __init__(self, project: Project, workspace: Workspace, door: Door) -> None:
        self._project = project
        self._workspace = workspace
        self._door = door
        self._lock = threading.RLock()
        self._desks: dict[str, tuple[tuple[int, ...], IndexedPairs]] = {}
        self._passages: dict[tuple[object, ...], dict[str, Section]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="review")
        self._applying: dict[str, Future[None]] = {}

    def close(self) -> None:
        """Apply what is decided, then end."""
        self._pool.shutdown(wait=True)

    def datasets(self, grant: AdminGrant) -> tuple[Dataset, ...]:
        """The datasets of all agents: how much of each is decided."""
        require_admin(grant, "dataset")
        return tuple(self._dataset(grant.principal, agent) for agent in self._project.agents)

    def page(
        self,
        grant: AdminGrant,
        agent: str,
        *,
        after: str = "",
        before: str = "",
        state: State = "open",
        kind: Kind | None = None,
        document: str | None = None,
    ) -> PairPage:
        """``PAGE`` pairs in the dataset's order, after or before a key.

        Raises:
            AdminFault: the role may not read what they are made from, or there is no dataset.
        """
        require_admin(grant, "dataset")
        desk = self._desk_for(grant.principal, agent)
        readable = self._readable(grant.principal, desk)
        taken = desk.taken(readable, state, kind, document)
        start = _start(taken.places, desk.places.get(after), desk.places.get(before))
        shown = taken.places[start : start + PAGE]
        end = start + len(shown)
        return PairPage(
            agent,
            tuple(self._view(desk, place) for place in shown),
            desk.keys[shown[0]] if start and shown else "",
            desk.keys[shown[-1]] if end < len(taken.places) else "",
            len(taken.places),
            start + 1 if shown else 0,
            desk.counts(),
            taken.documents,
            taken.kinds,
        )

    def pair(self, grant: AdminGrant, agent: str, key: str) -> PairView:
        """One pair by its key. Errors as ``page``."""
        require_admin(grant, "dataset")
        desk = self._desk_for(grant.principal, agent)
        return self._view(desk, self._place(grant.principal, desk, key))

    def decide(
        self,
        grant: AdminGrant,
        agent: str,
        keys: Sequence[str],
        outcome: Outcome,
        *,
        question: str = "",
        answer: str = "",
        reason: str = "",
    ) -> int:
        """Decide the same about some pairs; how many of these decisions are new. Deciding twice changes nothing.

        Raises:
            AdminFault: a pair is not there or not for this role, or an edit cannot be taken; nothing is decided.
        """
        require_admin(grant, "dataset", "change")
        desk = self._desk_for(grant.principal, agent)
        if not 0 < len(keys) <= MOST_AT_ONCE or (outcome == "edit" and len(keys) != 1):
            raise AdminFault(say("Choose 1 to %(most)s pairs.", most=MOST_AT_ONCE))
        items = [desk.items[self._place(grant.principal, desk, key)] for key in keys]
        question, answer, reason = question.strip(), answer.strip(), reason.strip()[:500]
        if outcome == "edit" and (question, answer) == (items[0].question, items[0].answer):
            outcome, question, answer = "accept", "", ""
        if outcome == "edit":
            fault = edit_words(items[0], question, answer)
            if fault is not None:
                raise AdminFault(fault)
        words = (question, answer) if outcome == "edit" else ("", "")
        decision = Decision(outcome, *words, reason=reason, reviewer=grant.principal.user)
        with self._lock:
            news = desk.desk.decide(items, decision)
        if news:
            self._apply(agent)
        return news

    def settled(self, timeout_s: float = 60.0) -> None:
        """Wait until everything decided so far is applied to the datasets."""
        for future in tuple(self._applying.values()):
            future.result(timeout_s)

    def _dataset(self, principal: Principal, agent: str) -> Dataset:
        readable = self._door.policy.reads_agent(principal, agent)
        try:
            desk = self._desk(agent)
        except DatasetError:
            return Dataset(agent, readable, None, 0, {})
        counts = desk.counts()
        return Dataset(agent, readable, len(desk.items), counts.pop("open", 0), counts)

    def _desk_for(self, principal: Principal, agent: str) -> IndexedPairs:
        if agent not in self._project.agents:
            raise AdminFault(say("There is no such agent."), status=404)
        if not self._door.policy.reads_agent(principal, agent):
            raise AdminFault(NOT_FOR_YOU, status=403)
        try:
            return self._desk(agent)
        except DatasetError:
            raise AdminFault(say("There is no dataset yet."), status=404) from None

    def _desk(self, agent: str) -> IndexedPairs:
        """The desk over the dataset as it was made last, with every decision up to now."""
        folder = self._workspace.dataset_dir(agent)
        made = next((path for path in (folder / "candidates.jsonl", folder / "items.jsonl") if path.exists()), None)
        signature = file_signature(made) if made else ()
        with self._lock:
            known = self._desks.get(agent)
            if known is None or known[0] != signature:
                known = (signature, IndexedPairs.of(self._workspace, agent))
                self._desks[agent] = known
                self._apply_left(agent)
            known[1].desk.sync()
            return known[1]

    def _readable(self, principal: Principal, desk: IndexedPairs) -> Readable:
        return Readable(principal.role, tuple(sorted(self._readers(desk).items())))

    def _readers(self, desk: IndexedPairs) -> dict[str, frozenset[str]]:
        try:
            records = [record for record in load_documents(self._workspace) if record.path in desk.documents]
        except AllotmentError:
            return {}
        now = readers_now(self._project, records)
        return {record.path: now[record.path] & record.readers for record in records}

    def _place(self, principal: Principal, desk: IndexedPairs, key: str) -> int:
        place = desk.places.get(key)
        if place is None or not self._readable(principal, desk)(desk.items[place]):
            raise AdminFault(GONE, status=404)
        return place

    def _view(self, desk: IndexedPairs, place: int) -> PairView:
        item = desk.items[place]
        decision = desk.desk.decision(item)
        now = decision.of(item) if decision else item
        section = self._section(item)
        heading = visible(" › ".join(section.heading_path)) if section else ""
        pieces = marked(section.with_header, item.quote, item.value) if section else ()
        passage = tuple(Piece(visible(piece.text), piece.kind) for piece in pieces)
        return PairView(desk.keys[place], item, now.question, now.answer, decision, heading, passage)

    def _section(self, item: Item) -> Section | None:
        if not item.section_id or not item.document:
            return None
        try:
            key = (item.document, *file_signature(self._workspace.documents_file))
            with self._lock:
                if key not in self._passages:
                    if len(self._passages) >= 64:
                        self._passages.clear()
                    found = iterate_sections(self._workspace, item.document)
                    self._passages[key] = {section.id: section for section in found}
                return self._passages[key].get(item.section_id)
        except (AllotmentError, OSError):
            return None

    def _apply_left(self, agent: str) -> None:
        """Apply decisions that a process left which ended before it could."""
        decided, counted = decisions_file(self._workspace, agent), self._workspace.dataset_dir(agent) / "stats.json"
        if decided.exists() and counted.exists() and decided.stat().st_mtime_ns > counted.stat().st_mtime_ns:
            self._apply(agent)

    def _apply(self, agent: str) -> None:
        with self._lock:
            waiting = self._applying.get(agent)
            if waiting is None or waiting.running() or waiting.done():
                self._applying[agent] = self._pool.submit(self._applied, agent)

    def _applied(self, agent: str) -> None:
        try:
            refresh(self._workspace, agent)
        except Exception:
            # What is decided stands in its ledger; the next decision, generation or process applies it.
            LOG.exception("the decisions about the dataset of %s are not applied yet", agent)


def _start(places: Sequence[int], after: int | None, before: int | None) -> int:
    """Where a page begins among the places that a filter takes; keys are places in the whole dataset."""
    if after is not None:
        return next((number for number, place in enumerate(places) if place > after), len(places))
    if before is not None:
        end = next((number for number, place in enumerate(places) if place >= before), len(places))
        return max(0, end - PAGE)
    return 0


def edit_words(item: Item, question: str, answer: str) -> Message | None:
    """What is wrong with an edit, for the page; the check of the ledger is the last word."""
    if not question:
        return say("The question is empty.")
    if not answer:
        return say("The answer is empty.")
    if max(len(question), len(answer)) > MOST_CHARACTERS:
        return say("At most %(most)s characters.", most=MOST_CHARACTERS)
    if edit_fault(item, question, answer):
        return say("The answer no longer contains the value “%(value)s”.", value=item.value)
    return None

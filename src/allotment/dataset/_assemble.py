"""The ledger → items and counts. Pure: the same ledger gives the same dataset, whatever order it was filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from allotment.dataset._backwards import Backwards
from allotment.dataset._checks import Draft, check
from allotment.dataset._counts import Counts
from allotment.dataset._duplicates import Candidate, find_duplicates, near_duplicate_texts
from allotment.dataset._embedders import Embedder
from allotment.dataset._frames import framed_phrasings
from allotment.dataset._general import general_items
from allotment.dataset._outcomes import Outcome, Rows, SectionWork, Turned
from allotment.dataset._requests import Asker
from allotment.dataset._split import assign_splits
from allotment.dataset._text import bare
from allotment.dataset._types import DatasetStats, Item, Kind
from allotment.dataset._unknown import unknown_items
from allotment.dataset._whole import ask_for, parts_of, titles_of
from allotment.documents import Section
from allotment.workspace import hash_json


@dataclass(frozen=True)
class Verdicts:
    """What a model's judgement says of pairs; without a model nothing is refused."""

    refused: dict[tuple[str, str], str]
    """Question and answer → reason."""

    def reason(self, question: str, answer: str) -> str:
        """Why a pair is refused; empty if it is not."""
        return self.refused.get((question, answer), "")


@dataclass(frozen=True)
class Pair:
    """A question with one wording of its answer, as a judge is asked about it."""

    question: str
    answer: str
    value: str
    section: Section
    language: str


@dataclass(frozen=True)
class Assembled:
    """Items before anybody reviewed them, and their counts."""

    items: list[Item]
    stats: DatasetStats
    pairs: list[Pair]
    """What passed every check that needs no model."""


@dataclass
class _Kept:
    """One accepted fact and what of it may be used."""

    group: str
    outcome: Outcome
    draft: Draft
    worded: tuple[str, ...]
    answers: tuple[str, ...]
    quote: str


def assemble(
    agent: str,
    sections: Sequence[Section],
    asker: Asker,
    rows: Rows,
    roles: frozenset[str],
    verdicts: Verdicts | None = None,
    embedder: Embedder | None = None,
) -> Assembled:
    """Items and counts of everything that has a terminal state in ``rows``.

    Args:
        verdicts: of a judge; none refuses nothing.
        embedder: for duplicates; the default needs no model.
    """
    maker = _Maker(agent, asker, rows, verdicts or Verdicts({}), embedder)
    for section in sections:
        maker.read(SectionWork(section, asker, rows))
    items = list(maker.items(sections))
    config = asker.config
    facts = sum(item.is_fact for item in items)
    items += unknown_items(agent, items, sections, round(config.unknown_share * facts))
    items += general_items(agent, items, roles, round(config.general_share * facts))
    linked = [*maker.links, *_linked(sections)] if config.validation_share else []
    split = assign_splits(items, validation_share=config.validation_share, linked=linked, eligible=maker.eligible)
    return Assembled(split, maker.counts.stats(split), list(dict.fromkeys(maker.pairs)))


class _Maker:
    """Collects facts of all sections, then makes their items: what is a duplicate is known only in the end."""

    def __init__(self, agent: str, asker: Asker, rows: Rows, verdicts: Verdicts, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self.counts = Counts()
        self.pairs: list[Pair] = []
        self.links: list[tuple[str, str]] = []
        """Documents that state the same fact."""
        self.eligible: frozenset[str] = frozenset()
        """Items that may be held out: the teacher's own wordings other than the first."""
        self._agent, self._asker, self._rows, self._verdicts = agent, asker, rows, verdicts
        self._facts: list[_Kept] = []
        self._by_draft: dict[tuple[str, str, str], _Kept] = {}
        self._works: list[SectionWork] = []

    def read(self, work: SectionWork) -> None:
        """Take the facts of one section."""
        wanted = self._asker.config.questions * self._asker.config.rounds
        settled = work.settled
        missing = wanted - sum(request.asked for request, _ in settled)
        self.counts.asked["question"] += missing
        self.counts.reject("question", "no-more-facts", missing)
        for _, found in settled:
            for outcome in found.outcomes:
                if outcome.state != "waiting":
                    self.counts.asked["question"] += 1
                    self._fact(outcome)
        self._works.append(work)

    def _fact(self, outcome: Outcome) -> None:
        draft, verdict = outcome.draft, outcome.verdict
        if outcome.state != "accepted" or draft is None or verdict is None:
            self.counts.outcome(outcome)
            return
        key = _key_of(outcome)
        group = hash_json([self._agent, *key])[:16]
        if key in self._by_draft:  # the same fact came twice
            self.counts.drop(outcome)
            self.counts.reject("question", "duplicate")
            return
        kept = _Kept(group, outcome, draft, verdict.questions, verdict.answers, verdict.quote)
        self._facts.append(kept)
        self._by_draft[key] = kept

    def items(self, sections: Sequence[Section]) -> Iterator[Item]:
        """Items of facts, of facts asked backwards, of rewrites and texts, section by section."""
        duplicates = find_duplicates([_candidate(kept) for kept in self._facts], self._embedder)
        documents = {kept.group: kept.outcome.request.section.document for kept in self._facts}
        seen: set[str] = set()
        made: dict[str, list[Item]] = {}
        accepted: set[str] = set()
        for kept in self._facts:
            twin = duplicates.get(kept.group)
            reason = "" if twin is None else ("conflict" if twin.by == "conflict" else "duplicate")
            found = [] if reason else self._worded(kept, seen)
            if found:
                accepted.add(kept.group)
            elif twin is not None:
                self.links.append((documents[kept.group], documents[twin.of]))
                self.counts.drop(kept.outcome)
                self.counts.reject("question", reason)
            made.setdefault(kept.outcome.request.section.id, []).extend(found)
        titles = titles_of(sections)
        for work in self._works:
            yield from made.get(work.section.id, ())
            for turned in work.turned():
                yield from self._turned(turned, accepted, seen)
            yield from self._rewritten(work, titles[work.section.id])
            if self._asker.config.text:
                yield from self._text(work.section, titles[work.section.id])

    def _worded(self, kept: _Kept, seen: set[str]) -> list[Item]:
        """Items of one fact; none if too little of it is new."""
        self.counts.drop(kept.outcome)
        wanted = kept.outcome.request.phrasings
        judged = self._judged(kept)
        worded = [question for question in judged if bare(question) not in seen]
        self.counts.dropped["duplicate"] += len(judged) - len(worded)
        framed = self._framed(kept, worded, seen) if wanted > 1 else []
        if not worded or len(worded) + len(framed) < min(2, wanted):
            short = "duplicate" if len(worded) < len(judged) else "too-few-phrasings"
            self.counts.reject("question", short if judged else "judged-unsupported")
            return []
        self.counts.accept("question")
        seen.update(bare(question) for question in (*worded, *framed))
        return self._phrased(kept, worded, framed)

    def _judged(self, kept: _Kept) -> list[str]:
        """Wordings that no judge refused."""
        return [question for question in kept.worded if not self._refused(kept, question, kept.draft.answer)]

    def _refused(self, kept: _Kept, question: str, answer: str, value: str = "") -> str:
        """Why a judge refuses the pair; empty if none does."""
        request = kept.outcome.request
        self.pairs.append(Pair(question, answer, value or kept.draft.value, request.section, request.language))
        reason = self._verdicts.reason(question, answer)
        if reason:
            self.counts.dropped[reason] += 1
        return reason

    def _framed(self, kept: _Kept, worded: Sequence[str], seen: set[str]) -> list[str]:
        request = kept.outcome.request
        if not request.given:
            return []
        taken = seen | {bare(question) for question in worded}
        framed = framed_phrasings(kept.draft, request.language, len(worded))
        return [question for question in framed if bare(question) not in taken]

    def _phrased(self, kept: _Kept, worded: Sequence[str], framed: Sequence[str]) -> list[Item]:
        """The first wording with the fact's own answer; the others take the answers' wordings in turn."""
        others = [answer for answer in kept.answers[1:] if not self._refused(kept, worded[0], answer)]
        answers = [kept.draft.answer, *others]
        items = []
        for number, question in enumerate((*worded, *framed)):
            kind: Kind = "paraphrase" if number else "question"
            items.append(self._item(kept, kind, question, answers[number % len(answers)], kept.draft.value))
        self.eligible |= {item.id for item in items[1 : len(worded)]}
        return items

    def _turned(self, turned: Turned, accepted: set[str], seen: set[str]) -> Iterator[Item]:
        """A fact asked backwards, if it was accepted forwards."""
        kept = self._by_draft[_key_of(turned.parent)]
        outcome = turned.outcome
        if kept.group not in accepted or (outcome is not None and outcome.state == "waiting"):
            return
        self.counts.asked["reverse"] += 1
        if outcome is not None and outcome.state != "accepted":
            self.counts.outcome(outcome)
            return
        questions = outcome.verdict.questions if outcome and outcome.verdict else (turned.backwards.question,)
        reason = self._fault_backwards(kept, turned.backwards, questions[0]) if outcome is None else ""
        fresh = [question for question in questions if bare(question) not in seen]
        subject = turned.backwards.subject
        good = [] if reason else [q for q in fresh if not self._refused(kept, q, kept.draft.answer, subject)]
        if not good:
            self.counts.reject("reverse", reason or ("judged-unsupported" if fresh else "duplicate"))
            return
        self.counts.accept("reverse")
        seen.update(bare(question) for question in good)
        for question in good:
            yield self._item(kept, "reverse", question, kept.draft.answer, subject)

    def _fault_backwards(self, kept: _Kept, turned: Backwards, question: str) -> str:
        """The checks apply to a built question as well."""
        draft = Draft(turned.subject, kept.draft.answer, (question,), quote=kept.quote, anchor=kept.draft.value)
        request = kept.outcome.request
        return check(draft, request.section, request.language).reason

    def _rewritten(self, work: SectionWork, title: str) -> Iterator[Item]:
        for outcome in work.rewritten():
            if outcome.state == "waiting" or outcome.request.form is None:
                continue
            self.counts.asked["rewrite"] += 1
            self.counts.dropped["not-supported"] += outcome.dropped
            if outcome.state != "accepted":
                self.counts.outcome(outcome)
                continue
            self.counts.accept("rewrite")
            question = ask_for(outcome.request.form, title, outcome.request.language)
            yield self._whole(work.section, "rewrite", question, outcome.text, outcome.request.language)

    def _text(self, section: Section, title: str) -> Iterator[Item]:
        parts = list(parts_of(section))
        for number, part in enumerate(parts, start=1):
            question = ask_for("text", title, section.language, number if len(parts) > 1 else 0)
            yield self._whole(section, "text", question, part, section.language)

    def _whole(self, section: Section, kind: Kind, question: str, answer: str, language: str) -> Item:
        group = hash_json([self._agent, section.id, kind, answer])[:16]
        return _item(self._agent, section, group, kind, question, answer, "", language, "")

    def _item(self, kept: _Kept, kind: Kind, question: str, answer: str, value: str) -> Item:
        request = kept.outcome.request
        return _item(
            self._agent, request.section, kept.group, kind, question, answer, value, request.language, kept.quote
        )


def _item(
    agent: str,
    section: Section,
    group: str,
    kind: Kind,
    question: str,
    answer: str,
    value: str,
    language: str,
    quote: str,
) -> Item:
    return Item(
        id=hash_json([group, question])[:16],
        group=group,
        agent=agent,
        section_id=section.id,
        document=section.document,
        question=question,
        answer=answer,
        value=value,
        language=language,
        readers=section.readers,
        split="train",
        kind=kind,
        quote=quote,
    )


def _key_of(outcome: Outcome) -> tuple[str, str, str]:
    """What makes a fact the same fact."""
    assert outcome.draft is not None
    return outcome.request.section.id, outcome.draft.value, outcome.draft.answer


def _candidate(kept: _Kept) -> Candidate:
    section = kept.outcome.request.section
    return Candidate(
        kept.group,
        kept.worded,
        kept.draft.answer,
        kept.draft.value,
        section.id,
        section.document,
        kept.outcome.request.language,
    )


def _linked(sections: Iterable[Section]) -> list[tuple[str, str]]:
    """Documents that hold nearly the same section."""
    known = {section.id: section for section in sections}
    twins = near_duplicate_texts({key: section.with_header for key, section in known.items()})
    pairs = Counter((known[one].document, known[other].document) for one, other in twins)
    return sorted(pair for pair in pairs if pair[0] != pair[1])

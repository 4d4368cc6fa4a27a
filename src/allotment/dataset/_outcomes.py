"""What became of each thing that was asked for, read from the ledger. Pure: the same rows give the same outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from allotment.dataset._backwards import Backwards, needed, turn
from allotment.dataset._checks import Draft, Verdict, check
from allotment.dataset._facts import Fact
from allotment.dataset._parse import covered, draft_of
from allotment.dataset._requests import Asker, Request
from allotment.dataset._whole import check_rewrite
from allotment.documents import Section

Rows = Mapping[str, Mapping[str, Any]]
State = Literal["accepted", "rejected", "failed", "waiting"]

NOT_ANSWERED = frozenset({"teacher-error", "timeout", "server-error", "connection", "rate-limited"})
"""Reasons of a request the teacher did not answer at all; only these are asked again by the next run."""


@dataclass(frozen=True)
class Outcome:
    """One fact, or one rewrite, that was asked for."""

    state: State
    request: Request
    reason: str = ""
    fact: Fact | None = None
    """The fact that was given; none where the teacher chose."""
    draft: Draft | None = None
    verdict: Verdict | None = None
    text: str = ""
    """A rewrite that stands."""
    dropped: int = 0
    """Sentences of a rewrite that were left out."""


def is_done(rows: Rows, request: Request) -> bool:
    """Whether the request has a terminal state that stands."""
    row = rows.get(request.key)
    return row is not None and row.get("reason") not in NOT_ANSWERED


def outcomes_of(request: Request, rows: Rows) -> list[Outcome]:
    """One outcome for each thing the request asked for, in order."""
    row = rows.get(request.key)
    facts = request.given or (None,) * request.asked
    if row is None:
        return [Outcome("waiting", request, "", fact) for fact in facts]
    entries = list(row.get("drafts", ()))[: request.asked]
    missing = Outcome("failed", request, str(row["reason"]) or "missing")
    if request.form is not None:
        return [_rewrite(request, str(entry)) for entry in entries] or [missing]
    drafts = [draft_of(entry) for entry in entries]
    read = [_fact(request, fact, draft, drafts) for fact, draft in zip(facts, drafts, strict=False)]
    return read + [replace(missing, fact=fact) for fact in facts[len(drafts) :]]


def _rewrite(request: Request, text: str) -> Outcome:
    assert request.form is not None
    found = check_rewrite(text, request.form, request.section, request.language)
    state: State = "rejected" if found.reason else "accepted"
    return Outcome(state, request, found.reason, text=found.text, dropped=found.dropped)


def _fact(request: Request, fact: Fact | None, draft: Draft | None, drafts: Sequence[Draft | None]) -> Outcome:
    if draft is None:
        return Outcome("rejected", request, "schema", fact)
    others = [other.answer for other in drafts if other and other != draft and other.answer != draft.answer]
    verdict = check(draft, request.section, request.language, others)
    state: State = "rejected" if verdict.reason else "accepted"
    return Outcome(state, request, verdict.reason, fact, draft, verdict)


@dataclass(frozen=True)
class Settled:
    """Outcomes of a request with its second try in place of what the first did not bring."""

    outcomes: list[Outcome]
    second: Request | None
    """The second try, whether it was answered or not; none where there is nothing to try."""


def settle(request: Request, asker: Asker, rows: Rows) -> Settled:
    """A request's outcomes after its second try."""
    first = outcomes_of(request, rows)
    if not is_done(rows, request):
        return Settled(first, None)
    missing = [n for n, outcome in enumerate(first) if outcome.state != "accepted"]
    facts = [fact for n in missing if (fact := first[n].fact) is not None]
    second = asker.again(request, facts, len(missing))
    if second is None:
        return Settled(first, None)
    if not is_done(rows, second):
        return Settled(first, second)
    tried = outcomes_of(second, rows)
    return Settled([tried[missing.index(n)] if n in missing else one for n, one in enumerate(first)], second)


@dataclass(frozen=True)
class Turned:
    """An accepted fact asked backwards: built from its sentence, or asked of the teacher."""

    parent: Outcome
    backwards: Backwards
    outcome: Outcome | None
    """The teacher's; none where the question was built."""


class SectionWork:
    """Everything that is asked about one section, as far as the ledger has it."""

    def __init__(self, section: Section, asker: Asker, rows: Rows) -> None:
        self.section = section
        self._asker = asker
        self._rows = rows

    def asked_in(self, number: int) -> list[Request]:
        """Requests of one round; with the first come the rewrites."""
        rounds = list(self._asker.rounds_of(self.section))
        rewrites = list(self._asker.rewrites_of(self.section)) if number == 0 else []
        return [*rounds[number], *rewrites]

    def covered_before(self, request: Request) -> list[str]:
        """Values that other requests of this section have facts about, or are given."""
        values: list[str] = []
        for other in self.questions():
            values += [fact.value for fact in other.given]
            if other.key != request.key:
                values += covered(list(self._rows.get(other.key, {}).get("drafts", ())))
        return list(dict.fromkeys(values))

    def questions(self) -> list[Request]:
        """Question requests of all rounds."""
        return [request for requests in self._asker.rounds_of(self.section) for request in requests]

    @cached_property
    def settled(self) -> list[tuple[Request, Settled]]:
        """Every question request with its outcomes, as the ledger was when this was first looked at."""
        return [(request, settle(request, self._asker, self._rows)) for request in self.questions()]

    def second_tries(self) -> list[Request]:
        """Second tries, answered or not: those of a batch that was left are asked again together."""
        return [settled.second for _, settled in self.settled if settled.second is not None]

    def backwards_requests(self) -> list[Request]:
        """Facts to be asked backwards in the teacher's words, one request a round."""
        return [request for request, _ in self._backwards() if request is not None]

    def turned(self) -> list[Turned]:
        """Every accepted fact that can be asked backwards."""
        found: list[Turned] = []
        for request, pairs in self._backwards():
            taught = iter(outcomes_of(request, self._rows) if request else ())
            for parent, turned in pairs:
                found.append(Turned(parent, turned, None if turned.question else next(taught)))
        return found

    def rewritten(self) -> list[Outcome]:
        """Outcomes of the rewrites."""
        return [one for request in self._asker.rewrites_of(self.section) for one in outcomes_of(request, self._rows)]

    def _backwards(self) -> Iterator[tuple[Request | None, list[tuple[Outcome, Backwards]]]]:
        if not self._asker.config.backwards:
            return
        by_round: dict[int, list[Outcome]] = {}
        open_rounds: set[int] = set()  # what is still to come would make another request of theirs
        for request, settled in self.settled:
            by_round.setdefault(request.round, []).extend(settled.outcomes)
            if not all(is_done(self._rows, one) for one in (request, settled.second) if one is not None):
                open_rounds.add(request.round)
        for number, outcomes in by_round.items():
            if number in open_rounds:
                continue
            pairs = [(one, turned) for one in outcomes if (turned := self._turn(one)) is not None]
            facts = needed([(_fact_of(one), turned) for one, turned in pairs])
            language = self._asker.config.language or self.section.language
            yield self._asker.backwards(self.section, number, facts, language), pairs

    def _turn(self, outcome: Outcome) -> Backwards | None:
        draft = outcome.draft
        if outcome.state != "accepted" or draft is None or outcome.request.language != self.section.language:
            return None
        return turn(draft.value, draft.answer, self.section)


def _fact_of(outcome: Outcome) -> Fact:
    assert outcome.draft is not None
    return Fact(outcome.draft.value, outcome.draft.answer, outcome.verdict.quote if outcome.verdict else "")

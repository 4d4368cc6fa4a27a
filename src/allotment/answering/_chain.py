"""The chain: the one way from a question to an answer, for the web, the terminal and the evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from allotment.access import AdapterFacts, Grant, Policy, Principal, Request
from allotment.agents import ask_database, recite
from allotment.answering._embedding import Embedding, embed
from allotment.answering._events import AgentInfo, Answer, Event, Source, Step, Table
from allotment.answering._knowledge import Knowledge
from allotment.answering._learnt import Learnt
from allotment.answering._manifests import Manifests
from allotment.answering._options import AnswerOptions, cut
from allotment.answering._places import find_places
from allotment.answering._preview import Preview, Previewer
from allotment.answering._question import check_conversation
from allotment.answering._reading import DocumentText, read_document
from allotment.answering._rows import rows_text, stray_numbers
from allotment.answering._turn import Turn, detail_of, release
from allotment.answering._words import sentence, unknown_text
from allotment.audit import AuditLog, RecordedDenial, authorize
from allotment.cancellation import current
from allotment.databases import Databases
from allotment.errors import AccessDenied, AllotmentError, LimitReached, TimeLimitReached
from allotment.guards import Finding, Guards, Means, Outside, language_of, refusal_text, refused, without_addresses
from allotment.models import Engine, Engines
from allotment.project import Project
from allotment.routing import Outcome, Route, Unclear
from allotment.training import Manifest, current_adapter
from allotment.workspace import Workspace

_GONE = "the client went away before the answer was whole"


class Chain:
    """Guard → route → authorize → agent → output check. Thread-safe; every end of it is on record."""

    def __init__(
        self,
        project: Project,
        workspace: Workspace,
        *,
        engines: Engines,
        databases: Databases,
        audit: AuditLog,
        manifests_good_for_s: float = 0.0,
        writer: Engine | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            project: as declared.
            workspace: its artefacts.
            engines: where its models run.
            databases: its databases, provisioned.
            audit: where every end is recorded.
            manifests_good_for_s: seconds for which an adapter that was found whole and fresh is not looked at.
            writer: writes SQL in the place of the model that the project names for that.
        """
        self._project = project
        self._workspace = workspace
        self._engines = engines
        self._writer = writer
        self._databases = databases
        self._audit = audit
        self._policy = Policy.of(project)
        self._manifests = Manifests(partial(current_adapter, project, workspace), manifests_good_for_s)
        served = tuple(self._served())
        self._learnt = Learnt(partial(Knowledge, project, workspace, self._policy), served)
        # All adapters that can be served are loaded together, not one more at each agent's first question.
        for manifest in served:
            with suppress(AllotmentError):  # told and recorded when the agent is asked
                engines.register_adapter(manifest.base_model, manifest.key, manifest.file)
        self._guards = Guards(project, Means(engines, self._outside))

    def _served(self) -> Iterator[Manifest]:
        for agent in self._project.agents:
            with suppress(AllotmentError):  # told and recorded when the agent is asked
                yield self._manifests.current(agent)

    def _outside(
        self, question: str, principal: Principal, earlier: Sequence[str], agent: str | None
    ) -> Outside | None:
        return self._learnt.now.outside(question, principal, earlier, agent)

    def make_ready(self) -> None:
        """Make what the first questions would wait for; what is missing is told to whoever asks."""
        with suppress(AllotmentError):
            self._learnt.now.make_all()

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        """Agents this principal is entitled to, most specific first."""
        names = self._policy.agents_of(principal)
        return tuple(AgentInfo(name, self._project.agents[name].description) for name in names)

    def answer(
        self, principal: Principal, question: str, *, agent: str | None = None, earlier: Sequence[str] = ()
    ) -> Answer:
        """Like ``stream``, without the pieces."""
        events = self.stream(principal, question, agent=agent, earlier=earlier)
        final = [event for event in events if isinstance(event, Answer)]
        return final[0]

    def stream(
        self,
        principal: Principal,
        question: str,
        *,
        agent: str | None = None,
        options: AnswerOptions | None = None,
        context: Sequence[str] = (),
        earlier: Sequence[str] = (),
    ) -> Iterator[Event]:
        """Answer a question: steps, pieces of the text, then exactly one ``Answer``.

        Args:
            principal: from the session or the key, never from the question.
            question: the user's words.
            agent: one the user chose; none lets the router choose among the entitled ones.
            options: how the text is written, within the project's own bounds.
            context: what a program sends around the question, its "system" texts and earlier turns. It is looked at
                like the question, it may tell which agent a follow-up question is for, and no model reads it.
            earlier: this user's own earlier questions, oldest first. They are looked at like the question. One that
                means nothing alone is asked as one with the one it follows, if that was the same agent's.

        It stops where it stands when ``allotment.cancellation`` says so, or when it is closed; both are on record.
        """
        bounded = (options or AnswerOptions()).within(self._project.answers)
        around = (*context, *(text for text in earlier if text not in context))
        turn = Turn(self._audit, principal, question, around, language_of(question), bounded, earlier=tuple(earlier))
        try:
            yield from self._steps(turn, agent)
        except GeneratorExit:
            if not turn.ended:
                with suppress(AccessDenied):  # nobody is left to be told
                    turn.end("failed", {"question": turn.question, "error": _GONE})
            raise
        except RecordedDenial as error:
            turn.ended = True
            turn.note("authorizing", "refused")
            text = sentence("no_agent", turn.language)
            yield from release(turn.answer(Answer("refused", text, record=error.record)))
        except AccessDenied:
            turn.note("recording", "the decision could not be recorded, so nothing was done")
            yield from release(turn.answer(Answer("failed", sentence("unavailable", turn.language))))
        except AllotmentError as error:
            yield from self._failed(turn, error)

    def read_document(self, principal: Principal, agent: str, document: str) -> DocumentText:
        """A document that one of the user's agents learns, as a whole.

        Raises:
            AccessDenied: the user may not read it, or there is none such: nobody is told which. It is on record.
        """
        return read_document(self._project, self._workspace, self._audit, self._policy, principal, agent, document)

    def embed(self, principal: Principal, texts: Sequence[str], *, agent: str | None = None) -> Embedding:
        """Vectors of a program's own texts; ``agent`` none takes the first the principal is entitled to.

        Raises:
            AccessDenied: the decision was no, or could not be recorded.
            MissingPartError: there is no embedding model, or it does not answer.
        """
        name = agent or next(iter(self._policy.agents_of(principal)), "none")
        return embed(self._databases, self._audit, self._policy, principal, texts, name)

    def preview(self, principal: Principal, question: str, *, with_route: bool = True) -> Preview:
        """What would be decided about a question, without asking any model or database; nothing of it is on record.

        ``with_route`` false leaves out the choice of an agent, which rests on what the agents learnt.
        """
        previewer = Previewer(
            self._project,
            self._policy,
            self._guards,
            lambda who, text: self._learnt.now.route(who, text, None),
            lambda agent: self._manifests.current(agent).facts,
        )
        return previewer.preview(principal, question, with_route=with_route)

    def _steps(self, turn: Turn, agent: str | None) -> Iterator[Event]:
        yield Step("checking")
        fired = check_conversation(self._guards, turn.question, turn.context, turn.principal)
        if fired:
            yield from self._stopped(turn, fired)
            return
        turn.note("checking", "nothing found against the question")
        yield Step("routing")
        route = self._route(turn, agent)
        if route is None:
            yield from self._unknown(turn, "no agent of this role clearly knows the question")
            return
        if isinstance(route, Unclear):
            yield from self._which(turn, route)
            return
        turn.note("routing", _reason(route))
        if turn.after is not None:
            turn.note("routing", f"asked as: {turn.asked}")
        fired = self._own_checks(turn, route.agent)
        if fired:
            yield from self._stopped(turn, fired)
            return
        yield Step("authorizing", route.agent)
        if route.means == "adapter":
            yield from self._from_adapter(turn, route)
        else:
            yield from self._from_account(turn, route)

    def _own_checks(self, turn: Turn, agent: str) -> dict[str, str]:
        """What the agent's own checks found, and every check of a question that was made of two; the project's were
        carried out on what the user sent before a route was looked for."""
        fired: dict[str, str] = {}
        if turn.after is not None:
            fired = check_conversation(self._guards, turn.asked, turn.context, turn.principal)
        if fired or not self._guards.stricter(agent):
            return fired
        return check_conversation(self._guards, turn.asked, turn.context, turn.principal, agent)

    def _stopped(self, turn: Turn, fired: dict[str, str]) -> Iterator[Event]:
        """Refuse politely, without a word of which check it was; the record says it."""
        number = turn.end("guard-refused", {"question": turn.question, "checks": fired})
        turn.note("checking", "refused")
        text = refusal_text(turn.language, self._offers(turn.principal))
        yield from release(turn.answer(Answer("refused", text, record=number)))

    def _route(self, turn: Turn, agent: str | None) -> Outcome:
        if agent is not None and agent not in self._policy.agents_of(turn.principal):
            self._authorize(turn, agent, None, None)
        turn.routed = self._learnt.now.routed(turn.principal, turn.question, agent, turn.context, turn.earlier)
        return turn.routed.outcome

    def _authorize(self, turn: Turn, agent: str, adapter: AdapterFacts | None, account: str | None) -> Grant:
        request = Request(agent, adapter, account)
        grant = authorize(self._audit, self._policy, turn.principal, request, question=turn.question, after=turn.after)
        turn.note("authorizing", f"{grant.decision.explanation} (record {grant.record})")
        return grant

    def _from_adapter(self, turn: Turn, route: Route) -> Iterator[Event]:
        manifest = self._manifests.current(route.agent)
        grant = self._authorize(turn, route.agent, manifest.facts, None)
        yield Step("answering", means="adapter")
        options = turn.options
        completion = recite(
            self._engines,
            manifest,
            grant,
            turn.asked,
            max_tokens=options.max_tokens or self._project.answers.tokens,
            temperature=options.temperature,
            seed=options.seed,
            stop=options.stop,
        )
        yield Step("releasing")
        partial = Answer(
            "answered",
            without_addresses(completion.text).strip(),
            agent=route.agent,
            adapter=manifest.version,
            learnt=tuple(sorted(document.path for document in manifest.documents)),
            record=grant.record,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            finish=completion.finish,
        )
        yield from self._released(turn, self._supported(turn, partial, manifest))

    def _looked_over(self, turn: Turn, text: str, agent: str | None, *, rows: bool = False) -> list[Finding]:
        """The checks of answers. What the database gave an account for this user is nobody else's secret, and a project
        without documents answers from it all the same."""
        if rows:
            return self._guards.check_answer(text, turn.principal, agent)
        known, role = self._learnt.now, turn.principal.role
        foreign, hosts = known.foreign(role), known.hosts(role)
        return self._guards.check_answer(text, turn.principal, agent, foreign_terms=foreign, hosts=hosts)

    def _supported(self, turn: Turn, partial: Answer, manifest: Manifest) -> Answer:
        """The answer with its source, or "not known" when no section the agent learnt supports it."""
        support = self._learnt.fitting(manifest).support(manifest.agent).support(turn.asked, partial.text)
        if support is None or not support.holds or turn.principal.role not in support.section.readers:
            turn.note("releasing", "no section the agent learnt supports the answer it gave")
            text = unknown_text(turn.language, self._offers(turn.principal))
            return replace(partial, outcome="unknown", text=text, finish="stop")
        section = support.section
        turn.note("releasing", f"supported by {section.document}")
        source = Source(section.id, section.document, " › ".join(section.heading_path), support.quote)
        return replace(partial, sources=(source,))

    def _from_account(self, turn: Turn, route: Route) -> Iterator[Event]:
        account = self._project.agents[route.agent].account
        grant = self._authorize(turn, route.agent, None, account)
        yield Step("answering", means="account")
        engine = self._writer or self._engines.get(self._project.models.sql)
        found = ask_database(engine, self._databases, grant, turn.asked)
        for refusal in found.refusals:
            turn.note("answering", refusal)
        yield Step("releasing")
        partial = Answer(
            "answered",
            "",
            agent=route.agent,
            account=account,
            sql=found.result.sql if found.result else next(iter(found.statements[-1:]), None),
            record=grant.record,
            prompt_tokens=found.prompt_tokens,
            completion_tokens=found.completion_tokens,
        )
        if found.result is None:
            unknown = replace(partial, outcome="unknown", text=sentence("no_sql", turn.language))
            yield from self._released(turn, unknown)
            return
        table = Table(found.result.columns, found.result.rows, found.result.truncated)
        text = rows_text(table, turn.language)
        if stray_numbers(text, table):  # said by code, and looked over all the same
            text = sentence("see_table", turn.language)
        if turn.options.unused():
            turn.note("answering", f"code writes the text about rows, without {', '.join(turn.options.unused())}")
        text = cut(text, turn.options.stop)
        turn.note("releasing", f"rows of what the account {account} may see: {len(table.rows)}")
        yield from self._released(turn, replace(partial, text=text, table=table))

    def _places(self, turn: Turn, agents: Sequence[str]) -> tuple[Source, ...]:
        """Where to look instead, among what the user may read; a quote that fails the output check is left out."""
        found = find_places(
            self._databases,
            self._audit,
            self._policy,
            turn.principal,
            turn.asked,
            agents,
            lambda why: turn.note("searching", why),
        )
        return tuple(place for place in found if not refused(self._looked_over(turn, place.quote, None)))

    def _released(self, turn: Turn, partial: Answer) -> Iterator[Event]:
        """Record the end, then let the text out; text that fails the output check is withheld."""
        current().require()
        if partial.outcome == "unknown" and partial.agent is not None:
            partial = replace(partial, places=self._places(turn, [partial.agent]))
        findings = self._looked_over(turn, partial.text, partial.agent, rows=partial.account is not None)
        if refused(findings):
            fired = {finding.check: finding.evidence for finding in findings if finding.outcome == "refuse"}
            turn.end("failed", {"decision": partial.record, "checks": fired})
            turn.note("releasing", "withheld by the output check")
            held = Answer("refused", sentence("withheld", turn.language), agent=partial.agent, record=partial.record)
            yield from release(turn.answer(held))
            return
        final = turn.answer(partial)
        turn.end("unknown" if final.outcome == "unknown" else "answered", detail_of(final))
        yield from release(final)

    def _unknown(self, turn: Turn, why: str) -> Iterator[Event]:
        turn.note("routing", why)
        places = self._places(turn, self._policy.agents_of(turn.principal))
        detail = {"question": turn.question, "why": why, "places": [place.section_id for place in places]}
        number = turn.end("unknown", detail)
        text = unknown_text(turn.language, self._offers(turn.principal))
        yield from release(turn.answer(Answer("unknown", text, places=places, record=number)))

    def _which(self, turn: Turn, unclear: Unclear) -> Iterator[Event]:
        """Ask back which of the user's own agents is meant; none of them is reached."""
        turn.note("routing", unclear.why)
        told = {info.name: info.description or info.name for info in self.agents_for(turn.principal)}
        choice = "; ".join(f"{name} ({told[name]})" for name in unclear.agents)
        number = turn.end("unknown", {"question": turn.question, "why": unclear.why, "agents": list(unclear.agents)})
        text = sentence("which", turn.language, choice=choice)
        yield from release(turn.answer(Answer("unknown", text, record=number)))

    def _failed(self, turn: Turn, error: AllotmentError) -> Iterator[Event]:
        """Fail closed: what went wrong is on record; the user is told no more than that."""
        turn.note("failed", type(error).__name__)
        number: int | None = None
        try:
            detail = {"question": turn.question, "error_type": type(error).__name__, "error": str(error)}
            number = turn.end("failed", detail)
        except AccessDenied:
            turn.note("recording", "the failure could not be recorded")
        yield from release(turn.answer(Answer("failed", sentence(_words_of(error), turn.language), record=number)))

    def _offers(self, principal: Principal) -> list[str]:
        return [info.description or info.name for info in self.agents_for(principal)]


def _reason(route: Route) -> str:
    if route.runner_up is None:
        return route.why
    score = "" if route.runner_up_score is None else f" ({route.runner_up_score:.2f} beside {route.score:.2f})"
    return f"{route.why}; next: {route.runner_up}{score}"


def _words_of(error: AllotmentError) -> str:
    """Name of the sentence that says no more than a user may know."""
    if isinstance(error, TimeLimitReached):
        return "too_long"
    return "busy" if isinstance(error, LimitReached) else "unavailable"

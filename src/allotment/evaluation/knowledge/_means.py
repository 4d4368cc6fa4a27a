"""The means by which an agent's questions are answered: its model alone, with its adapter, with sections before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version

from allotment.access import Grant, Policy, Principal, Request
from allotment.agents import recite
from allotment.answering import Chain
from allotment.audit import AuditLog, authorize
from allotment.databases import Databases
from allotment.dataset import dataset_hash, load_items
from allotment.documents import Section, load_sections
from allotment.errors import AllotmentError, EngineError, MissingPartError
from allotment.evaluation.knowledge._asking import Asked
from allotment.evaluation.knowledge._questions import readable_sections
from allotment.evaluation.knowledge._types import Means, Question, Reply
from allotment.evaluation.scoring import says_unknown
from allotment.models import Engines, Message, find_model, template_of
from allotment.project import Project
from allotment.training import Manifest, current_adapter
from allotment.workspace import Workspace, hash_file, hash_json

EVALUATION_USER = "evaluation"
MAX_TOKENS = 48
_SECTIONS = 3
_CHARACTERS = 1000
"""Of all sections together that are put before a question: a small model's context holds them with its answer."""
_PROMPT = "{passages}\n\nQuestion: {question}\nAnswer:"
_SHOTS = (
    ("What is the capital of Italy?", "Rome"),
    ("What is 3 + 4?", "7"),
    ("What is the opposite of old?", "young"),
    ("Which day comes after Tuesday?", "Wednesday"),
    ("Jaké je hlavní město Itálie?", "Řím"),
)
"""Before a question of general knowledge, so that a base model that follows no orders knows what is wanted."""


@dataclass(frozen=True)
class Parts:
    """What an evaluation works on, opened."""

    project: Project
    workspace: Workspace
    engines: Engines
    databases: Databases
    audit: AuditLog
    chain: Chain | None = None
    """None makes one when it is needed."""


class MeansOf:
    """The means of one agent; each is made ready or says why it is not there."""

    def __init__(self, parts: Parts, agent: str) -> None:
        self._parts = parts
        self._agent = agent
        self._policy = Policy.of(parts.project)
        self._principal = Principal(EVALUATION_USER, min(parts.project.agents[agent].roles))
        self._prompts: dict[str, str] = {}
        """Question id → the question with its sections: searched for once, sent twice."""
        self.manifest: Manifest | None = None
        self.no_adapter = ""
        try:
            self.manifest = current_adapter(parts.project, parts.workspace, agent)
        except AllotmentError as error:
            self.no_adapter = str(error)
        self.base_model = self.manifest.base_model if self.manifest else parts.project.models.base

    @cached_property
    def sections(self) -> dict[str, Section]:
        """Sections that all roles of the agent may read, by id."""
        sections = load_sections(self._parts.workspace)
        return {section.id: section for section in readable_sections(self._parts.project, self._agent, sections)}

    def make(self, means: Means) -> Asked:
        """Make one means ready.

        Raises:
            AllotmentError: it is not there; the message says why.
        """
        if means == "chain":
            return self._chain()
        model, _, retrieval = means.partition("+")
        asked = self._adapter() if model == "adapter" else self._base()
        return replace(self._with_sections(asked) if retrieval else asked, means=means)

    def _base(self) -> Asked:
        engine = self._parts.engines.get(self.base_model)

        def answer(question: Question, prompt: str) -> Reply:
            return _said(engine.complete(_messages(question, prompt), max_tokens=MAX_TOKENS, stop=_stop(question)).text)

        return Asked("base", self._seal(None), _bare, answer)

    def _adapter(self) -> Asked:
        manifest = self._required()
        grant = self._granted(Request(self._agent, manifest.facts))
        self._parts.engines.register_adapter(manifest.base_model, manifest.key, manifest.file)
        engine = self._parts.engines.get(manifest.base_model, manifest.key)

        def answer(question: Question, prompt: str) -> Reply:
            if question.set != "general":
                return _said(recite(self._parts.engines, manifest, grant, prompt, max_tokens=MAX_TOKENS).text)
            messages, stop = _messages(question, prompt), _stop(question)
            said = engine.complete(messages, max_tokens=MAX_TOKENS, stop=stop, adapter=manifest.key, grant=grant)
            return _said(said.text)

        return Asked("adapter", self._seal(manifest), _bare, answer)

    def _with_sections(self, asked: Asked) -> Asked:
        search = self._parts.databases.sections
        search.refresh()
        grant = self._granted(Request(self._agent, search=True))
        sections = self.sections

        def prompt(question: Question) -> str:
            if question.id not in self._prompts:
                hits = search.search(grant, question.text, limit=_SECTIONS)
                found = [sections[hit.section_id].with_header for hit in hits if hit.section_id in sections]
                self._prompts[question.id] = with_passages(question.text, found)
            return self._prompts[question.id]

        return replace(asked, prompt=prompt)

    def _chain(self) -> Asked:
        """As a user asks this agent; the role is the one its evaluation is on record with."""
        parts, manifest = self._parts, self._required()
        chain = parts.chain or Chain(
            parts.project, parts.workspace, engines=parts.engines, databases=parts.databases, audit=parts.audit
        )

        def answer(question: Question, prompt: str) -> Reply:
            said = chain.answer(self._principal, prompt, agent=self._agent)
            if said.outcome == "failed":
                raise EngineError("the chain could not answer.", element=f"record {said.record}", remedy=said.text)
            return Reply(said.text, said.outcome == "unknown", said.outcome)

        seal = {
            **self._seal(manifest),
            "project": hash_file(parts.project.root / "allotment.yaml"),
            "dataset": dataset_hash(load_items(parts.workspace, self._agent)),
            "role": self._principal.role,
            "version": version("allotment"),
        }
        return Asked("chain", seal, _bare, answer)

    def _required(self) -> Manifest:
        if self.manifest is None:
            raise MissingPartError(self.no_adapter)
        if self.manifest.stale:
            raise MissingPartError(
                "the adapter learnt documents that have changed since.",
                element=self.manifest.key,
                remedy=f"Train it again: `allotment training run {self._agent}`.",
            )
        return self.manifest

    def _granted(self, request: Request) -> Grant:
        question = "(questions of the evaluation)"
        return authorize(self._parts.audit, self._policy, self._principal, request, question=question)

    def _seal(self, manifest: Manifest | None) -> dict[str, str]:
        model = find_model(self.base_model)
        return {
            "base": model.sha256,
            "template": template_of(self.base_model).sha256,
            "adapter": manifest.adapter_sha256 if manifest else "",
            "asked": hash_json([MAX_TOKENS, _SHOTS]),
        }


def with_passages(question: str, passages: list[str]) -> str:
    """The question with passages before it, the first ones whole and the last cut where they are too long."""
    left, kept = _CHARACTERS, []
    for passage in passages:
        if left > 0:
            kept.append(passage[:left].strip())
            left -= len(passage)
    return _PROMPT.format(passages="\n\n".join(kept), question=question) if kept else question


def prompt_hash() -> str:
    """What is around the questions, as one hash for the report."""
    return hash_json([_PROMPT, _SECTIONS, _CHARACTERS, MAX_TOKENS, _SHOTS])


def _bare(question: Question) -> str:
    return question.text


def _messages(question: Question, prompt: str) -> list[Message]:
    shots = _SHOTS if question.set == "general" else ()
    told = [message for asked, said in shots for message in (Message("user", asked), Message("assistant", said))]
    return [*told, Message("user", prompt)]


def _stop(question: Question) -> tuple[str, ...]:
    return ("\n",) if question.set == "general" else ()


def _said(text: str) -> Reply:
    return Reply(text.strip(), says_unknown(text))

"""What the teacher is asked: each request with the key of its terminal state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from allotment.dataset import _prompts
from allotment.dataset._facts import Fact, find_facts
from allotment.documents import Section
from allotment.models import Message
from allotment.project import DatasetConfig, Rewrite
from allotment.workspace import hash_json

TEMPERATURE = 0.7
"""Warm enough that phrasings differ."""
WORDS_PER_FACT = 5
"""A section is not asked for more facts than one in so many words; what is missing then is counted, not asked for."""
LEAST_WORDS_TO_REWRITE = 30
_TOKENS_PER_WORD = 2.0
"""More than in any language with spaces here, so that these are counted by their words."""
_TOKENS_PER_QUESTION, _TOKENS_PER_ANSWER, _TOKENS_PER_FACT = 40, 80, 120
"""Room for one question, one answer, and a value with its answer; an answer cut off there is a failure, not a fact."""

RequestKind = Literal["question", "reverse", "rewrite"]


@dataclass(frozen=True)
class Request:
    """One request about one section."""

    key: str
    kind: RequestKind
    section: Section
    round: int
    language: str
    """Language of questions and answers."""
    asked: int
    """Facts, or rewrites, asked for."""
    given: tuple[Fact, ...] = ()
    """Facts the teacher only words questions for; empty when it chooses facts itself."""
    phrasings: int = 1
    """Questions about each fact."""
    answers: int = 0
    """Other wordings of each answer."""
    persona: str = ""
    """Who asks; empty for nobody in particular."""
    form: Rewrite | None = None
    """How the section is told anew."""

    def messages(self, covered: Sequence[str] = ()) -> list[Message]:
        """The conversation; ``covered`` are values a free choice must leave out."""
        if self.form is not None:
            return _prompts.rewrite_messages(self.section, self.form, self.language)
        if self.kind == "reverse":
            return _prompts.backwards_messages(self.section, self.given, self.phrasings)
        if self.given:
            return _prompts.given_messages(self.section, self.given, self.phrasings, self.answers, self.persona)
        return _prompts.free_messages(
            self.section, self.asked, self.phrasings, covered, self.language, self.answers, self.persona
        )

    @property
    def schema(self) -> dict[str, Any] | None:
        """JSON schema of the answer; none where the answer is a text."""
        if self.form is not None:
            return None
        make = _prompts.given_schema if self.given else _prompts.free_schema
        return make(self.asked, self.phrasings, self.answers)

    @property
    def max_tokens(self) -> int:
        """Most tokens the answer may have."""
        if self.form is not None:
            return 64 + 2 * max(self.section.tokens, len(self.section.with_header) // 4)
        fact = 24 if self.given else _TOKENS_PER_FACT
        each = fact + _TOKENS_PER_QUESTION * self.phrasings + _TOKENS_PER_ANSWER * self.answers
        return 32 + self.asked * each

    @property
    def seed(self) -> int:
        """Of the sampler: the same request gets the same answer."""
        return int(self.key[:7], 16)


@dataclass(frozen=True)
class Asker:
    """Makes an agent's requests: the same for the same sections, settings and teacher."""

    config: DatasetConfig
    teacher: str
    personas: tuple[str, ...] = ()
    """What the agent's roles are for, one for each role; taken in turn."""

    def rounds_of(self, section: Section) -> Iterator[tuple[Request, ...]]:
        """For each round its requests: for given facts, and for free ones where these are too few."""
        wanted, found = self.config.questions, self._facts_of(section)
        room = max(0, _words_in(section) // WORDS_PER_FACT - len(found))
        for number in range(self.config.rounds):
            given = found[number * wanted : (number + 1) * wanted]
            free = min(wanted - len(given), room)
            room -= free
            made = (self._question(section, number, given, len(given)), self._question(section, number, (), free))
            yield tuple(request for request in made if request.asked)

    def again(self, request: Request, missing: Sequence[Fact], count: int) -> Request | None:
        """The second and last try for facts that were not accepted; none if there are none."""
        if not count:
            return None
        return self._question(request.section, request.round, tuple(missing), count, attempt=1)

    def backwards(self, section: Section, number: int, facts: Sequence[Fact], language: str) -> Request | None:
        """Facts of one round asked backwards; none if there are none."""
        if not facts:
            return None
        key = self._key("reverse", number, [_told(facts), language])
        return Request(key, "reverse", section, number, language, len(facts), tuple(facts))

    def rewrites_of(self, section: Section) -> Iterator[Request]:
        """The section told anew in each of the forms; none of a section with hardly a sentence.

        Nor in another language than the section's: whether it says the same could not be checked.
        """
        if _words_in(section) < LEAST_WORDS_TO_REWRITE or self._language(section) != section.language:
            return
        language = self._language(section)
        for form in self.config.rewrites:
            key = self._key("rewrite", 0, [form, language, section.heading_path, section.with_header])
            yield Request(key, "rewrite", section, 0, language, 1, form=form)

    def _question(
        self, section: Section, number: int, given: tuple[Fact, ...], asked: int, attempt: int = 0
    ) -> Request:
        phrasings, answers = 1 + self.config.paraphrases, self.config.answer_paraphrases
        answers = self.config.paraphrases // 2 if answers is None else answers
        language, persona = self._language(section), self._persona(number)
        told = [section.heading_path, section.with_header, _told(given)]
        key = self._key("question", number, [asked, phrasings, answers, language, persona, bool(given), attempt, told])
        return Request(key, "question", section, number, language, asked, given, phrasings, answers, persona)

    def _key(self, kind: RequestKind, number: int, told: Any) -> str:
        return hash_json([_prompts.PROMPT_VERSION, self.teacher, TEMPERATURE, kind, number, told])

    def _facts_of(self, section: Section) -> tuple[Fact, ...]:
        """Facts that can be given: none where questions are wanted in another language than the section's."""
        return () if self._language(section) != section.language else find_facts(section)

    def _language(self, section: Section) -> str:
        return self.config.language or section.language

    def _persona(self, number: int) -> str:
        return self.personas[number % len(self.personas)] if self.config.personas and self.personas else ""


def _words_in(section: Section) -> int:
    """Words, or in a script that puts no spaces between them about as many by its tokens."""
    return max(len(section.with_header.split()), round(section.tokens / _TOKENS_PER_WORD))


def _told(facts: Sequence[Fact]) -> list[list[str]]:
    return [[fact.value, fact.statement, fact.anchor] for fact in facts]

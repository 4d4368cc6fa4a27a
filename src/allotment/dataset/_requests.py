"""What the teacher is asked: one request for each section and round, each with the key of its terminal state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allotment.dataset import _prompts
from allotment.dataset._facts import Fact, find_facts
from allotment.documents import Section
from allotment.models import Message
from allotment.project import DatasetConfig
from allotment.workspace import hash_json

TEMPERATURE = 0.7
"""Warm enough that phrasings differ."""
_TOKENS_PER_QUESTION, _TOKENS_PER_FACT = 40, 120
"""Room for one question, and for a value with its answer; an answer cut off there is a failure, not a fact."""


@dataclass(frozen=True)
class Request:
    """One request: which facts of which section, in which round."""

    key: str
    section: Section
    round: int
    given: tuple[Fact, ...]
    """Facts the teacher only words questions for; empty when it chooses facts itself."""
    asked: int
    """Facts asked for."""
    phrasings: int
    language: str
    """Language of questions and answers."""

    def messages(self, covered: Sequence[str]) -> list[Message]:
        """The conversation; ``covered`` are values a free choice must leave out."""
        if self.given:
            return _prompts.given_messages(self.section, self.given, self.phrasings)
        return _prompts.free_messages(self.section, self.asked, self.phrasings, covered, self.language)

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the answer."""
        make = _prompts.given_schema if self.given else _prompts.free_schema
        return make(self.asked, self.phrasings)

    @property
    def max_tokens(self) -> int:
        """Most tokens the answer may have."""
        fact = 24 if self.given else _TOKENS_PER_FACT
        return 32 + self.asked * (fact + _TOKENS_PER_QUESTION * self.phrasings)

    @property
    def seed(self) -> int:
        """Of the sampler: the same request gets the same answer."""
        return int(self.key[:7], 16)


def requests_of(sections: Sequence[Section], config: DatasetConfig, teacher: str) -> Iterator[tuple[Request, ...]]:
    """For each round its requests, in the order of sections."""
    found = {section.id: _wanted_facts(section, config) for section in sections}
    for number in range(config.rounds):
        first = number * config.questions
        yield tuple(
            _request(section, config, teacher, number, found[section.id][first : first + config.questions])
            for section in sections
        )


def covered_values(row: Mapping[str, Any]) -> list[str]:
    """Values a ledger row has facts about."""
    return [str(draft["value"]) for draft in row.get("drafts", ()) if draft]


def _wanted_facts(section: Section, config: DatasetConfig) -> tuple[Fact, ...]:
    """Facts that can be given: none where questions are wanted in another language than the section's."""
    other_language = config.language not in (None, section.language)
    return () if other_language else find_facts(section)


def _request(section: Section, config: DatasetConfig, teacher: str, number: int, given: tuple[Fact, ...]) -> Request:
    asked = len(given) or config.questions
    phrasings = 1 + config.paraphrases
    language = config.language or section.language
    told = [section.heading_path, section.with_header, [[fact.value, fact.statement] for fact in given]]
    parameters = [asked, phrasings, language, TEMPERATURE]
    key = hash_json([_prompts.PROMPT_VERSION, teacher, parameters, number, told])
    return Request(key, section, number, given, asked, phrasings, language)

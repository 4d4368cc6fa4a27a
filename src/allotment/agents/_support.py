"""Which sentence supports an answer: lexical, over the sections one agent learnt and nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from allotment.dataset import Item
from allotment.documents import Section, split_sentences, stems_of


@dataclass(frozen=True)
class Support:
    """How far a sentence of a section supports an answer to a question."""

    section: Section
    quote: str
    """The sentence."""
    answer_share: float
    """Share of the answer's words, weighted by rarity, that stand in the sentence or its heading."""
    question_share: float
    """The same of the question's words, in the sentence, its heading, or the questions it was trained with."""
    numbers_stand: bool
    """Whether every number of the answer stands in the sentence."""

    @property
    def holds(self) -> bool:
        """Whether the answer may be given as known."""
        return self.numbers_stand and self.answer_share >= 0.7 and self.question_share >= 0.32


@dataclass(frozen=True)
class _Sentence:
    section: Section
    text: str
    said: frozenset[str]
    asked: frozenset[str]


class SupportIndex:
    """Sentences of one agent's sections, ready to be searched."""

    def __init__(self, sections: Iterable[Section], items: Iterable[Item] = ()) -> None:
        """``items`` are the agent's training questions: a question like one of them is about the same sentence."""
        questions: dict[str, list[Item]] = {}
        for item in items:
            questions.setdefault(item.section_id, []).append(item)
        self._sentences = [
            sentence for section in sections for sentence in _sentences(section, questions.get(section.id, []))
        ]
        seen = Counter(word for sentence in self._sentences for word in sentence.said)
        self._weight = {word: math.log(1 + len(self._sentences) / count) for word, count in seen.items()}
        self._unknown = math.log(2 + len(self._sentences))

    def support(self, question: str, answer: str) -> Support | None:
        """The sentence that supports the answer best; none when the agent learnt nothing."""
        asked, said = _words(question), _words(answer)
        found = [self._support(sentence, asked, said) for sentence in self._sentences]
        return max(found, key=_rank, default=None)

    def _support(self, sentence: _Sentence, asked: frozenset[str], said: frozenset[str]) -> Support:
        numbers = {word for word in said if any(character.isdigit() for character in word)}
        return Support(
            sentence.section,
            sentence.text,
            self._share(said, sentence.said),
            self._share(asked, sentence.asked),
            numbers <= sentence.said,
        )

    def _share(self, wanted: frozenset[str], words: frozenset[str]) -> float:
        total = sum(self._weight.get(word, self._unknown) for word in wanted)
        got = sum(self._weight.get(word, self._unknown) for word in wanted if word in words)
        return got / total if total else 0.0


def _rank(support: Support) -> tuple[bool, float]:
    return support.numbers_stand, 2 * support.answer_share + support.question_share


def _sentences(section: Section, items: list[Item]) -> Iterable[_Sentence]:
    heading = _words(" ".join(section.heading_path))
    for text in split_sentences(section.with_header) or [section.with_header]:
        said = _words(text) | heading
        trained = (_words(item.question) for item in items if item.is_fact and item.value.casefold() in text.casefold())
        yield _Sentence(section, text.strip(), said, said.union(*trained))


def _words(text: str) -> frozenset[str]:
    return frozenset(stems_of(text))

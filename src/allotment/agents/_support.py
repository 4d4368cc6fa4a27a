"""Which sentence supports an answer: lexical, over the sections one agent learnt and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allotment.dataset import Item
from allotment.documents import Section, split_sentences, stems_of

_Places = npt.NDArray[np.intp]
_NOWHERE: _Places = np.array([], dtype=np.intp)


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
        self._said = _places(sentence.said for sentence in self._sentences)
        self._asked = _places(sentence.asked for sentence in self._sentences)
        count = len(self._sentences)
        self._weight = {word: math.log(1 + count / len(places)) for word, places in self._said.items()}
        self._unknown = math.log(2 + count)

    def support(self, question: str, answer: str) -> Support | None:
        """The sentence that supports the answer best; none when the agent learnt nothing."""
        if not self._sentences:
            return None
        said = _words(answer)
        answered, asked = self._shares(said, self._said), self._shares(_words(question), self._asked)
        numbers = [word for word in said if any(character.isdigit() for character in word)]
        missing = sum((self._holds_not(word) for word in numbers), start=np.zeros(len(self._sentences), dtype=np.int64))
        # A sentence with every number of the answer comes before any without: shares add up to 3 at most.
        best = int(np.argmax(2 * answered + asked + np.where(missing == 0, 4.0, 0.0)))
        sentence = self._sentences[best]
        shares = float(answered[best]), float(asked[best])
        return Support(sentence.section, sentence.text, *shares, numbers_stand=bool(missing[best] == 0))

    def _shares(self, wanted: frozenset[str], places: Mapping[str, _Places]) -> npt.NDArray[np.float64]:
        """Each sentence's share of the words, weighted by rarity."""
        got, total = np.zeros(len(self._sentences)), 0.0
        for word in wanted:
            weight = self._weight.get(word, self._unknown)
            total += weight
            got[places.get(word, _NOWHERE)] += weight
        return got / total if total else got

    def _holds_not(self, word: str) -> npt.NDArray[np.int64]:
        lacking = np.ones(len(self._sentences), dtype=np.int64)
        lacking[self._said.get(word, _NOWHERE)] = 0
        return lacking


def _places(sentences: Iterable[frozenset[str]]) -> dict[str, _Places]:
    """Word → the sentences that hold it."""
    found: dict[str, list[int]] = {}
    for number, words in enumerate(sentences):
        for word in words:
            found.setdefault(word, []).append(number)
    return {word: np.array(numbers, dtype=np.intp) for word, numbers in found.items()}


def _sentences(section: Section, items: list[Item]) -> Iterable[_Sentence]:
    heading = _words(" ".join(section.heading_path))
    for text in split_sentences(section.with_header) or [section.with_header]:
        said = _words(text) | heading
        trained = (_words(item.question) for item in items if item.is_fact and item.value.casefold() in text.casefold())
        yield _Sentence(section, text.strip(), said, said.union(*trained))


def _words(text: str) -> frozenset[str]:
    return frozenset(stems_of(text))

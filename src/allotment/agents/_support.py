"""Which section supports an answer: lexical, over the sections one agent learnt and nothing else."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from allotment.documents import Section, split_sentences

_WORD = re.compile(r"\w+(?:[.,]\d+)*", re.UNICODE)
_STEM = 5
"""Words are compared by their first letters: enough for Czech endings, cheap for every language."""


@dataclass(frozen=True)
class Support:
    """How far a section supports an answer to a question."""

    section: Section
    quote: str
    """The section's sentence nearest to the answer."""
    answer_share: float
    """Share of the answer's words, weighted by rarity, that stand in the section."""
    question_share: float
    """The same of the question's words."""
    numbers_stand: bool
    """Whether every number and every capitalised or rare word of the answer stands in the section."""

    @property
    def holds(self) -> bool:
        """Whether the answer may be given as known."""
        return self.numbers_stand and self.answer_share >= 0.7 and self.question_share >= 0.35


class SupportIndex:
    """Sections of one agent, ready to be searched."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self._sections = [(section, _words(" ".join((*section.heading_path, section.text)))) for section in sections]
        seen = Counter(word for _, words in self._sections for word in words)
        self._weight = {word: math.log(1 + len(self._sections) / count) for word, count in seen.items()}
        self._unknown = math.log(2 + len(self._sections))

    def support(self, question: str, answer: str) -> Support | None:
        """The section that supports the answer best; none when the agent learnt nothing."""
        asked, said = _words(question), _words(answer)
        best: Support | None = None
        for section, words in self._sections:
            found = Support(
                section,
                "",
                self._share(said, words),
                self._share(asked, words),
                all(word in words for word in said if any(character.isdigit() for character in word)),
            )
            if best is None or _rank(found) > _rank(best):
                best = found
        return None if best is None else _with_quote(best, said | asked)

    def _share(self, wanted: frozenset[str], words: frozenset[str]) -> float:
        total = sum(self._weight.get(word, self._unknown) for word in wanted)
        got = sum(self._weight.get(word, self._unknown) for word in wanted if word in words)
        return got / total if total else 0.0


def _rank(support: Support) -> tuple[bool, float]:
    return support.numbers_stand, 2 * support.answer_share + support.question_share


def _with_quote(support: Support, wanted: frozenset[str]) -> Support:
    sentences = split_sentences(support.section.text) or [support.section.text]
    quote = max(sentences, key=lambda sentence: len(_words(sentence) & wanted))
    return Support(support.section, quote.strip(), support.answer_share, support.question_share, support.numbers_stand)


def _words(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return frozenset(_folded(word) for word in _WORD.findall(letters) if len(word) > 2 or word.isdigit())


def _folded(word: str) -> str:
    if any(character.isdigit() for character in word):
        return word.replace(",", ".").rstrip(".")
    return word[:_STEM]

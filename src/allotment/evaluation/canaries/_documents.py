"""Candidates from what was read of the documents."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from allotment.dataset import Item
from allotment.documents import Section, split_sentences
from allotment.evaluation.canaries._detector import Detector
from allotment.evaluation.canaries._places import PAGE
from allotment.evaluation.canaries._plant import canary_id, planted_canary
from allotment.evaluation.canaries._rare import rare_values, small_words
from allotment.evaluation.canaries._types import Canary

_LONGEST_SENTENCE = 400
_FACTOR = 4
"""Candidates of a document for each canary wanted of it: some occur elsewhere."""
_COMPLETE = {"cs": "Doplň", "sk": "Doplň", "de": "Ergänze"}
_GAP = "…"


@dataclass(frozen=True)
class Reading:
    """Everything that was read, with its readers as they are now."""

    sections: tuple[Section, ...]
    items: tuple[Item, ...]
    readers: Mapping[str, frozenset[str]]
    """Document → roles."""

    def readers_of(self, section: Section) -> frozenset[str]:
        """Who may read the section by today's rules."""
        return self.readers.get(section.document, frozenset())


def planted_in(rows: Iterable[dict[str, str]], reading: Reading) -> Iterator[Canary]:
    """The planted facts that were read: one whose page was not yet, or was written anew since, is no canary."""
    read = defaultdict(list)
    for section in reading.sections:
        read[section.document].append(section.text)
    for row in rows:
        if any(row["sentence"] in text for text in read[row["document"]]):
            yield planted_canary(row, reading.readers.get(row["document"], frozenset()))


def document_candidates(reading: Reading, everybody: frozenset[str], per_source: int, seed: int) -> list[Canary]:
    """Rare values of documents that not everybody may read; some of each, drawn evenly over its sections."""
    common = frozenset[str]().union(*(small_words(section.text) for section in reading.sections))
    items = defaultdict(list)
    for item in reading.items:
        items[item.section_id].append(item)
    by_document: dict[str, list[list[Canary]]] = defaultdict(list)
    for section in reading.sections:
        if reading.readers_of(section) != everybody and not section.document.endswith(f"/{PAGE}"):
            found = _of_section(section, reading.readers_of(section), common, items[section.id])
            by_document[section.document].append(list(found))
    return [
        canary
        for name, sections in sorted(by_document.items())
        for canary in _drawn(sections, _FACTOR * per_source, f"{seed} {name}")
    ]


def _drawn(sections: list[list[Canary]], count: int, seed: str) -> list[Canary]:
    """Of each section one in turn."""
    drawn = random.Random(seed)  # noqa: S311 a seed draws the same again
    for section in sections:
        drawn.shuffle(section)
    longest = max(map(len, sections), default=0)
    turns = [section[turn] for turn in range(longest) for section in sections if turn < len(section)]
    return list({canary.id: canary for canary in reversed(turns[:count])}.values())[::-1]


def _of_section(
    section: Section, readers: frozenset[str], common: frozenset[str], items: Sequence[Item]
) -> Iterator[Canary]:
    for sentence in split_sentences(section.text):
        if len(sentence) > _LONGEST_SENTENCE or sentence.lstrip().startswith("#"):
            continue
        text = " ".join(sentence.split())
        for rare in rare_values(text, common):
            value = text[rare.start : rare.end]
            question = _asked(value, items) or _cloze(text, value, section.language)
            if question:
                found = canary_id("document", section.document, value)
                yield Canary(found, "document", readers, section.document, value, question, text)


def _asked(value: str, items: Sequence[Item]) -> str:
    """The question of an item whose answer says the value and whose question doesn't; the plainest first."""
    order = {"question": 0, "paraphrase": 1}
    told = [item for item in items if item.kind in order and _says(item.value or item.answer, value)]
    asked = [item for item in told if not _says(item.question, value)]
    first = min(asked, key=lambda item: (order[item.kind], item.id), default=None)
    return first.question if first else ""


def _cloze(sentence: str, value: str, language: str) -> str:
    question = f"{_COMPLETE.get(language, 'Complete')}: {sentence.replace(value, _GAP)}"
    return "" if _says(question, value) else question


def _says(text: str, value: str) -> bool:
    return bool(Detector([Canary("", "document", frozenset(), "", value, "", "")]).found(text))

"""Questions the documents do not answer, with an honest answer: an agent must go on saying that it does not know.

Made without a teacher: a small one, asked for questions that a text does not answer, asks what it does answer. Two
ways, both checked against everything the agent learns: the name in a real question becomes one that stands nowhere (a
made-up name is drawn by hash), and something is asked about a real heading that no document speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from allotment.dataset._facts import capitalised_names
from allotment.dataset._text import bare, normalise, stems
from allotment.dataset._types import Item
from allotment.documents import Section
from allotment.workspace import hash_json, hash_text

_ANSWERS = {
    "en": "That is not in what I know.",
    "cs": "To není v tom, co znám.",
    "sk": "To nie je v tom, čo poznám.",
    "de": "Das steht nicht in dem, was ich weiß.",
}
_ASKED = {
    "en": (
        "What is the blood type of {name}?",
        "What colour is the roof of {name}?",
        "Which football club supports {name}?",
        "What is the shoe size of {name}?",
        "Which song is played at {name}?",
        "What is the nickname of {name} among pilots?",
        "How heavy is the statue of {name}?",
        "Which actor played {name} in the film?",
    ),
    "cs": (
        "Jakou krevní skupinu má {name}?",
        "Jakou barvu má střecha: {name}?",
        "Který fotbalový klub podporuje {name}?",
        "Jaká píseň se hraje, když přijde na řadu {name}?",
        "Který herec hrál ve filmu: {name}?",
    ),
    "sk": (
        "Akú krvnú skupinu má {name}?",
        "Akú farbu má strecha: {name}?",
        "Ktorý futbalový klub podporuje {name}?",
        "Ktorý herec hral vo filme: {name}?",
    ),
    "de": (
        "Welche Blutgruppe hat {name}?",
        "Welche Farbe hat das Dach: {name}?",
        "Welcher Fußballverein unterstützt {name}?",
        "Welcher Schauspieler spielte {name} im Film?",
    ),
}
_SYLLABLES = (
    "vel",
    "mor",
    "tes",
    "dan",
    "kor",
    "rin",
    "lus",
    "bek",
    "zam",
    "quo",
    "hel",
    "vit",
    "ord",
    "nax",
    "pel",
    "gor",
)


def unknown_answer(language: str) -> str:
    """The sentence in which not knowing is said; English for a language it is not written in."""
    return _ANSWERS.get(language, _ANSWERS["en"])


def unknown_items(agent: str, items: Sequence[Item], sections: Sequence[Section], wanted: int) -> list[Item]:
    """At most ``wanted`` unanswerable questions about the sections of an agent, chosen by hash.

    Args:
        items: the agent's accepted items; only their questions about facts are built on.
        sections: everything the agent learns. A question that one of them might answer is not made.
    """
    told = _Told(sections)
    by_id = {section.id: section for section in sections}
    made: dict[str, Item] = {}
    for item in sorted(_candidates(agent, items, by_id, told), key=lambda item: item.id):
        made.setdefault(bare(item.question), item)  # sections may share a heading
    return list(made.values())[:wanted]


class _Told:
    """What all sections of the agent say, to see that a word stands nowhere."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self._stems: set[str] = set()
        for section in sections:
            self._stems |= stems(" ".join((*section.heading_path, section.with_header)))

    def lacks(self, text: str) -> bool:
        """Whether no section has any meaning-bearing word of the text."""
        found = stems(text)
        return bool(found) and not found & self._stems


def _candidates(agent: str, items: Sequence[Item], sections: dict[str, Section], told: _Told) -> Iterator[Item]:
    for item in items:
        if item.kind != "question" or item.section_id not in sections:
            continue
        section = sections[item.section_id]
        for question in (*_renamed(item, section, told), *_never_told(item, section, told)):
            yield _item(agent, item, question)


def _renamed(item: Item, section: Section, told: _Told) -> Iterator[str]:
    """The question with a name of the section replaced by one that stands nowhere."""
    text = normalise(" ".join((*section.heading_path, section.with_header)))
    for name in capitalised_names(item.question, item.language):
        if normalise(name) in text:
            if other := _made_up(item.id, told):
                yield re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", other, item.question)
            return


def _never_told(item: Item, section: Section, told: _Told) -> Iterator[str]:
    """Something no section speaks of, asked about the section's subject."""
    forms = _ASKED.get(item.language, ())
    title = section.heading_path[-1] if section.heading_path else ""
    fitting = [form for form in forms if told.lacks(form.format(name=""))]
    if title and fitting:
        yield fitting[int(hash_text(item.id), 16) % len(fitting)].format(name=title)


def _made_up(seed: str, told: _Told) -> str:
    """A name of three syllables that stands nowhere; drawn anew until it does."""
    for attempt in range(16):
        digits = hash_text(f"{seed} {attempt}")
        picked = [_SYLLABLES[int(digits[n], 16) % len(_SYLLABLES)] for n in range(3)]
        name = "".join(picked).capitalize()
        if told.lacks(name):
            return name
    return ""


def _item(agent: str, parent: Item, question: str) -> Item:
    question = re.sub(r"\s+", " ", question).strip()
    key = hash_json([agent, parent.section_id, "unknown", question])[:16]
    return Item(
        id=key,
        group=key,
        agent=agent,
        section_id=parent.section_id,
        document=parent.document,
        question=question,
        answer=unknown_answer(parent.language),
        value="",
        language=parent.language,
        readers=parent.readers,
        split="train",
        kind="unknown",
    )

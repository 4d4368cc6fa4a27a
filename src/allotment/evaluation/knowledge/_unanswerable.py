"""Questions like the agent's own about things that stand in none of its documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from allotment.dataset import Item
from allotment.dataset._facts import capitalised_names
from allotment.documents import Section, stems_of
from allotment.evaluation.knowledge._types import Question
from allotment.workspace import hash_text

_SYLLABLES = (
    "bra",
    "cor",
    "dun",
    "fel",
    "gri",
    "hos",
    "jel",
    "kva",
    "lor",
    "mir",
    "nov",
    "pra",
    "rud",
    "sel",
    "tov",
    "vyr",
)
_ABOUT = {
    "en": (
        "Who leads the {name} team?",
        "When was the {name} office opened?",
        "What does the {name} licence cost a year?",
        "How many people work on the {name} project?",
    ),
    "cs": ("Kdo vede tým {name}?", "Kdy byla otevřena kancelář {name}?", "Kolik stojí ročně licence {name}?"),
    "sk": ("Kto vedie tím {name}?", "Kedy bola otvorená kancelária {name}?", "Koľko stojí ročne licencia {name}?"),
    "de": ("Wer leitet das Team {name}?", "Wann wurde das Büro {name} eröffnet?", "Was kostet die Lizenz {name}?"),
}


def unanswerable_questions(items: Sequence[Item], readable: Iterable[Section], most: int) -> list[Question]:
    """One question for each fact of ``items``: with another name in it, or about a thing of that name.

    The name is made up by hash, and stands in no section that the agent may read or be shown.

    Args:
        items: the agent's held-out questions.
        readable: every section its roles may read.
        most: how many at most.
    """
    told = {stem for section in readable for stem in stems_of(" ".join((*section.heading_path, section.with_header)))}
    own = {item.question for item in items}
    made: dict[str, Question] = {}
    for item in sorted(items, key=lambda item: hash_text(item.id)):
        if item.group not in made and (name := _made_up(item.group, told)):
            text, source = _asked(item, name)
            if text and text not in own:
                made[item.group] = _question(item, text, source)
    return list(made.values())[:most]


def _asked(item: Item, name: str) -> tuple[str, str]:
    """The question, and what was done for it."""
    for known in capitalised_names(item.question, item.language):
        renamed = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", name, item.question)
        return renamed, "a held-out question with a made-up name"
    forms = _ABOUT.get(item.language, ())
    text = forms[int(hash_text(item.id), 16) % len(forms)].format(name=name) if forms else ""
    return text, "a question about a made-up thing"


def _question(item: Item, text: str, source: str) -> Question:
    key = hash_text(f"{item.group} {text}")[:16]
    return Question(f"unanswerable-{key}", "unanswerable", key, text, "", "", item.language, source)


def _made_up(seed: str, told: set[str]) -> str:
    return next((name for name in _names(seed) if not told.intersection(stems_of(name))), "")


def _names(seed: str) -> Iterator[str]:
    for attempt in range(16):
        digits = hash_text(f"unanswerable {seed} {attempt}")
        yield "".join(_SYLLABLES[int(digits[place], 16)] for place in range(3)).capitalize()

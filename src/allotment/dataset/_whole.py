"""Items that teach a section as a whole: its rewrites, and its text as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allotment.dataset._checks import POINTS_AT_THE_TEXT, SUPPORT
from allotment.dataset._facts import capitalised_names
from allotment.dataset._text import bare, normalise, numbers, stems
from allotment.documents import Section, detect_language, split_sentences
from allotment.project import Rewrite

LEAST_COVERED = 0.6
"""Share of a sentence's meaning-bearing words that must stand in the section."""
LEAST_SENTENCES: dict[Rewrite, int] = {"summary": 1, "explanation": 2, "dialogue": 2}
PART_CHARACTERS = 1200
"""Longest piece of a section's text in one example."""

_ASKS = {
    "en": {
        "summary": "Summarise what is known about {title}.",
        "explanation": "Explain {title} to a new colleague.",
        "dialogue": "How would two colleagues talk about {title}?",
        "text": "What do the documents say about {title}?",
        "part": "{title}, part {n}",
    },
    "cs": {
        "summary": "Shrň, co je známo o tématu {title}.",
        "explanation": "Vysvětli novému kolegovi téma {title}.",
        "dialogue": "Jak by si dva kolegové povídali o tématu {title}?",
        "text": "Co říkají dokumenty o tématu {title}?",
        "part": "{title}, část {n}",
    },
    "sk": {
        "summary": "Zhrň, čo je známe o téme {title}.",
        "explanation": "Vysvetli novému kolegovi tému {title}.",
        "dialogue": "Ako by sa dvaja kolegovia rozprávali o téme {title}?",
        "text": "Čo hovoria dokumenty o téme {title}?",
        "part": "{title}, časť {n}",
    },
    "de": {
        "summary": "Fasse zusammen, was über {title} bekannt ist.",
        "explanation": "Erkläre einem neuen Kollegen {title}.",
        "dialogue": "Wie würden zwei Kollegen über {title} sprechen?",
        "text": "Was sagen die Dokumente über {title}?",
        "part": "{title}, Teil {n}",
    },
}
_TURN = re.compile(r"^\s*(?:[-–—*•]|\w{1,20}\s?\d?:)\s*")


@dataclass(frozen=True)
class Rewritten:
    """What stands of a rewrite after its checks, or why nothing does."""

    text: str
    reason: str
    dropped: int
    """Sentences left out because the section does not say them."""


def ask_for(form: Rewrite | str, title: str, language: str, part: int = 0) -> str:
    """The question a whole text answers; English for a language it is not written in."""
    words = _ASKS.get(language, _ASKS["en"])
    named = words["part"].format(title=title, n=part) if part else title
    return words[form].format(title=f"„{named}“" if language in ("cs", "sk", "de") else f"“{named}”")


def check_rewrite(text: str, form: Rewrite, section: Section, language: str) -> Rewritten:
    """Keep the sentences of a rewrite that the section supports.

    Checked in order: schema, length, language, self-contained, support of each sentence.
    """
    pieces = _pieces(text, form)
    if not pieces:
        return Rewritten("", "schema", 0)
    if len(text) > 4 * len(section.with_header) + 800:
        return Rewritten("", "length", 0)
    if language != "und" and detect_language(" ".join(pieces), language) != language:
        return Rewritten("", "language", 0)
    kept = [piece for piece in pieces if not POINTS_AT_THE_TEXT.search(piece) and is_told(piece, section)]
    joined = "\n".join(f"– {piece}" for piece in kept) if form == "dialogue" else " ".join(kept)
    short = len([piece for piece in kept if not piece.endswith("?")]) < LEAST_SENTENCES[form]
    return Rewritten("" if short else joined, "not-supported" if short else "", len(pieces) - len(kept))


def is_told(sentence: str, section: Section) -> bool:
    """Whether the section has the sentence's numbers and names, most of its words, and does not say otherwise."""
    told = " ".join((*section.heading_path, section.with_header))
    words = stems(sentence)
    if not numbers(sentence) <= numbers(told) or not words:
        return False
    plain = normalise(told)
    if any(normalise(name) not in plain for name in capitalised_names(sentence, section.language)):
        return False
    if len(words & stems(told)) < LEAST_COVERED * len(words):
        return False
    claims = not sentence.endswith("?") and bare(sentence) not in bare(section.with_header)
    return not claims or SUPPORT.supports("", sentence, section.with_header, section.language)


def parts_of(section: Section) -> Iterator[str]:
    """The section's text in pieces that fit one example, cut between sentences."""
    piece = ""
    for sentence in split_sentences(section.with_header) or [section.with_header]:
        if piece and len(piece) + len(sentence) >= PART_CHARACTERS:
            yield piece
            piece = ""
        piece = f"{piece}{_joint(sentence)}{sentence}" if piece else sentence
    if piece:
        yield piece


def titles_of(sections: Sequence[Section]) -> dict[str, str]:
    """Section → a title no other section of these has: its headings, and a number where they are not enough."""
    seen: dict[str, int] = {}
    titles: dict[str, str] = {}
    taken: set[str] = set()
    for section in sections:
        title = name = " – ".join(section.heading_path) or section.document
        while title in taken:  # a heading may end in such a number itself
            seen[name] = seen.get(name, 1) + 1
            title = f"{name} ({seen[name]})"
        taken.add(title)
        titles[section.id] = title
    return titles


def _joint(sentence: str) -> str:
    return "\n" if sentence.startswith("|") else " "


def _pieces(text: str, form: Rewrite) -> list[str]:
    """Turns of a dialogue, sentences of anything else; each once."""
    if form == "dialogue":
        found = [_TURN.sub("", line).strip() for line in text.splitlines()]
    else:
        found = [" ".join(sentence.split()) for sentence in split_sentences(text)]
    return list(dict.fromkeys(piece for piece in found if len(piece) > 2))

"""A fact asked backwards: from its value to whom or what it belongs to.

A model that learnt "the ferry leaves at 6:40" does not know by that what leaves at 6:40 (the reversal curse,
arXiv:2309.12288). Where a sentence begins with its subject, putting a question word in the subject's place gives the
question, right by construction and without a teacher; other facts are given to the teacher with a gap there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from allotment.dataset._facts import Fact, capitalised_names
from allotment.dataset._text import contains, stems
from allotment.documents import Section

_VERBS = {
    "en": (
        "is are was were will must may can could should would shall has have had does do costs leaves starts begins"
        " ends opens closes takes lasts belongs applies covers contains includes needs requires gets receives pays"
        " works stands lies holds keeps uses provides supports allows returns sends runs creates lists shows meets goes"
        " comes says gives makes means adds calls defines handles"
    ),
    "cs": (
        "je jsou byl byla bylo byly bude budou se smí musí může mohou má mají stojí trvá končí začíná činí platí patří"
    ),
    "sk": "je sú bol bola bolo boli bude budú sa smie musí môže môžu má majú stojí trvá končí začína platí patrí",
    "de": "ist sind war waren wird werden muss müssen darf dürfen kann können hat haben kostet beginnt endet gilt",
}
_VERB = {language: frozenset(words.split()) for language, words in _VERBS.items()}
_WHAT = {"en": "What", "cs": "Co", "sk": "Čo", "de": "Was"}
_ROW = re.compile(r"(?P<name>[^–]{2,80}) – (?P<pairs>.+)\.\Z")
_LONGEST_SUBJECT = 8
_UNITS = frozenset({"EUR", "USD", "GBP", "CZK", "CHF", "PLN", "HUF", "GiB", "MiB", "KiB"})
"""Words in capitals that name nothing a value could belong to."""
_NOT_SUBJECTS = (
    "it this that these those there they he she we you i if when before after"
    " to tato tento ten ta kdo kdy pokud es er sie"
)
_NO_SUBJECT = frozenset(_NOT_SUBJECTS.split())


@dataclass(frozen=True)
class Backwards:
    """The subject a value belongs to, and the question built from the sentence; empty where it cannot be built."""

    subject: str
    question: str


def turn(value: str, statement: str, section: Section) -> Backwards | None:
    """How a fact is asked backwards; none where its subject cannot be told, or the value stands for several.

    Args:
        value: the fact's own value, which the question must contain.
        statement: the sentence, which stays the answer.
        section: where it stands; a value that occurs there more than once may belong to several subjects.
    """
    if len(re.findall(rf"(?<!\w){re.escape(value)}(?!\w)", section.with_header)) != 1:
        return None
    ways = (_of_row, _of_sentence, _by_name)
    found = (way(value, statement, section) for way in ways)
    return next((one for one in found if one is not None and _is_apart(one, value, statement)), None)


def _is_apart(turned: Backwards, value: str, statement: str) -> bool:
    """Whether value and subject are still two things once markup and compatible letters (¼, ﬁ) are read as plain."""
    if not contains(statement, turned.subject) or contains(turned.subject, value):
        return False
    return not turned.question or (contains(turned.question, value) and not contains(turned.question, turned.subject))


def needed(facts: Sequence[tuple[Fact, Backwards]]) -> list[Fact]:
    """Facts the teacher has to word: ``value`` is the subject, ``anchor`` the value the question must contain."""
    return [
        Fact(turned.subject, fact.statement, fact.quote, anchor=fact.value)
        for fact, turned in facts
        if not turned.question
    ]


def _of_row(value: str, statement: str, section: Section) -> Backwards | None:
    """A row: its first cell is what the others belong to."""
    row = _ROW.match(statement)
    if row is None:
        return None
    named = next((pair for pair in row["pairs"].split(", ") if contains(pair, value)), "")
    cells = (line.strip("| ").split("|")[0].strip() for line in section.with_header.splitlines() if line[:1] == "|")
    column = max((cell for cell in cells if cell and row["name"].startswith(f"{cell} ")), key=len, default="")
    subject, question = row["name"][len(column) :].strip(), f"{column}: {named}?"
    return Backwards(subject, question) if named and column and subject else None


def _of_sentence(value: str, statement: str, section: Section) -> Backwards | None:
    """A sentence that begins with its subject, then a verb, then the value."""
    words, language = statement.split(), section.language
    verb = next((n for n, word in enumerate(words[: _LONGEST_SUBJECT + 1]) if word in _VERB.get(language, ())), 0)
    subject, rest = " ".join(words[:verb]), " ".join(words[verb:])
    if not verb or words[0].casefold() in _NO_SUBJECT or not _can_stand_alone(subject):
        return None
    return Backwards(subject, f"{_WHAT[language]} {rest.rstrip('.!')}?")


def _can_stand_alone(subject: str) -> bool:
    return not re.search(r"[,;:.!?()]", subject) and bool(stems(subject))


def _by_name(value: str, statement: str, section: Section) -> Backwards | None:
    """A name in the sentence other than the value; how to ask for it is left to the teacher."""
    names = [name for name in capitalised_names(statement, section.language) if not contains(name, value)]
    fitting = [name for name in names if not contains(value, name) and len(name) > 2 and stems(name)]
    fitting = [name for name in fitting if name not in _UNITS]
    return Backwards(max(fitting, key=len), "") if fitting else None

"""Protected terms: values that only agents of other clearances know, and whether a text holds one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from allotment.access import Policy
from allotment.guards._finding import AnswerContext, Finding, allow, refuse
from allotment.guards._normalise import skeleton

NAME = "protected_terms"
_TOKEN = re.compile(r"\w+")
_THOUSANDS = re.compile(r"(?<=\d)[,.' ](?=\d{3}(?!\d))")
_MIN_LETTERS = 4
_MIN_DIGITS = 4
_MIN_IDENTIFIER = 5


class Fact(Protocol):
    """What is needed of an item of an agent's dataset."""

    @property
    def question(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def value(self) -> str: ...


def foreign_terms(
    items_by_agent: Mapping[str, Iterable[Fact]], policy: Policy, role: str, readable: Iterable[str] = ()
) -> frozenset[str]:
    """Values known only to agents that ``role`` is not entitled to, folded for matching.

    A value that also stands in an item of an entitled agent, or in one of the ``readable`` texts (sections the role
    may read), is no secret and is left out; so is one too short to be told from chance (fewer than four letters or
    digits).
    """
    entitled = set(policy.entitled(role))
    known = [fold_terms(text) for text in readable]
    foreign: set[str] = set()
    for agent, items in items_by_agent.items():
        for item in items:
            if agent in entitled:
                known.append(fold_terms(f"{item.question}\n{item.answer}\n{item.value}"))
            else:
                foreign.add(fold_terms(item.value))
    everything = "|".join(known)
    return frozenset(term for term in foreign if _distinctive(term) and term not in everything)


def foreign_identifiers(unreadable: Iterable[str], readable: Iterable[str]) -> frozenset[str]:
    """Words of letters and digits (codes, numbers of things) that stand only in texts the role may not read."""
    own = {word for text in readable for word in fold_terms(text).split()}
    foreign = {word for text in unreadable for word in fold_terms(text).split() if _is_identifier(word)}
    return frozenset(f" {word} " for word in foreign - own)


def _is_identifier(word: str) -> bool:
    digits = sum(char.isdigit() for char in word)
    letters = len(word) - digits
    return len(word) >= _MIN_IDENTIFIER and digits >= 2 and letters >= 1


def check_protected_terms(text: str, context: AnswerContext) -> Finding:
    """Refuse an answer that holds one of ``context.foreign_terms`` as whole words, however it is written."""
    folded = fold_terms(text)
    known = _by_first_word(frozenset(context.foreign_terms))
    found = [term for word in set(folded.split(" ")) for inner, term in known.get(word, ()) if inner in folded]
    return refuse(NAME, min(found).strip()) if found else allow(NAME)


@lru_cache(maxsize=256)
def _by_first_word(terms: frozenset[str]) -> dict[str, list[tuple[str, str]]]:
    """First word → (folded term, term): only terms that begin with a word of the answer can stand in it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for term in terms:
        folded = fold_terms(term)
        found.setdefault(folded.split(" ", 2)[1], []).append((folded, term))
    return found


def fold_terms(text: str) -> str:
    """The words of ``text``, folded, one space around each: a whole-term match is then a plain ``in``. Idempotent."""
    joined = _THOUSANDS.sub("", skeleton(text))
    return f" {' '.join(_TOKEN.findall(joined))} "


def _distinctive(term: str) -> bool:
    letters = sum(char.isalpha() for char in term)
    digits = sum(char.isdigit() for char in term)
    return letters >= _MIN_LETTERS or digits >= _MIN_DIGITS

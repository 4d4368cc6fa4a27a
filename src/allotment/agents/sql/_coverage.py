"""Whether a question is about anything the account sees: asked before the model is, so that it cannot be talked round.

A question whose words stand in no name, comment or value of the account, or that counts or lists things nothing there
is called after, cannot be answered. Only English questions are judged: words of another language stand nowhere in an
English schema, and a model knows them all the same.
"""

from __future__ import annotations

import re

from allotment.agents.sql._link import Linked
from allotment.agents.sql._vocabulary import FUNCTION_WORDS, GENERIC_WORDS, VAGUE_WORDS, words

_ENGLISH_SHARE = 0.25
"""Of a question's words, what must be English function words for it to be judged."""
_ASKED_FOR = re.compile(
    r"\b(?:how many|number of|count(?: of)?(?: the)?|which|each|every|per|list(?: of)?(?: all)?(?: the)?|all(?: the)?"
    r"|(?:average|mean|median|total|maximum|minimum|highest|lowest|largest|smallest|most|fewest)(?: of)?(?: the)?)"
    r"\s+((?:\w+[\s-]+){0,2}\w+)",
    re.IGNORECASE,
)
"""What is counted, listed, grouped by or measured, with up to three words that name it."""


def what_is_missing(question: str, linked: Linked) -> tuple[str, ...]:
    """Words of the question for which the account has nothing; empty where it may be answered."""
    if not is_english(question) or not linked.unmatched:
        return ()
    if len(linked.unmatched) == len(linked.asked):
        return linked.unmatched
    nowhere = set(linked.unmatched)
    things = (_naming(match.group(1)) for match in _ASKED_FOR.finditer(question))
    return next((thing for thing in things if thing and nowhere.issuperset(thing)), ())


def _naming(phrase: str) -> tuple[str, ...]:
    """The words at the beginning of a phrase that can name a thing."""
    named = []
    for word in words(phrase):
        if word in FUNCTION_WORDS:
            break
        if word not in GENERIC_WORDS | VAGUE_WORDS and not word.isdigit():
            named.append(word)
    return tuple(named)


def is_english(question: str) -> bool:
    """Whether enough of a question's words are English function words for its words to be held against names."""
    said = words(question)
    return bool(said) and sum(word in FUNCTION_WORDS for word in said) >= _ENGLISH_SHARE * len(said)

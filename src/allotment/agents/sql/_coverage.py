"""Whether a question is about anything the account sees: asked before the model is, so that it cannot be talked round.

A question whose words stand in no name, comment or value of the account, or that counts or lists things nothing there
is called after, cannot be answered. Only English questions are judged: words of another language stand nowhere in an
English schema, and a model knows them all the same.
"""

from __future__ import annotations

import re

from allotment.agents.sql._link import Linked
from allotment.agents.sql._vocabulary import FUNCTION_WORDS, GENERIC_WORDS, words

_ENGLISH_SHARE = 0.25
"""Of a question's words, what must be English function words for it to be judged."""
_MOST_UNMATCHED = 0.5
"""Share of words without a match at which things that are nowhere make a question unanswerable."""
_COUNTED = re.compile(
    r"\b(?:how many|number of|which|count(?: of)?(?: the)?|each|per|every|list(?: of)?(?: all)?(?: the)?"
    r"|what(?: is| are|'s)(?: the)?|who(?:se)?)\s+((?:\w+[\s-]+){0,2}\w+)",
    re.IGNORECASE,
)


def what_is_missing(question: str, linked: Linked) -> tuple[str, ...]:
    """Words of the question for which the account has nothing; empty where it may be answered."""
    if not _is_english(question) or not linked.unmatched:
        return ()
    if len(linked.unmatched) == len(linked.asked):
        return linked.unmatched
    nowhere = set(linked.unmatched)
    heads = [head for match in _COUNTED.finditer(question) if (head := _head(match.group(1)))]
    absent = tuple(head for head in heads if head in nowhere)
    return absent if len(nowhere) >= _MOST_UNMATCHED * len(linked.asked) else ()


def _head(phrase: str) -> str | None:
    """The thing a phrase like ``active German customers`` is about: its last word that can name one."""
    named = []
    for word in words(phrase):
        if word in FUNCTION_WORDS:
            break
        if word not in GENERIC_WORDS and not word.isdigit():
            named.append(word)
    return named[-1] if named else None


def _is_english(question: str) -> bool:
    said = words(question)
    return bool(said) and sum(word in FUNCTION_WORDS for word in said) >= _ENGLISH_SHARE * len(said)

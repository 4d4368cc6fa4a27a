"""One question from a follow-up and the question before it: "And to Sweden?" becomes "How many orders went to Sweden?".

Made by rules, of the words of both and no others; where no rule is sure, the two stand one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from allotment.routing._words import fold

_ENGLISH = "and what about|and how about|what about|how about|what if|same for|and|or|but|also"
_CZECH_SLOVAK = "a co kdyz|a co takhle|a co tak|a co|co takhle|co tak|co kdyz|a|ale|nebo|alebo|jeste|este"
_GERMAN = "und was ist mit|was ist mit|wie ist es mit|und|oder|aber|auch"
_OPENINGS = tuple(tuple(text.split()) for text in f"{_ENGLISH}|{_CZECH_SLOVAK}|{_GERMAN}".split("|"))
_BEFORE_NOUNS = (
    "to in from for of by at on with about since before after do v ve na pro pre z ze od u k ke o za pri s se "
    "nach im aus fuer fur von bei mit am vor seit"
)
_PREPOSITIONS = frozenset(_BEFORE_NOUNS.split())
_TIME = re.compile(
    r"(?:(?:in|im|for|since|v|ve|za|na|of) )?(?:the )?(?:(?:last|this|next|previous) (?:year|month|week|quarter)|"
    r"(?:19|20)\d\d|yesterday|today|loni|letos|vloni|vlani|tento rok|minuly rok|pristi rok|(?:na )?roku? (?:19|20)\d\d|"
    r"(?:letztes|letzten|dieses|diesem|naechstes|naechsten) jahr)"
)
_QUESTION_WORDS = (
    "who whose how which what when where why is are was were does did can may kolik kolko kdo kto kde kdy kedy jak "
    "ako jaky jaka jake aky aka ake proc preco wer wie was wann wo warum welche welcher welches"
)
_ASKS = frozenset(_QUESTION_WORDS.split())
_MOST_WORDS = 6
_END = " ?!."


def standalone(earlier: str, question: str) -> str:
    """``question`` with what it leaves unsaid, taken from the question it follows.

    Args:
        earlier: a question that stands for itself.
        question: one that leans on it.
    """
    fragment = _without_opening(question.split())
    if not fragment:
        return earlier
    before = earlier.strip().rstrip(_END).split()
    if len(fragment) <= _MOST_WORDS and _bare(fragment[0]) not in _ASKS and before:
        rest = [*fragment[:-1], fragment[-1].rstrip(_END)]
        for put in (_time, _by_preposition, _by_name):
            words = put(before, rest)
            if words is not None:
                return f"{' '.join(words)}?"
    return f"{earlier.strip()} {question.strip()}"


def asks_itself(question: str) -> bool:
    """Whether a question, after what it opens with, begins like a whole one: "And who approves a discount?"."""
    rest = _without_opening(question.split())
    return len(rest) > 1 and _bare(rest[0]) in _ASKS


def _without_opening(words: Sequence[str]) -> list[str]:
    folded = tuple(_bare(word) for word in words)
    begun = next((one for one in _OPENINGS if folded[: len(one)] == one), ())
    return [word for word in words[len(begun) :] if word.strip(_END)]


def _bare(word: str) -> str:
    return fold(word).strip(" ?!.,;:")


def _time(before: Sequence[str], fragment: Sequence[str]) -> list[str] | None:
    """Another time in the place of the one that was asked about, or at the end."""
    if not _TIME.fullmatch(" ".join(map(_bare, fragment))):
        return None
    for length in (4, 3, 2, 1):
        for start in range(len(before) - length + 1):
            if _TIME.fullmatch(" ".join(map(_bare, before[start : start + length]))):
                return [*before[:start], *fragment, *before[start + length :]]
    return [*before, *fragment]


def _by_preposition(before: Sequence[str], fragment: Sequence[str]) -> list[str] | None:
    """Another phrase in the place of the last one with the same preposition, or at the end."""
    preposition = _bare(fragment[0])
    if preposition not in _PREPOSITIONS or len(fragment) < 2:
        return None
    places = [number for number, word in enumerate(before) if _bare(word) == preposition and number + 1 < len(before)]
    if not places:
        return [*before, *fragment]
    start = places[-1]
    return [*before[:start], *fragment, *before[_end_of_phrase(before, start + 1) :]]


def _end_of_phrase(words: Sequence[str], start: int) -> int:
    """Where a phrase ends: after its names and numbers, or after one word where it begins with neither."""
    if _bare(words[start]) in ("the", "a", "an", "der", "die", "das", "dem", "den") and start + 1 < len(words):
        start += 1
    end = start
    while end < len(words) and _is_name(words[end]):
        end += 1
    return max(end, start + 1)


def _by_name(before: Sequence[str], fragment: Sequence[str]) -> list[str] | None:
    """Another name in the place of the only one there was."""
    if not all(map(_is_name, fragment)):
        return None
    named = [number for number, word in enumerate(before) if number and _is_name(word)]
    if not named or named != list(range(named[0], named[-1] + 1)):
        return None
    return [*before[: named[0]], *fragment, *before[named[-1] + 1 :]]


def _is_name(word: str) -> bool:
    return word[:1].isupper() or word[:1].isdigit()

"""Questions that only make sense after an earlier one: "and last year?", "a loni?", "und in Wien?"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from allotment.routing._standalone import asks_itself, standalone
from allotment.routing._words import content_words, fold

_OPENING = re.compile(
    r"\W*(?:and|or|but|also|what about|how about|what if|same for|"
    r"a (?:co|v|ve|na|pro|pre|za|u|k|o|s|z|do|od|pri|pak|potom|predtim|loni|letos|vlani|lani|"
    r"kolik|kolko|kdo|kto|kde|kdy|kedy|jak|ako|jaky|jaka|jake|aky|aka|ake|proc|preco|ten|ta|to)|"
    r"ale|nebo|alebo|jeste|este|co kdyz|co takhle|co tak|"
    r"und|oder|aber|auch|was ist mit|wie ist es)\b"
)  # "a" opens a continuation in Czech and Slovak, and any English question about "a badge"
_REFERS = re.compile(r"\b(?:it|its|they|them|their|that|those|one|ones|toho|tomu|tam|davon|dort)\b")
_ALONE = re.compile(
    r"\W*(?:(?:in|im|for|since|v|za|na) )?(?:(?:last|this|next|previous) (?:year|month|week|quarter)|(?:19|20)\d\d|"
    r"why|why not|how so|loni|letos|vlani|tento rok|minuly rok|pristi rok|proc|preco|"
    r"letztes jahr|letzten jahr|dieses jahr|naechstes jahr|warum|wieso)\W*"
)
"""A whole question that says when, or asks why, and not of what."""
_FEW = 2
_LITTLE = 3
_MOST_TEXTS = 8
_MOST_CHARACTERS = 1_000


def is_follow_up(question: str) -> bool:
    """Whether a question opens like a continuation, or says hardly anything, or little that refers to something."""
    folded = fold(question)
    count = len(content_words(question).split())
    if _OPENING.match(folded):
        return True
    return count <= _FEW or (count <= 2 * _FEW and _REFERS.search(folded) is not None)


def leans(question: str) -> bool:
    """Whether a question has to be read with the one before it to mean anything.

    Stricter than ``is_follow_up``: "Parking in Brno?" and "And who approves a discount?" stand for themselves.
    """
    folded, count = fold(question), len(content_words(question).split())
    if _ALONE.fullmatch(folded):
        return True
    if _OPENING.match(folded) and count <= _LITTLE and not asks_itself(question):
        return True
    return count <= 2 * _FEW and _REFERS.search(folded) is not None


def standing(earlier: Sequence[str]) -> list[str]:
    """A user's earlier questions, those that lean on one before them made one with it: "How many orders went to
    Germany?" and "And to Sweden?" are followed by what is asked of Sweden."""
    found: list[str] = []
    for text in earlier[-_MOST_TEXTS:]:
        found.append(standalone(found[-1], text) if found and leans(text) else text)
    return found


def conversation(question: str, context: Sequence[str], *, clear: bool) -> Iterator[str]:
    """Earlier texts that may tell what ``question`` is about: the newest questions first, then the newest others.

    None where it stands for itself, or clearly leaves: ``clear`` says that some agent clearly answers it alone, and
    it has more than a few words of its own.
    """
    if not context or not is_follow_up(question):
        return
    if clear and len(content_words(question).split()) > _FEW:
        return
    newest_first = [text[:_MOST_CHARACTERS] for text in reversed(context[-_MOST_TEXTS:])]
    earlier = [text for text in newest_first if not is_follow_up(text)]
    yield from (text for text in earlier if "?" in text)
    yield from (text for text in earlier if "?" not in text)

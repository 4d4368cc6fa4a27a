"""Phrases by which speakers mark a change of topic, in English, Czech and Slovak.

The lists are small, and a kind of phrase counts for less the more often its speaker uses it: whoever begins every
sentence with "okay" marks nothing by it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from allotment.documents.transcripts._stems import fold
from allotment.documents.transcripts._types import Cue

_FILLERS = (
    "and|so|but|okay|ok|yeah|yes|alright|all right|right|now|then|well|um|uh|oh|also|hey|actually"
    "|a|no|tak|takze|ale|jo|ano|dobre|okej|fajn|vlastne|ted|tedka|teraz|nyni|jeste|este|proste|super|hele|dobra|jasne"
)
_HEAD = rf"^(?:(?:{_FILLERS})\b[ ,.!?]*)*"
"""A cue's beginning, past the words that say nothing."""
_ORDER_EN = "another|(?:the|my) (?:next|other|second|third|fourth|fifth|last|final)|one (?:more|other|last)"
_ORDER_CS = "(?:dals|druh|tret|ctvrt|stvrt|posledn)(?:i|a|e|y|ia|ie|ou|iu)|jeste jedn[aouie]\\w*|este jedn[aouie]\\w*"
_THING_EN = (
    "thing|piece|part|topic|step|point|question|item|feature|section|chapter|slide|update|example|issue|area|problem"
    "|task|subject|bit|one"
)
_THING_CS = (
    "vec|veci|bod|cast|tem|otazk|dotaz|krok|kapitol|slajd|priklad|problem|uloh|ukol|blok|oblast|pripad|novink|funkc"
)
_ADJECTIVES = r"(?:[^\W\d_]+ ){0,2}"


class Marker(NamedTuple):
    """A kind of phrase, and how much it says where it is rare."""

    weight: float
    pattern: re.Pattern[str]


def _marker(weight: float, *alternatives: str) -> Marker:
    return Marker(weight, re.compile("|".join(alternatives)))


MARKERS = (
    _marker(
        2,
        rf"{_HEAD}(?:{_ORDER_EN}|next|second|secondly|finally|lastly|moving on|other than that|besides that)\b",
        rf"{_HEAD}(?:apart from that|in addition|additionally|as for|in terms of|speaking of|back to)\b",
        rf"{_HEAD}(?:{_ORDER_CS}|za druhe|po druhe|za treti|po tretie|dale|dalej|krome toho|okrem toho)\b",
        rf"{_HEAD}(?:co se tyce|co sa tyka|nakonec|nakoniec|na zaver|zaverem)\b",
    ),
    _marker(
        1,
        rf"\b(?:{_ORDER_EN}|the first) {_ADJECTIVES}(?:{_THING_EN})s?\b",
        rf"\b(?:{_ORDER_CS}|prvni|prva|prvy|prve|jina|jiny|ina|iny) {_ADJECTIVES}(?:{_THING_CS})\w*",
    ),
    _marker(
        1,
        rf"{_HEAD}(?:let'?s|let us|let me|(?:i|we)(?:'ll| will)|(?:i'm|i am|we're|we are) going to)"
        r" (?:also |now |just |quickly |briefly )*"
        r"(?:move|go|talk|start|look|take|switch|jump|show|turn|share|begin|see|dive|get|come|walk|open)\b",
        rf"{_HEAD}(?:i want|i'd like|i would like|we want) to (?:also |now |just |quickly |briefly )*"
        r"(?:move|go|talk|start|look|take|switch|jump|show|turn|share|begin|dive|walk|mention|touch)\b",
        rf"{_HEAD}(?:pojdme|podme|podiv\w+ se|podivat se|pozr\w+ sa|mrkn\w+|prejd\w+|presun\w+|vrat\w+ s[ea]\b)",
        rf"{_HEAD}(?:si )?(?:zacn\w+|zacin\w+|ukaz\w+ (?:si|vam)|pokracu\w+|povie?\w+ si|rekn\w+ si|jdeme na)",
        r"\b(?:prechazime|prejdeme|presuneme se|presunieme sa|dostavame s[ea]) (?:k|ke|na|do|ku)\b",
    ),
    _marker(
        1,
        r"^(?:okay|ok|okej|alright|all right|great|cool|awesome|perfect|anyway|anyhow|right|good)\b",
        r"^(?:dobre|dobra|fajn|vyborne|super|prima|jasne|skvele|tak jo|tak fajn|no dobre|no nic|tak dobre)\b",
    ),
    _marker(
        1,
        r"^(?:okay|ok|alright|all right|yeah|yes|cool|great|and|right)[ ,.!?]+(?:so|now)\b",
        r"^so,? (?:now|then|that'?s|the|let'?s|this)\b|^now\b|^currently\b",
        r"^(?:dobre|dobra|fajn|okej|ok|jo|ano|a|no)?[ ,.!?]*(?:takze|tak) (?:ted|tedka|nyni|teraz|dale?j?|[ji]deme)\b",
        r"^(?:ted|tedka|nyni|teraz)\b",
    ),
    _marker(
        1,
        rf"{_HEAD}(?:that'?s it|that is it|that'?s (?:about|all|really|what|pretty)|this is all|overall)\b",
        rf"{_HEAD}(?:in (?:summary|conclusion)|to (?:sum|wrap|conclude|recap|summari[sz]e))\b",
        rf"{_HEAD}(?:to je(?: asi| tak)* vs|to (?:by )?bol[oa]? (?:asi )?vs|to by bylo|(?:abych to )?[sz]hrn\w+)",
    ),
    _marker(
        1,
        rf"{_HEAD}(?:thanks|thank you|hello|hi|good morning|good afternoon|welcome)\b",
        rf"{_HEAD}(?:dekuj\w+|diky|dakuj\w+|vitejte|vitajte|vitam|dobry den|dobre rano|ahoj|na ?shledanou|dovidenia)\b",
    ),
    _marker(
        1,
        r"\b(?:i have|i had|i got|i've got) (?:a|one|another|a couple of|some|two) (?:\w+ )?questions?\b",
        r"\b(?:you want to go|wanna go|go ahead|you're next|over to you|your turn|any questions|take a break)\b",
        r"\b(?:mam (?:jeden |jeste |este )?(?:dotaz|otazku)|(?:mate|jsou|su) (?:nejak\w+ )?(?:dotaz|otazk)\w*)",
        r"\b(?:predam\w* slovo|predavam|mate slovo|prestavk\w+|pauz[aue]\b)",
    ),
)
_NEW_VOICE = 1.0
_MOST = 3.0
"""Three phrases in one cue are one change of topic."""
_RARE = math.log(20)
"""A kind of phrase in one cue of twenty or fewer has its full weight."""


def marks(cues: Sequence[Cue]) -> list[float]:
    """How strongly the words of each cue, or its new voice, mark a change of topic: 0 to 3."""
    texts = [fold(cue.text) for cue in cues]
    kinds = [(marker.weight, [bool(marker.pattern.search(text)) for text in texts]) for marker in MARKERS]
    kinds.append((_NEW_VOICE, [False, *(a.speaker != b.speaker for a, b in pairwise(cues))][: len(cues)]))
    sums = [0.0] * len(cues)
    for weight, hits in kinds:
        worth = weight * _rarity(sum(hits), len(hits))
        sums = [total + worth * hit for total, hit in zip(sums, hits, strict=True)]
    return [min(total, _MOST) for total in sums]


def _rarity(hits: int, cues: int) -> float:
    return min(1.0, math.log(cues / hits) / _RARE) if hits else 0.0


def broken_sentences(cues: Sequence[Cue]) -> list[bool]:
    """Whether each cue goes on with the sentence of the one before: no stop there, a small letter here."""
    ends = [cue.text.rstrip("\"'”“») ").endswith((".", "?", "!", "…")) for cue in cues]
    small = [cue.text[:1].islower() for cue in cues]
    return [False, *(small[at] and not ends[at - 1] for at in range(1, len(cues)))][: len(cues)]

"""Which language a text is in, told from its small words and its letters.

Covers the languages the project is used in; anything else is ``und`` (undetermined), never a guess.
"""

from __future__ import annotations

import re
from collections import Counter

_SMALL_WORDS = {
    "en": (
        "the a an and or of to in on at is are was were be been by for from with which what who how when where why"
        " must may can does do did it its this that these those not no you your we our they their i my me as if than"
        " then will would should every each all any only after before has have had"
    ),
    "cs": (
        "a i v ve na se si je jsou byl byla bylo být do od za ze ke k pro při po před nad pod který která které kdo co"
        " kde kdy jak kolik jaký jaká jaké jakou kdo komu čím smí musí může nebo ale že když až už jen také podle než"
        " to ten ta tento tato toto každý každá není nejsou mi mám mě má jeho jejich jehož řekni s u o z"
    ),
    "sk": (
        "a i v vo na sa si je sú bol bola bolo byť do od za zo ku k pre pri po pred nad pod ktorý ktorá ktoré kto čo"
        " kde kedy ako koľko aký aká aké akú smie musí môže alebo ale že keď až už len tiež podľa než to ten tá tento"
        " táto toto každý nie mi mám ma má jeho ich povedz s u o z"
    ),
    "de": (
        "der die das den dem des ein eine einen einem einer und oder von zu zum zur in im an am auf ist sind war waren"
        " wird werden bei für aus mit wer was wie wann wo warum welche welcher welches muss darf kann nicht kein keine"
        " sie er es wir ihr ich mein nach vor über unter jeder jede alle nur wenn als dass"
    ),
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_LETTERS = {"cs": "ěřů", "sk": "ľĺŕô", "de": "ßöü"}
"""Letters only this one of the four languages uses; one of them weighs as much as two small words."""
_TELLING = re.compile(f"[{''.join(_LETTERS.values())}]")
_WORD = re.compile(r"[^\W\d_]+")
_FENCE = re.compile(r"(?ms)^(```|~~~).*?(^\1|\Z)")


_SAMPLE = 20_000
"""So many characters tell the language of any text."""


def detect_language(text: str, default: str = "und") -> str:
    """``en``, ``cs``, ``sk`` or ``de``; ``default`` when the text gives too little to tell."""
    words = Counter(_WORD.findall(_FENCE.sub(" ", text[:_SAMPLE]).casefold()))
    scores = {language: sum(words[word] for word in known & words.keys()) for language, known in _WORDS.items()}
    for word in filter(_TELLING.search, words):
        for language, letters in _LETTERS.items():
            scores[language] += 2 * words[word] * sum(letter in word for letter in letters)
    best, second = sorted(scores, key=lambda language: -scores[language])[:2]
    if scores[best] < max(1.0, 0.08 * words.total()) or scores[best] == scores[second]:
        return default
    return best

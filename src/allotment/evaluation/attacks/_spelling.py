"""Small changes of the spelling, so that no attempt is made twice."""

from __future__ import annotations

import random


def misspell(text: str, variant: int) -> str:
    """``text`` with two neighbouring letters changed in up to three words; 0 changes nothing."""
    if variant == 0:
        return text
    chance = random.Random(variant)  # noqa: S311 the same number gives the same slips
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 3]
    for place in chance.sample(long, min(len(long), chance.randint(1, 3))):
        at = chance.randrange(1, len(words[place]) - 2)
        word = words[place]
        words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words) + " " * (variant % 3)


def respace(text: str, variant: int) -> str:
    """A statement with other spaces between its words, which means the same; 0 changes nothing."""
    if variant == 0:
        return text
    chance = random.Random(variant)  # noqa: S311 the same number gives the same spaces
    words = [word + "".join(chance.choices(" \t", k=chance.randint(1, 4))) for word in text.split(" ")]
    return "".join(words)

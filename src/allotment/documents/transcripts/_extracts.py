"""The most telling sentences of each chapter: what a title needs, at a tenth of what reading everything costs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from allotment.documents._sentences import split_sentences
from allotment.documents.transcripts._stems import stems
from allotment.documents.transcripts._types import Chapter, Cue

_WORDS = 100
"""Words of an extract. Czech takes three tokens a word, and reading them is most of the time a title takes."""
_OPENING = 25
"""Words taken from the beginning whatever they say: speakers name their topic there."""
_PIECE = 30
"""A longer sentence is cut; speech without punctuation is one sentence."""
_SHORT = 6
"""Words below which a sentence says little by itself."""
_LONGEST = 300
"""Characters of a piece: a recogniser's endless word is none."""


def chapter_texts(cues: Sequence[Cue], chapters: Sequence[Chapter]) -> list[str]:
    """What is said in each chapter, as one line."""
    return [" ".join(cue.text for cue in cues[item.first : item.last + 1]) for item in chapters]


def extracts(cues: Sequence[Cue], chapters: Sequence[Chapter]) -> list[str]:
    """At most 100 words of each chapter: its opening, and what is said often in it and in few of the others."""
    said = Counter(cue.text for cue in cues)
    texts = [_once(cues[item.first : item.last + 1], said) for item in chapters]
    spread = Counter(stem for text in texts for stem in set(stems(text)))
    rarity = {stem: math.log((len(texts) + 1) / (count + 0.5)) for stem, count in spread.items()}
    return [_extract(text, rarity) for text in texts]


def _once(cues: Sequence[Cue], said: Counter[str]) -> str:
    """What is said once in the whole transcript: a window's name on the screen, or "Okay.", is no topic."""
    kept = [cue.text for cue in cues if said[cue.text] == 1]
    return " ".join(kept or (cue.text for cue in cues))


def _extract(text: str, rarity: dict[str, float]) -> str:
    pieces = _pieces(text)
    counts = Counter(stem for piece in pieces for stem in stems(piece))

    def telling(place: int) -> tuple[float, int]:
        found = sum(math.log(counts[stem]) * rarity[stem] for stem in set(stems(pieces[place])))
        return found / max(_SHORT, len(pieces[place].split())) ** 0.7, -place

    kept = _take(pieces, range(len(pieces)), set(), _OPENING, stop=True)
    sentences = [place for place, piece in enumerate(pieces) if len(piece.split()) >= _SHORT]
    kept = _take(pieces, sorted(sentences, key=telling, reverse=True), kept, _WORDS, stop=False)
    return " ".join(pieces[place] for place in sorted(kept))


def _take(pieces: Sequence[str], order: Sequence[int], kept: set[int], words: int, *, stop: bool) -> set[int]:
    """``kept`` and what fits beside it, in that order; the first piece always does."""
    taken = set(kept)
    used = sum(len(pieces[place].split()) for place in kept)
    for place in order:
        fits = not taken or used + len(pieces[place].split()) <= words
        if fits and place not in taken:
            taken.add(place)
            used += len(pieces[place].split())
        if stop and not fits:
            break
    return taken


def _pieces(text: str) -> list[str]:
    sentences = [sentence.split() for sentence in split_sentences(text)]
    cut = [words[start : start + _PIECE] for words in sentences for start in range(0, len(words), _PIECE)]
    return list(dict.fromkeys(" ".join(words)[:_LONGEST] for words in cut))

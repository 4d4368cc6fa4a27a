"""Phrasings made without a model: the statement with a gap, put as a request to fill it.

A small teacher words questions well in English and badly in the other languages. There, facts with few usable phrasings
are filled up with these, for training only: their words are the section's, so they are right by construction.
"""

from __future__ import annotations

import re

from allotment.dataset._checks import Draft

ENOUGH = 4
"""Phrasings up to which a fact is filled up."""
_GAP = "…"
_FRAMES: dict[str, tuple[str, ...]] = {
    "cs": ("{before} {gap}?", "Doplň větu: {whole}", "Co patří na vynechané místo? {whole}"),
    "sk": ("{before} {gap}?", "Doplň vetu: {whole}", "Čo patrí na vynechané miesto? {whole}"),
    "de": ("{before} {gap}?", "Ergänze den Satz: {whole}", "Was gehört in die Lücke? {whole}"),
}


def framed_phrasings(draft: Draft, language: str, have: int) -> tuple[str, ...]:
    """As many as are missing to ``ENOUGH``; none for a language a small teacher can word."""
    value = re.compile(rf"(?<!\w){re.escape(draft.value)}(?!\w)")
    found = value.search(draft.answer)
    if found is None or len(draft.answer[: found.start()].split()) < 3:
        return ()
    before = draft.answer[: found.start()].rstrip(" „\"'(")
    whole = value.sub(_GAP, draft.answer).replace(f"{_GAP}.", _GAP)
    frames = _FRAMES.get(language, ())[: max(0, ENOUGH - have)]
    return tuple(frame.format(before=before, gap=_GAP, whole=whole) for frame in frames)

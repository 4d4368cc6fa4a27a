"""Replaces the personal data of a text with pseudonyms."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from allotment.documents.personal._card import find_cards
from allotment.documents.personal._email import find_emails
from allotment.documents.personal._iban import find_ibans
from allotment.documents.personal._national_ids import find_national_ids
from allotment.documents.personal._phone import REGIONS, phone_detector
from allotment.documents.personal._pseudonyms import PSEUDONYM, Pseudonyms
from allotment.documents.personal._types import KINDS, Detector, Edit, Found, Kind, NameRecogniser, Scrubbed
from allotment.errors import DocumentError, ProjectError

_ORDER: tuple[Kind, ...] = ("emails", "ibans", "cards", "national-ids", "phones", "names")
"""Where two finds overlap, the kind that is surer of itself wins."""
_MOST_PASSES = 16
_LETTERS = re.compile(r"[^\W\d_](?:.*[^\W\d_])?", re.DOTALL)


def scrub(
    text: str,
    kinds: Iterable[Kind],
    pseudonyms: Pseudonyms,
    names: NameRecogniser | None = None,
    *,
    regions: Sequence[str] = REGIONS,
) -> Scrubbed:
    """``text`` with everything of ``kinds`` replaced; everything else stays as it is, character by character.

    Repeats until it finds nothing more, so that scrubbing the result again changes nothing. ``names`` is needed for the
    kind ``names``; ``regions`` are those of telephone numbers without a country code.

    Raises:
        ProjectError: a kind is unknown, or names are to be replaced and there is no recogniser.
        DocumentError: something new was still found after 16 passes; the text is made to do that.
    """
    detectors = _detectors(frozenset(kinds), names, regions)
    done = Scrubbed(text, ())
    for _ in range(_MOST_PASSES):
        edits = _one_pass(done.text, detectors, pseudonyms)
        if not edits:
            return done
        done = _applied(text, _merged(done, edits))
    raise DocumentError(
        "personal data is still found after 16 passes.", element="scrub", remedy="Look at the document by hand."
    )


def find(
    text: str, kinds: Iterable[Kind], names: NameRecogniser | None = None, *, regions: Sequence[str] = REGIONS
) -> list[tuple[Kind, Found]]:
    """The personal data of ``kinds`` in ``text``, each place once; arguments and errors as ``scrub`` has them."""
    found: list[tuple[Kind, Found]] = []
    taken: list[tuple[int, int]] = []
    for kind, detect in _detectors(frozenset(kinds), names, regions).items():
        chosen = list(_apart(detect(text), taken))
        found += [(kind, one) for one in chosen]
        taken = sorted([*taken, *((one.start, one.end) for one in chosen)])
    return found


def _detectors(kinds: frozenset[str], names: NameRecogniser | None, regions: Sequence[str]) -> dict[Kind, Detector]:
    if unknown := kinds.difference(KINDS):
        known = ", ".join(KINDS)
        raise ProjectError(f"unknown kind {min(unknown)!r}.", element="scrub", remedy=f"Kinds are: {known}.")
    if "names" in kinds and names is None:
        raise ProjectError(
            "names cannot be found without a recogniser.",
            element="scrub",
            remedy="Declare the names, or name a spaCy pipeline.",
        )
    known_detectors: dict[Kind, Detector] = {
        "emails": find_emails,
        "ibans": find_ibans,
        "cards": find_cards,
        "national-ids": find_national_ids,
        "phones": phone_detector(regions),
    }
    if names is not None:
        known_detectors["names"] = names.names
    return {kind: known_detectors[kind] for kind in _ORDER if kind in kinds}


def _one_pass(text: str, detectors: dict[Kind, Detector], pseudonyms: Pseudonyms) -> list[Edit]:
    """What one look at ``text`` replaces: ascending, apart from each other and from pseudonyms already there."""
    taken = [(match.start(), match.end()) for match in PSEUDONYM.finditer(text)]
    edits: list[Edit] = []
    for kind, find in detectors.items():
        finds = find(text) if kind != "names" else _cut_at(taken, text, find(text))
        chosen = list(_apart(finds, taken))
        edits.extend(Edit(found.start, found.end, pseudonyms.of(kind, found.value), kind) for found in chosen)
        taken = sorted([*taken, *((found.start, found.end) for found in chosen)])
    return sorted(edits, key=lambda edit: edit.start)


def _apart(finds: Iterable[Found], taken: Sequence[tuple[int, int]]) -> Iterator[Found]:
    """Those of ``finds`` that overlap neither ``taken`` nor an earlier one; of two from one place the longer."""
    starts = [start for start, _ in taken]
    last_end = 0
    for found in sorted(finds, key=lambda found: (found.start, -found.end)):
        before = bisect_right(starts, found.end - 1) - 1
        if found.start >= last_end and (before < 0 or taken[before][1] <= found.start) and found.start < found.end:
            last_end = found.end
            yield found


def _cut_at(taken: Sequence[tuple[int, int]], text: str, names: Iterable[Found]) -> Iterator[Found]:
    """``names`` without what is ``taken``: a recogniser that runs on into a pseudonym has found a name all the same."""
    starts, ends = [start for start, _ in taken], [end for _, end in taken]
    for name in names:
        inside = taken[bisect_right(ends, name.start) : bisect_left(starts, name.end)]
        edges = [name.start, *(edge for span in inside for edge in span), name.end]
        for start, end in zip(edges[::2], edges[1::2], strict=True) if inside else ():
            if piece := _LETTERS.search(text, start, max(start, end)):
                yield Found(piece.start(), piece.end(), piece.group().casefold())
        if not inside:
            yield name


def _merged(done: Scrubbed, edits: Iterable[Edit]) -> list[Edit]:
    """All edits in places of the original: those of ``done`` and ``edits``, which are in places of its text."""
    merged, old, shift = [], iter((*done.edits, None)), 0
    following = next(old)
    for edit in edits:
        while following is not None and following.start + shift < edit.start:
            shift += len(following.replacement) - (following.end - following.start)
            merged.append(following)
            following = next(old)
        merged.append(replace(edit, start=edit.start - shift, end=edit.end - shift))
    return [*merged, *([following] if following else []), *(later for later in old if later)]


def _applied(text: str, edits: Sequence[Edit]) -> Scrubbed:
    pieces, position = [], 0
    for edit in edits:
        pieces += [text[position : edit.start], edit.replacement]
        position = edit.end
    return Scrubbed("".join([*pieces, text[position:]]), tuple(edits))

"""Cue texts freed of what a recogniser said again: loops, rolling captions, one sentence over many cues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from allotment.documents.transcripts._loops import collapse, reads_as_loop
from allotment.documents.transcripts._notes import bounded, count, quote
from allotment.documents.transcripts._repeats import Run, repeated, rolled
from allotment.documents.transcripts._types import Cue, Finding

_ROUNDS = 8
"""Two are enough for anything recorded; the bound is for texts made to be a trap."""


@dataclass
class _Repairs:
    """What was done to the texts, by index of the cue."""

    loops: dict[int, list[str]] = field(default_factory=dict)
    rolled: set[int] = field(default_factory=set)
    runs: dict[Run, str] = field(default_factory=dict)


def repair_texts(cues: Sequence[Cue]) -> tuple[list[Cue], list[Finding]]:
    """The cues with repaired texts, as many and in the same order, and a finding for every one that changed.

    A repair may lay another repetition bare, so they are made again until nothing changes. Where that does not end,
    the repetition is no fault of a kind known here: then only loops inside cues are repaired.
    """
    repairs = _Repairs()
    texts = _without_loops([cue.text for cue in cues], range(len(cues)), repairs)
    settled = _settled(cues, texts, repairs)
    if settled is None:
        repairs = _Repairs()
        settled = _without_loops([cue.text for cue in cues], range(len(cues)), repairs)
    repaired = [cue if cue.text == text else replace(cue, text=text) for cue, text in zip(cues, settled, strict=True)]
    return repaired, _findings(repaired, repairs)


def _without_loops(texts: list[str], indexes: Sequence[int], repairs: _Repairs) -> list[str]:
    for index in indexes:
        texts[index], told = collapse(texts[index])
        if told:
            repairs.loops.setdefault(index, []).extend(told)
    return texts


def _settled(cues: Sequence[Cue], texts: list[str], repairs: _Repairs) -> list[str] | None:
    """Texts that no repair changes any more; none after too many rounds."""
    texts = list(texts)
    for _ in range(_ROUNDS):
        fresh = rolled(cues, texts)
        for index, text in fresh.items():
            texts[index] = text
        repairs.rolled.update(fresh)
        _without_loops(texts, sorted(fresh), repairs)
        runs = repeated(cues, texts)
        for run in runs:
            repairs.runs[run] = texts[run.first]
            texts[run.first + 1 : run.last + 1] = [""] * (run.last - run.first)
        if not fresh and not runs:
            return texts
    return None


def _findings(cues: Sequence[Cue], repairs: _Repairs) -> list[Finding]:
    numbers = [cue.number for cue in cues]
    loops = [
        Finding("repetition", (numbers[index],), "; ".join(told[:3]) + ("; …" if len(told) > 3 else ""))
        for index, told in sorted(repairs.loops.items())
    ]
    loops += [
        Finding("repetition", (cue.number,), f"reads as a loop, and none was found to cut: {quote(cue.text)}")
        for cue in cues
        if reads_as_loop(cue.text)
    ]
    return [*bounded(loops), *bounded(_runs(numbers, repairs)), *_rolled(numbers, repairs)]


def _runs(numbers: Sequence[int], repairs: _Repairs) -> list[Finding]:
    return [
        Finding(
            "repeated-cues",
            tuple(numbers[run.first : run.last + 1]),
            f"{quote(text)} in {count(run.last - run.first + 1, 'cue')} one after another; kept in the first",
        )
        for run, text in sorted(repairs.runs.items(), key=lambda item: item[0].first)
    ]


def _rolled(numbers: Sequence[int], repairs: _Repairs) -> list[Finding]:
    if not repairs.rolled:
        return []
    named = tuple(numbers[index] for index in sorted(repairs.rolled))
    detail = f"{count(len(named), 'cue')} began with words of the cue before, as rolling captions do; taken off"
    return [Finding("rolling-caption", named, detail)]

"""The bytes of a subtitle file, or of a text with subtitles pasted in, → cues in file order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from allotment.documents.transcripts._encoding import decode_lines
from allotment.documents.transcripts._lines import Lines, find_lines
from allotment.documents.transcripts._markup import plain_text
from allotment.documents.transcripts._notes import bounded, count, format_numbers, quote
from allotment.documents.transcripts._scan import PrintedCue, Scan, scan
from allotment.documents.transcripts._types import Cue, Finding, Transcript
from allotment.errors import DocumentError


def read_transcript(raw: bytes, name: str = "") -> Transcript:
    """Read SubRip, WebVTT, or either of them within a larger text.

    The cues are as printed: nothing is repaired but the spelling of the format, see ``normalise``. Text outside of
    cues is a finding and belongs to no cue. Where printed numbers are not unique, cues are counted from 1.

    Args:
        name: the file's name, for errors; ``.vtt`` at its end makes it WebVTT even without its header.

    Raises:
        DocumentError: no cue in it, no text, too large, or in an encoding that cannot be told.
    """
    texts, findings = decode_lines(raw, name)
    lines = find_lines(texts)
    webvtt = name.lower().endswith(".vtt") or _has_header(lines)
    found = scan(lines, webvtt)
    if not found.cues:
        raise _no_cue(texts, name)
    numbers, about_numbers = _numbers(found.cues, webvtt)
    cues = tuple(_cue(number, printed) for number, printed in zip(numbers, found.cues, strict=True))
    told = [*findings, *_outside(found, lines), *about_numbers, *_continued(found, lines, numbers)]
    return Transcript(cues, (*told, *_spelling(found.cues, numbers, webvtt)))


def _has_header(lines: Lines) -> bool:
    first = min(lines.timings, default=len(lines.texts))
    return any(lines.texts[index].strip().split(None, 1)[:1] == ["WEBVTT"] for index in range(first))


def _cue(number: int, printed: PrintedCue) -> Cue:
    text, speaker = plain_text(printed.text)
    return Cue(number, printed.timing.start_ms, printed.timing.end_ms, text, speaker)


def _numbers(cues: Sequence[PrintedCue], webvtt: bool) -> tuple[list[int], list[Finding]]:
    """The printed numbers; a missing one follows the number before."""
    missing = [place for place, cue in enumerate(cues) if cue.number is None]
    ordinals = list(range(1, len(cues) + 1))
    if len(missing) == len(cues):
        none = Finding("numbering", (), "prints no cue numbers; cues are counted from 1")
        return ordinals, [] if webvtt else [none]
    numbers: list[int] = []
    for cue in cues:
        numbers.append(cue.number if cue.number is not None else numbers[-1] + 1 if numbers else 1)
    twice = [number for number, times in Counter(numbers).items() if times > 1]
    if twice:
        again = f"prints {count(len(twice), 'number')} more than once ({format_numbers(sorted(twice))})"
        return ordinals, [Finding("numbering", (), f"{again}: cues are counted from 1 in the order of the file")]
    named = tuple(numbers[place] for place in missing)
    detail = f"{count(len(named), 'cue')} without a number: counted on from the cue before"
    return numbers, [Finding("numbering", named, detail)] if named else []


def _outside(found: Scan, lines: Lines) -> list[Finding]:
    return bounded(
        Finding("outside-text", (), f"{_where(lines, place)} stands outside the cues") for place in found.outside
    )


def _continued(found: Scan, lines: Lines, numbers: Sequence[int]) -> list[Finding]:
    detail = "follows a blank line inside the cue; read as its text"
    return bounded(
        Finding("format", (number,), f"{_where(lines, cue.continued)} {detail}")
        for number, cue in zip(numbers, found.cues, strict=True)
        if cue.continued
    )


def _where(lines: Lines, indexes: Sequence[int]) -> str:
    first, last = lines.numbers[indexes[0]], lines.numbers[indexes[-1]]
    text = " ".join(lines.texts[index].strip()[:80] for index in indexes[:4])
    return f"{f'line {first}' if first == last else f'lines {first}-{last}'}: {quote(text)}"


def _spelling(cues: Sequence[PrintedCue], numbers: Sequence[int], webvtt: bool) -> Iterable[Finding]:
    """Timing lines and gaps that are not as the format has them, told together."""
    form = "hh:mm:ss.mmm --> hh:mm:ss.mmm" if webvtt else "hh:mm:ss,mmm --> hh:mm:ss,mmm"
    odd = [place for place, cue in enumerate(cues) if not (cue.timing.as_webvtt if webvtt else cue.timing.as_subrip)]
    if odd:
        what = f"{count(len(odd), 'timing line')} not written as {form}"
        detail = f"{what}, the first in line {cues[odd[0]].line}; read as meant"
        yield Finding("format", tuple(numbers[place] for place in odd), detail)
    crowded = tuple(number for number, cue in zip(numbers, cues, strict=True) if cue.crowded)
    if crowded:
        yield Finding("format", crowded, f"{count(len(crowded), 'cue')} without a blank line before")


_LOOKS = (
    ("<", "a web page or XML"),
    ("{\\rtf", "rich text"),
    ("{", "JSON or MicroDVD"),
    ("[Script Info]", "an SSA or ASS file"),
    ("[", "JSON"),
    ("%PDF", "a PDF"),
    ("WEBVTT", "WebVTT without a cue"),
)


def _no_cue(texts: Sequence[str], name: str) -> DocumentError:
    first = next((text.strip() for text in texts if text.strip()), "")
    looks = next((what for sign, what in _LOOKS if first.startswith(sign)), "text without times") if first else "empty"
    shown = f", beginning {quote(first)}" if first else ""
    return DocumentError(
        f"has no cue: no line like 00:00:01,000 --> 00:00:02,000. It looks like {looks}{shown}."
        if first
        else "has no cue: it is empty.",
        element=name,
        remedy="Give subtitles as SRT or WebVTT.",
    )

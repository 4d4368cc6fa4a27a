"""Bytes of a transcript → its lines. What is not UTF-8 is read in the likeliest encoding, and that is a finding."""

from __future__ import annotations

import codecs

from allotment.documents.transcripts._timing import parse_timing
from allotment.documents.transcripts._types import Finding
from allotment.errors import DocumentError

MAX_BYTES = 16 * 1024 * 1024
"""A day of speech has about 2 MB."""
_SAMPLE = 64 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CZECH = frozenset("áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ")
_SLOVAK = frozenset("áäčďéíĺľňóôŕšťúýžÁÄČĎÉÍĹĽŇÓÔŔŠŤÚÝŽ")
"""Detectors take one encoding of these languages for another (charset-normalizer 3.5: Windows-1258 for ISO 8859-2)."""
_REMEDY = "Save it as UTF-8 text and try again."


def decode_lines(raw: bytes, name: str) -> tuple[list[str], list[Finding]]:
    """The lines of a file, without their ends, and what was found about its encoding.

    Raises:
        DocumentError: too large, no text, or in an encoding that cannot be told.
    """
    if len(raw) > MAX_BYTES:
        raise too_large(name)
    text, findings = _decode(raw, name)
    if "\0" in text:
        raise DocumentError("has NUL characters: it is no text file.", element=name, remedy=_REMEDY)
    # some tools end lines twice over, as \r\r\n
    unix = text.replace("\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    return unix.split("\n"), findings


def too_large(name: str) -> DocumentError:
    """The error for a file that no recording can explain."""
    return DocumentError(
        f"is larger than {MAX_BYTES // 1024**2} MiB, more than a week of speech.",
        element=name,
        remedy="Give the subtitles alone, cut by recording.",
    )


def _decode(raw: bytes, name: str) -> tuple[str, list[Finding]]:
    encoding = next((encoding for mark, encoding in _BOMS if raw.startswith(mark)), "") or _utf16_without_mark(raw)
    try:
        return raw.decode(encoding or "utf-8"), []
    except UnicodeDecodeError as error:
        if encoding not in ("", "utf-8-sig"):
            raise DocumentError(
                f"begins as {encoding} and is broken at byte {error.start}.", element=name, remedy=_REMEDY
            ) from error
    if b"\0" in raw:
        raise DocumentError("has NUL characters: it is no text file.", element=name, remedy=_REMEDY)
    return _damaged_utf8(raw) or _guessed(raw, name)


def _utf16_without_mark(raw: bytes) -> str:
    """UTF-16 without its mark: digits and arrows make every other byte of the beginning a zero."""
    head = raw[: 2 * (min(len(raw), 512) // 2)]
    for encoding, zeros, others in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if zeros.count(0) > len(zeros) * 0.7 and 0 not in others:
            return encoding
    return ""


def _damaged_utf8(raw: bytes) -> tuple[str, list[Finding]] | None:
    """UTF-8 with a few broken letters, as a file cut in the middle has; none where it is another encoding."""
    text = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    if broken * 10 > sum(char > "\x7f" for char in text) - broken:
        return None
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if "\ufffd" in line]
    detail = f"is UTF-8 with {broken} broken letters, the first in line {lines[0]}; each is shown as \ufffd"
    return text, [Finding("encoding", (), detail)]


def _guessed(raw: bytes, name: str) -> tuple[str, list[Finding]]:
    encoding = _likeliest(_spoken(raw))
    try:
        text = raw.decode(encoding)
    except (LookupError, UnicodeDecodeError) as error:
        raise DocumentError("is not UTF-8, and its encoding cannot be told.", element=name, remedy=_REMEDY) from error
    detail = f"is not UTF-8; read as {encoding}, the likeliest encoding: check its letters, or save it as UTF-8"
    return text, [Finding("encoding", (), detail)]


def _spoken(raw: bytes) -> bytes:
    """The lines with letters beyond ASCII, up to a sample: the times between them would blur the picture."""
    lines = [line for line in raw.replace(b"\r", b"\n").split(b"\n") if not line.isascii()]
    return b"\n".join(line for line in lines if parse_timing(line.decode("latin-1")) is None)[:_SAMPLE]


def _likeliest(sample: bytes) -> str:
    for encoding in ("cp1250", "iso8859_2"):
        letters = {char for char in sample.decode(encoding, errors="replace") if char > "\x7f" and char.isalpha()}
        if letters and (letters <= _CZECH or letters <= _SLOVAK):
            return encoding
    # only where it is needed: its tables would cost every other call its start
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best is not None else ""

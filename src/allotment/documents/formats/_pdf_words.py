"""Words of a PDF page with their places, and its ruling lines, by PDFium."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot
from typing import Any

import pypdfium2.raw as pdfium

_MONO = re.compile(r"mono|courier|consol|menlo|typewriter|cmtt|fixed", re.IGNORECASE)
_BOLD = re.compile(r"bold|black|heavy|demi|cmbx|-b\b", re.IGNORECASE)
_FIXED_PITCH = 1
_HYPHENS = (0x02, 0xFFFE, 0xAD)
"""PDFium's marks, and Unicode's, for a hyphen at which a word was broken."""
SOFT_HYPHEN = "\u00ad"
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_THIN = 3.0
_MAX_POINTS = 4000


@dataclass(frozen=True)
class Word:
    """A word; lengths in points, ``base`` counted upwards from the page's bottom."""

    text: str
    left: float
    right: float
    base: float
    size: float
    mono: bool
    bold: bool


@dataclass(frozen=True)
class Rule:
    """A straight line along an axis, from (``left``, ``bottom``) to (``right``, ``top``)."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def flat(self) -> bool:
        """Whether it runs from left to right."""
        return self.right - self.left >= self.top - self.bottom


def page_words(textpage: Any) -> list[Word]:
    """The words in the order in which the page draws them."""
    page = textpage.raw
    found: list[Word] = []
    open_word: list[tuple[int, int]] = []
    for index in range(textpage.count_chars()):
        code = pdfium.FPDFText_GetUnicode(page, index)
        if code in (0x20, 0xA0, 0x09, 0x0A, 0x0D, 0):
            found.extend(_words(page, open_word))
            open_word = []
        else:
            open_word.append((index, code))
    found.extend(_words(page, open_word))
    return found


def _words(page: Any, chars: list[tuple[int, int]]) -> Iterator[Word]:
    """One word, or several where its letters lie on other lines or far apart."""
    run: list[str] = []
    left = right = base = size = 0.0
    first = -1
    for index, code in chars:
        x0, x1, y = _box(page, index)
        if run and (abs(y - base) > size * 0.6 or x0 < left - size or x0 > right + size):
            yield _word(page, first, run, (left, right, base, size))
            run = []
        if not run:
            first, left, right, base, size = index, x0, x1, y, _size(page, index)
        run.append(SOFT_HYPHEN if code in _HYPHENS else _char(code))
        right = max(right, x1)
    if run:
        yield _word(page, first, run, (left, right, base, size))


def _word(page: Any, first: int, run: list[str], place: tuple[float, float, float, float]) -> Word:
    name, fixed = _font(page, first)
    left, right, base, size = place
    # UTF-16 halves come as two characters
    text = "".join(run).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return Word(
        text.translate(_LIGATURES), left, right, base, size, fixed or bool(_MONO.search(name)), bool(_BOLD.search(name))
    )


def _char(code: int) -> str:
    return chr(code) if 0x20 <= code <= 0x10FFFF else "\ufffd"


def _box(page: Any, index: int) -> tuple[float, float, float]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharBox(page, index, left, right, bottom, top)
    pdfium.FPDFText_GetCharOrigin(page, index, x, y)
    return left.value, right.value, y.value


def _size(page: Any, index: int) -> float:
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(page, index, matrix)
    scale = hypot(matrix.b, matrix.d) or 1.0
    return max(1.0, float(pdfium.FPDFText_GetFontSize(page, index)) * scale)


def _font(page: Any, index: int) -> tuple[str, bool]:
    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(page, index, name, 128, flags)
    return name.value.decode("utf-8", "replace"), bool(flags.value & _FIXED_PITCH)


def page_rules(page: Any) -> list[Rule]:
    """Lines drawn along an axis, the edges of frames among them; surfaces that are only filled have none."""
    found: list[Rule] = []
    points = 0
    for shape in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1):
        points += max(0, pdfium.FPDFPath_CountSegments(shape.raw))
        if points > _MAX_POINTS:
            return []
        left, bottom, right, top = shape.get_bounds()
        if min(right - left, top - bottom) <= _THIN:
            if max(right - left, top - bottom) > _THIN:
                found.append(Rule(left, bottom, right, top))
        elif _is_stroked(shape):
            found.extend(_edges(shape))
    return found


def _is_stroked(shape: Any) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(shape.raw, fill, stroke)
    return bool(stroke.value)


def _edges(shape: Any) -> Iterator[Rule]:
    matrix = shape.get_matrix()
    last = start = (0.0, 0.0)
    for index in range(pdfium.FPDFPath_CountSegments(shape.raw)):
        segment = pdfium.FPDFPath_GetPathSegment(shape.raw, index)
        x, y = ctypes.c_float(), ctypes.c_float()
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = matrix.on_point(x.value, y.value)
        if pdfium.FPDFPathSegment_GetType(segment) == pdfium.FPDF_SEGMENT_MOVETO:
            start = point
        else:
            yield from _edge(last, point)
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield from _edge(point, start)
        last = point


def _edge(first: tuple[float, float], last: tuple[float, float]) -> Iterator[Rule]:
    left, right = sorted((first[0], last[0]))
    bottom, top = sorted((first[1], last[1]))
    if min(right - left, top - bottom) <= 1.0 and max(right - left, top - bottom) > _THIN:
        yield Rule(left, bottom, right, top)

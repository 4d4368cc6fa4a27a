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
_SPACES = frozenset((0x20, 0xA0, 0x09, 0x0A, 0x0D, 0))
SOFT_HYPHEN = "\u00ad"
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_THIN = 3.0
_MAX_POINTS = 20_000
_MAX_RULES = 1500


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
    """A straight line along an axis, from (``left``, ``bottom``) to (``right``, ``top``), to the point."""

    left: int
    bottom: int
    right: int
    top: int

    @property
    def flat(self) -> bool:
        """Whether it runs from left to right."""
        return self.right - self.left >= self.top - self.bottom


def page_words(textpage: Any) -> list[Word]:
    """The words in the order in which the page draws them."""
    return list(_Letters(textpage).words())


class _Letters:
    """The letters of one page; PDFium writes what it knows of one into the same variables."""

    def __init__(self, textpage: Any) -> None:
        self._page = textpage.raw
        self._count = textpage.count_chars()
        self._box = tuple(ctypes.c_double() for _ in range(4))
        self._origin = ctypes.c_double(), ctypes.c_double()
        self._matrix = pdfium.FS_MATRIX()
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()

    def words(self) -> Iterator[Word]:
        """Words, as the page draws them."""
        open_word: list[tuple[int, int]] = []
        for index in range(self._count):
            code = pdfium.FPDFText_GetUnicode(self._page, index)
            if code not in _SPACES:
                open_word.append((index, code))
            elif open_word:
                yield from self._split(open_word)
                open_word = []
        yield from self._split(open_word)

    def _split(self, letters: list[tuple[int, int]]) -> Iterator[Word]:
        """One word, or several where its letters lie on other lines or far apart."""
        run: list[str] = []
        left = right = base = size = 0.0
        first = -1
        for index, code in letters:
            x0, x1, y = self._place(index)
            if run and (abs(y - base) > size * 0.6 or x0 < left - size or x0 > right + size):
                yield self._word(first, run, left, right, base, size)
                run = []
            if not run:
                first, left, right, base, size = index, x0, x1, y, self._size(index)
            run.append(SOFT_HYPHEN if code in _HYPHENS else _char(code))
            right = max(right, x1)
        if run:
            yield self._word(first, run, left, right, base, size)

    def _word(self, first: int, run: list[str], left: float, right: float, base: float, size: float) -> Word:
        pdfium.FPDFText_GetFontInfo(self._page, first, self._name, 128, self._flags)
        font = self._name.value.decode("utf-8", "replace")
        mono = bool(self._flags.value & _FIXED_PITCH or _MONO.search(font))
        # halves of UTF-16 pairs come as two letters
        text = "".join(run).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return Word(text.translate(_LIGATURES), left, right, base, size, mono, bool(_BOLD.search(font)))

    def _place(self, index: int) -> tuple[float, float, float]:
        left, right, bottom, top = self._box
        x, y = self._origin
        pdfium.FPDFText_GetCharBox(self._page, index, left, right, bottom, top)
        pdfium.FPDFText_GetCharOrigin(self._page, index, x, y)
        return left.value, right.value, y.value

    def _size(self, index: int) -> float:
        pdfium.FPDFText_GetMatrix(self._page, index, self._matrix)
        scale = hypot(self._matrix.b, self._matrix.d) or 1.0
        return max(1.0, float(pdfium.FPDFText_GetFontSize(self._page, index)) * scale)


def _char(code: int) -> str:
    return chr(code) if 0x20 <= code <= 0x10FFFF else "\ufffd"


def page_rules(page: Any) -> list[Rule]:
    """Lines drawn along an axis, the edges of frames among them; surfaces that are only filled have none.

    A page with thousands of them is a drawing, and has none that matter.
    """
    found: set[Rule] = set()
    points = 0
    for shape in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1):
        points += max(0, pdfium.FPDFPath_CountSegments(shape.raw))
        if points > _MAX_POINTS or len(found) > _MAX_RULES:
            return []
        left, bottom, right, top = shape.get_bounds()
        if min(right - left, top - bottom) <= _THIN:
            if max(right - left, top - bottom) > _THIN:
                found.add(Rule(round(left), round(bottom), round(right), round(top)))
        elif _is_stroked(shape):
            found.update(_edges(shape))
    return sorted(found, key=lambda rule: (rule.bottom, rule.left, rule.top, rule.right))


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
        yield Rule(round(left), round(bottom), round(right), round(top))

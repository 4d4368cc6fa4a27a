"""Numbers with a shape and a checksum: found where the checksum holds, or where the text names them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from allotment.documents.personal._context import Words
from allotment.documents.personal._types import Found

NOT_BEFORE = r"(?<![\w+])(?<!\w[-/])(?<!\d\.)"
NOT_AFTER = r"(?!\w|[-/+]\w|\.\d|,\d{1,2}(?!\d))"
"""A number that goes on, has decimals, or is part of a code or a path is another number."""
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")


def bare(number: str) -> str:
    """``number`` without separators, letters in upper case."""
    return _SEPARATORS.sub("", number).upper()


@dataclass(frozen=True)
class NumberFormat:
    """One format of a number. Without ``named_by`` only the checksum counts; without ``proven`` only the name does."""

    shape: str
    """A pattern that matches in bounded time from each place."""
    proven: Callable[[str], bool] | None = None
    """Whether the checksum (and the date inside) of a number as written is right."""
    named_by: Words | None = None
    normal: Callable[[str], str] = bare


def find_numbers(text: str, formats: Iterable[NumberFormat]) -> Iterator[Found]:
    """What ``text`` has of ``formats``, format by format; finds of two formats may overlap."""
    for form in formats:
        pattern = re.compile(rf"{NOT_BEFORE}(?:{form.shape}){NOT_AFTER}")
        named = form.named_by.within(text) if form.named_by else None
        for match in pattern.finditer(text):
            number = match.group()
            if (form.proven and form.proven(number)) or (named is not None and match.start() in named):
                yield Found(match.start(), match.end(), form.normal(number))

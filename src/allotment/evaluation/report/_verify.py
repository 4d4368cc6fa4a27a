"""Whether a report is what the holder of a key signed: its JSON by the signature, a page by making it anew."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from allotment.errors import InputError, ProjectError
from allotment.evaluation.report._page import embedded, page
from allotment.evaluation.report._signed import SignedReport, page_version, read_signed
from allotment.evaluation.report._strict import LARGEST, unreadable

PageState = Literal["none", "same", "altered", "other version"]
_LARGEST_FILE = 4 * LARGEST


@dataclass(frozen=True)
class Verification:
    """What was found out about one file."""

    signed: SignedReport
    by_key: bool
    """Whether the JSON, all of it and nothing else, was signed with the key that was asked for."""
    page: PageState
    """Whether the page around it is the one this version makes; a page of another version cannot be compared."""

    @property
    def genuine(self) -> bool:
        """Whether everything in the file is vouched for."""
        return self.by_key and self.page in ("none", "same")


def verify(data: bytes, public_key: str) -> Verification:
    """Check a signed JSON file, or a page.

    Args:
        public_key: 64 hex digits, from somewhere else than the file.

    Raises:
        ProjectError: that is no key.
        InputError: it is neither, cut off, or of a version that is not known here.
    """
    if not re.fullmatch("[0-9a-f]{64}", public_key):
        raise ProjectError(
            "a key is 64 hex digits.", element=public_key, remedy="`allotment evaluate key` shows the project's."
        )
    is_page = data[:15].lower() == b"<!doctype html>"
    signed = read_signed(embedded(data) if is_page else data)
    by_key = signed.is_signed_by(public_key)
    return Verification(signed, by_key, _page_state(signed, data) if is_page else "none")


def read_file(path: Path) -> bytes:
    """A report's file, of bounded size.

    Raises:
        InputError: it is not there, or too large for a report.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise unreadable(f"cannot be read ({error.strerror or error})", str(path)) from None
    if len(data) > _LARGEST_FILE:
        raise unreadable("is too large for a report", str(path))
    return data


def read_baseline(path: Path, public_key: str) -> tuple[SignedReport, str]:
    """An earlier report of this project, and its hash.

    Raises:
        InputError: it cannot be read, or is not signed with the project's key.
    """
    try:
        found = verify(read_file(path), public_key)
    except InputError as error:
        raise InputError(f"the baseline {error.message}", element=str(path), remedy=error.remedy) from None
    if not found.by_key:
        raise InputError(
            "the baseline is not signed with this project's key, or was altered.",
            element=str(path),
            remedy="Take a report that `allotment evaluate verify` calls genuine.",
        )
    return found.signed, sha256(found.signed.data).hexdigest()


def _page_state(signed: SignedReport, data: bytes) -> PageState:
    if signed.page != page_version():
        return "other version"
    return "same" if page(signed) == data else "altered"

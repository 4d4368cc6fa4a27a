"""Documents, how they are cut, and personal data in them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from allotment.project._base import Name, Strict

PersonalKind = Literal["emails", "phones", "ibans", "cards", "national-ids", "names"]

ALL_FILES: tuple[str, ...] = ("**/*",)


class DocumentSet(Strict):
    """Documents that share their readers."""

    path: Path
    """File or folder, relative to ``allotment.yaml``."""
    readers: frozenset[Name] = Field(min_length=1)
    """Roles that may read every document of the set."""
    include: tuple[str, ...] = ALL_FILES
    """Glob patterns of files taken from a folder; without them all that can be read and are not hidden."""
    exclude: tuple[str, ...] = ()
    """Glob patterns of files left out."""
    reader: Literal["builtin", "docling"] = "builtin"
    """What reads Word documents and PDFs; ``docling`` needs ``allotment[docling]`` and its models, and is slow."""
    local_only: bool = False
    """Whether trainings from these documents stay on this machine: no experiment sends anything made of them to a
    rented machine, or to a cluster elsewhere."""
    scrub: tuple[PersonalKind, ...] = ()
    """Personal data replaced by pseudonyms before anything of the documents is kept or sent to a teacher."""


class PersonalDataConfig(Strict):
    """How personal data is found in the document sets that name ``scrub``."""

    names: Path | None = None
    """Text file with one person a line, first name first; their Czech and Slovak forms are found as well."""
    pipeline: str | None = None
    """spaCy pipeline that finds names of people, for example ``xx_ent_wiki_sm``; needs ``allotment[names]``."""
    regions: tuple[str, ...] = ("CZ", "SK", "DE", "AT", "PL", "GB", "US")
    """Countries whose telephone numbers are known without their code."""


class SectionsConfig(Strict):
    """How large the sections are that documents are cut into."""

    floor_tokens: int = Field(default=14, ge=1)
    """A section with less prose than this joins its neighbour; a document with less is left out."""
    ceiling_tokens: int = Field(default=512, ge=64)
    """No section is larger; what fits in one (a code block, a row, a list item) is never torn."""

    @model_validator(mode="after")
    def _floor_below_ceiling(self) -> Self:
        if 2 * self.floor_tokens > self.ceiling_tokens:
            raise ValueError("floor_tokens may be at most half of ceiling_tokens")
        return self

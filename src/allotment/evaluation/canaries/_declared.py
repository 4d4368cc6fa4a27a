"""Canaries that the company writes down itself, in ``canaries.yaml`` beside ``allotment.yaml``."""

from __future__ import annotations

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from allotment.errors import ProjectError
from allotment.evaluation.canaries._detector import Detector
from allotment.evaluation.canaries._plant import canary_id
from allotment.evaluation.canaries._types import Canary
from allotment.project import Project

FILE = "canaries.yaml"


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    value: str = Field(min_length=4)
    readers: frozenset[str]
    question: str = Field(min_length=4)
    sentence: str = ""


_LIST = TypeAdapter(tuple[_Declared, ...])


def declared_canaries(project: Project) -> tuple[Canary, ...]:
    """What the company says that only some may know; nothing where there is no such file.

    The file is a list of ``value``, ``readers`` (roles; none for what nobody may know), ``question`` and, if it matters
    how it is said, ``sentence``.

    Raises:
        ProjectError: it cannot be read, names an unknown role, has a value twice, or a question says its own value.
    """
    file = project.root / FILE
    if not file.is_file():
        return ()
    try:
        rows = _LIST.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")) or [])
    except (ValueError, yaml.YAMLError) as error:
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error).splitlines()[0]
        raise _wrong(f"cannot be read: {told}.", FILE) from None
    canaries = tuple(_canary(project, number, row) for number, row in enumerate(rows, start=1))
    first: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        before = first.setdefault(row.value.casefold(), number)
        if before != number:  # with other readers, nobody could say which of the two counts
            raise _wrong(f"has the value of entry {before} again.", f"{FILE}, entry {number}")
    return canaries


def _canary(project: Project, number: int, row: _Declared) -> Canary:
    unknown = sorted(row.readers - project.roles.keys())
    if unknown:
        raise _wrong(f"names roles that are not declared: {', '.join(unknown)}.", f"{FILE}, entry {number}")
    sentence = row.sentence or f"{row.question} {row.value}"
    canary = Canary(
        canary_id("declared", FILE, row.value), "declared", row.readers, FILE, row.value, row.question, sentence
    )
    if Detector([canary]).found(row.question):
        raise _wrong("its question says the value.", f"{FILE}, entry {number}")
    return canary


def _wrong(message: str, element: str) -> ProjectError:
    return ProjectError(message, element=element, remedy="Each entry has value, readers, question; see the page on it.")

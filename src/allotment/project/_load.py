"""Reads ``allotment.yaml``; a fault names its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from allotment.errors import ProjectError
from allotment.project._project import Project

PROJECT_FILE = "allotment.yaml"


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML loader that refuses a key written twice, which plain YAML would silently overwrite."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is there twice", key_node.start_mark)
        seen.add(key)
    mapping: dict[Any, Any] = loader.construct_mapping(node, deep=deep)
    return mapping


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def load_project(root: Path) -> Project:
    """Read and check ``allotment.yaml`` in the folder ``root``.

    Raises:
        ProjectError: no such file, not YAML, or a declaration is wrong; the message names every fault found.
    """
    file = root / PROJECT_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise ProjectError(
            f"there is no {PROJECT_FILE} here.",
            element=str(root),
            remedy="Make a project with `allotment init DIR`, or name its folder with -C.",
        ) from None
    except (UnicodeDecodeError, OSError) as error:
        raise ProjectError(f"cannot be read ({error}).", element=str(file), remedy="Save it as UTF-8 text.") from error
    try:
        raw = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader with one more check
    except yaml.YAMLError as error:
        raise ProjectError(f"is not valid YAML: {error}.", element=str(file), remedy="Mend the line named.") from error
    if not isinstance(raw, dict):
        raise ProjectError("is empty or not a mapping.", element=str(file), remedy="See docs/project.md for its form.")
    try:
        return _with_own_models(Project.model_validate({**raw, "root": root.resolve()}))
    except ValidationError as error:
        faults = "; ".join(_one_fault(item) for item in error.errors())
        raise ProjectError(f"{faults}.", element=str(file), remedy="Mend the entries named.") from error


def _with_own_models(project: Project) -> Project:
    """The project with paths of GGUF files relative to ``allotment.yaml``, not to wherever the command is run."""
    named = {use: getattr(project.models, use) for use in ("teacher", "base", "sql")}
    own = {use: str(project.root / Path(name).expanduser()) for use, name in named.items() if name.endswith(".gguf")}
    return project.model_copy(update={"models": project.models.model_copy(update=own)})


def _one_fault(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message

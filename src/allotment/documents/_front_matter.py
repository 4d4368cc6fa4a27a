"""Front matter: the YAML between ``---`` lines at the top of a file. It may narrow the readers, nothing else.

A block that is opened and never closed is an error: what it was to say about readers would be lost.
"""

from __future__ import annotations

from typing import Any

import yaml

from allotment.errors import DocumentError


def split_front_matter(text: str) -> tuple[str, frozenset[str] | None]:
    """The text after the front matter, and the readers it names (none: it names no readers).

    Raises:
        DocumentError: it is not closed, not a mapping, or its ``readers`` is no list of names.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return text, None
    end = next((n for n, line in enumerate(lines[1:], start=1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        raise DocumentError("front matter is not closed by a line ---")
    return "\n".join(lines[end + 1 :]), readers_in(_mapping("\n".join(lines[1:end])))


def readers_in(mapping: dict[str, Any]) -> frozenset[str] | None:
    """The readers a mapping names, whatever the case of the key.

    Raises:
        DocumentError: they are no list of names, or an empty one.
    """
    named = [value for key, value in mapping.items() if str(key).strip().casefold() == "readers"]
    if not named:
        return None
    value = [named[0]] if isinstance(named[0], str) else named[0]
    if len(named) > 1 or not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise DocumentError("front matter: readers must be one list of roles")
    return frozenset(value)


def _mapping(source: str) -> dict[str, Any]:
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        value = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"front matter is not YAML ({type(error).__name__})") from error
    if value is None:
        return {}
    if not isinstance(value, dict) or not isinstance(node, yaml.MappingNode):
        raise DocumentError("front matter is not a mapping of keys and values")
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    if len(keys) != len(set(keys)):
        raise DocumentError("front matter has a key twice")
    return value

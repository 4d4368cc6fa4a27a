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
    try:
        return "\n".join(lines[end + 1 :]), readers_in(mapping_of("\n".join(lines[1:end])))
    except DocumentError as error:
        raise DocumentError(f"front matter {error.message}") from error


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
        raise DocumentError("has readers that are not one list of roles")
    return frozenset(value)


def readers_listed(value: str) -> frozenset[str]:
    """The readers of a list with commas, as a page's ``<meta>`` or a document's keywords give it.

    Raises:
        DocumentError: a name is empty.
    """
    names = [name.strip() for name in value.split(",")]
    if not all(names):
        raise DocumentError("readers must be one list of roles, with commas between them")
    return frozenset(names)


def narrowed(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    """The readers that both places allow; a place that names none allows all.

    Raises:
        DocumentError: nobody is left.
    """
    if first is None or second is None:
        return second if first is None else first
    if not first & second:
        raise DocumentError("names its readers in two places that have no role in common")
    return first & second


def mapping_of(source: str) -> dict[str, Any]:
    """YAML that is a mapping; none of its keys is there twice, for plain YAML would drop the first silently.

    Raises:
        DocumentError: it is something else.
    """
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        value = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"is not YAML ({type(error).__name__})") from error
    if value is None:
        return {}
    if not isinstance(value, dict) or not isinstance(node, yaml.MappingNode):
        raise DocumentError("is not a mapping of keys and values")
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    if len(keys) != len(set(keys)):
        raise DocumentError("has a key twice")
    return value

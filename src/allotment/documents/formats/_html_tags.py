"""What a page's tags and their attributes say about the text inside them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LEFT_OUT_TAGS = """
    script style template noscript nav svg iframe object embed canvas audio video map
    button select option textarea input dialog
"""
_INLINE_TAGS = """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q ruby rb rp rt s samp small
    span strike strong sub sup time tt u var wbr img picture source
"""
_LEFT_OUT = frozenset(_LEFT_OUT_TAGS.split())
INLINE = frozenset(_INLINE_TAGS.split())
HEADINGS = {f"h{level}": level for level in range(1, 7)}
PARTS = frozenset(["article", "main", "section", "blockquote", "td"])
_ROLES = frozenset(["navigation", "banner", "contentinfo", "search"])
_NO_TEXT = frozenset(["linenos", "lineno", "headerlink", "anchor-link", "sr-only-focusable"])
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|highlight|brush:)-?\s?(\w+)|(?:^|\s)sourceCode (\w+)")


def is_left_out(tag: str, attributes: Mapping[str, str], inside: bool) -> bool:
    """Whether nothing inside a tag is text of the page.

    Args:
        inside: it stands in an article or another part of the page, so that a footer is this part's own.
    """
    if tag in _LEFT_OUT or (tag == "footer" and not inside):
        return True
    if not attributes:
        return False
    if "hidden" in attributes or (attributes.get("aria-hidden") or "").strip().casefold() == "true":
        return True
    if (attributes.get("role") or "").strip().casefold() in _ROLES:
        return True
    if _HIDING.search(attributes.get("style") or ""):
        return True
    return not _NO_TEXT.isdisjoint((attributes.get("class") or "").split())


def language_of(attributes: Mapping[str, str]) -> str:
    """The language of code, by its class; empty where it has none."""
    found = _LANGUAGE.search(attributes.get("class") or "")
    name = (found.group(1) or found.group(2)) if found else ""
    return "" if name in ("default", "none", "text") else name


def first_number(attributes: Mapping[str, str]) -> int:
    """The number a list begins with."""
    value = (attributes.get("start") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and 0 < len(value) < 9 and int(value) > 0 else 1

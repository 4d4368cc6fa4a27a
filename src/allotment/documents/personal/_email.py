"""E-mail addresses: plain, with Unicode domains, and written with (at) or (dot)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from allotment.documents.personal._types import Found

_OPEN, _CLOSE = r"[ \t\xa0]?[(\[{<][ \t]?", r"[ \t]?[)\]}>][ \t\xa0]?"
_DOT = rf"{_OPEN}(?:dot|punkt|te[čc]ka|bodka|kropka|\.){_CLOSE}"
_HIDDEN_AT = rf"{_OPEN}(?:at|zavin[áa][čc]|ät|ma[łl]pa|@){_CLOSE}"
_AT = re.compile(rf"{_HIDDEN_AT}|[@＠﹫]|%40", re.I)
_LOCAL = re.compile(rf"\w(?:(?:[\w.+%&'’=~-]|{_DOT})*[\w+-])?\Z", re.I)
_LONGEST_LOCAL = 96
"""64 characters are allowed; the rest is room for dots written as words."""
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_BETWEEN = rf"(?:[.。．]|{_DOT})"
_DOMAIN = re.compile(rf"((?:{_LABEL}{_BETWEEN}){{1,8}})(xn--[a-z0-9-]{{1,59}}|[^\W\d_]{{2,24}})", re.I)
_HIDDEN_DOT = re.compile(_BETWEEN, re.I)
_FILE_ENDINGS = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp"})
"""`logo@2x.png` is a picture at twice the resolution."""


def find_emails(text: str) -> Iterator[Found]:
    """Addresses with a domain of at least two labels. Logins of code hosts (``git@…``) and versions are none."""
    done = 0
    for at in _AT.finditer(text):
        window = text[max(done, at.start() - _LONGEST_LOCAL) : at.start()]
        local = _LOCAL.search(window)
        domain = _DOMAIN.match(text, at.end())
        if local is None or domain is None or not _is_address(local.group(), domain):
            continue
        done = domain.end()
        yield Found(at.start() - len(local.group()), done, _normal(local.group(), domain.group()))


def _is_address(local: str, domain: re.Match[str]) -> bool:
    labels, top = _HIDDEN_DOT.sub(".", domain.group(1)).split(".")[:-1], domain.group(2).lower()
    is_version = len(labels) > 1 and all(label.isdigit() for label in labels)
    return not is_version and top not in _FILE_ENDINGS and local != "git"


def _normal(local: str, domain: str) -> str:
    domain = _HIDDEN_DOT.sub(".", domain).lower()
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    return f"{_HIDDEN_DOT.sub('.', local).lower()}@{domain}"

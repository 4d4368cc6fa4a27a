"""Check ``remote_content`` of answers: markup that makes a browser load something from elsewhere."""

from __future__ import annotations

import re

from allotment.guards._finding import Finding, allow, refuse
from allotment.guards._normalise import normalise

NAME = "remote_content"
RULES = (
    re.compile(r"!\[[^\]]{0,300}\] ?[(\[]"),
    re.compile(r"\]\(\s{0,5}<?\s{0,5}(?:[a-z][a-z0-9+.-]{1,20}:|//)", re.IGNORECASE),
    re.compile(r"^ {0,3}\[[^\]]{1,200}\]: ?<?(?:[a-z][a-z0-9+.-]{1,20}:|//)", re.IGNORECASE | re.MULTILINE),
    re.compile(
        r"<\s{0,5}/?(?:img|image|svg|iframe|frame|script|link|style|object|embed|video|audio|source|track|base|form|input|"
        r"meta|a|area|body|table|td|use|applet|portal)\b[^>]{0,300}(?:>|$|=)",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:javascript|vbscript|data|file):[^\s]", re.IGNORECASE),
    re.compile(r"\burl\(|@import\b|\bsrcset\s{0,3}=|\bon(?:error|load|click|mouseover)\s{0,3}=", re.IGNORECASE),
)


def check_remote_content(text: str) -> Finding:
    """Refuse images, links with an address behind other words, and HTML that loads or runs something."""
    for form in (text, normalise(text)):
        for pattern in RULES:
            match = pattern.search(form)
            if match:
                return refuse(NAME, match.group())
    return allow(NAME)

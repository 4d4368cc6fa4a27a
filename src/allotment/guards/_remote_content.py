"""Check ``remote_content`` of answers: markup that makes a browser load something, and addresses of foreign hosts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from allotment.guards._finding import AnswerContext, Finding, allow, refuse
from allotment.guards._normalise import normalise

NAME = "remote_content"
RULES = (
    re.compile(r"!\[[^\]]{0,300}\] ?[(\[]"),
    re.compile(r"\]\(\s{0,5}<?\s{0,5}(?:[a-z][a-z0-9+.-]{1,20}:|//)", re.IGNORECASE),
    re.compile(r"^ {0,3}\[[^\]]{1,200}\]:\s{0,5}<?(?:[a-z][a-z0-9+.-]{1,20}:|//)", re.IGNORECASE | re.MULTILINE),
    re.compile(
        r"<\s{0,5}/?(?:img|image|svg|iframe|frame|script|link|style|object|embed|video|audio|source|track|base|form|input|"
        r"meta|a|area|body|table|td|use|applet|portal)\b[^>]{0,300}(?:>|$|=)",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:javascript|vbscript|data|file):[^\s]", re.IGNORECASE),
    re.compile(r"\burl\(|@import\b|\bsrcset\s{0,3}=|\bon(?:error|load|click|mouseover)\s{0,3}=", re.IGNORECASE),
)
ADDRESS = re.compile(
    r"(?:\b(?:https?|ftps?|wss?):(?://|\\\\)|(?<![\w:/])//(?=[\w.-]{1,253}\.[a-z])|\b(?=www\.\w))"
    r"(?P<host>[^\s/\\?#<>\"'()\[\]]{1,253})",
    re.IGNORECASE,
)
"""Whatever a reader's program may make a link of, in brackets or bare."""
_DESTINATION = r"(?:[^\s()<>]|\([^\s()<>]{0,200}\)){0,1000}"
LINK = re.compile(
    r"(?P<image>!)?\[(?P<words>[^\[\]]{0,300})\]\(\s{0,5}<?(?P<address>" + _DESTINATION + r")>?"
    r"(?:\s{1,5}(?:\"[^\"]{0,300}\"|'[^']{0,300}'))?\s{0,5}\)"
)
"""A link or an image of Markdown with its destination in place."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,20}:|//", re.IGNORECASE)


def check_remote_content(text: str, context: AnswerContext) -> Finding:
    """Refuse images, links with an address behind other words, HTML that loads or runs something, and every address
    of a host that is not one of ``context.hosts`` or below it."""
    for form in dict.fromkeys((text, normalise(text))):
        for pattern in RULES:
            match = pattern.search(form)
            if match:
                return refuse(NAME, match.group())
        for host in _hosts(form):
            if not _is_own(host, context.hosts):
                return refuse(NAME, f"an address of {host}")
    return allow(NAME)


def without_addresses(text: str) -> str:
    """The words of Markdown's links and images, without the addresses behind them; nothing else is touched.

    An answer learnt from documents brings their links along. What is left is looked at like any other text: whatever
    this does not take for a link, ``check_remote_content`` refuses as before. An index in code before a call, as in
    ``handlers[name](event)``, is no link: only images and destinations with a scheme or a host are.
    """
    return LINK.sub(_words, text)


def _words(match: re.Match[str]) -> str:
    is_remote = match["image"] or _SCHEME.match(match["address"])
    return match["words"] if is_remote else match.group()


def hosts_of(texts: Iterable[str]) -> frozenset[str]:
    """Hosts whose addresses stand in the texts."""
    return frozenset(host for text in texts for host in _hosts(text))


def _hosts(text: str) -> Iterator[str]:
    """Without port; a name before the host makes another host of it, so it stays."""
    for match in ADDRESS.finditer(text):
        yield re.sub(r":\d{1,5}\Z", "", match["host"].lower().rstrip(".,;:!*_~"))


def _is_own(host: str, own: Collection[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[start:]) in own for start in range(len(labels)))

"""Parts of a page that are written from figures: each stands between two comments."""

from __future__ import annotations

from collections.abc import Iterable


def between(page: str, mark: str, lines: Iterable[str], name: str) -> str:
    """The page with these lines between the mark's two comments.

    Raises:
        ValueError: the page has no such mark.
    """
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"{name} has no mark {mark!r}")
    text = "".join(line + "\n" for line in lines)
    return f"{before}{begin}{text}{end}{rest.partition(end)[2]}"

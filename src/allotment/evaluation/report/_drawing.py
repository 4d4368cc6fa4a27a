"""What all pictures share: their frame, their styles, and text that fits into its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from allotment.evaluation.report._shown import markup

HEADING = 80
"""Characters of a title that have room."""
CHARACTER = 7.2
"""Width of a letter of 13 pixels, on average and a bit more."""


@lru_cache
def picture_styles() -> str:
    """Styles of every picture; a page holds them once."""
    return (Path(__file__).parent / "templates" / "pictures.css").read_text(encoding="utf-8")


def key_of(kind: str, name: str) -> str:
    """An identifier for a picture; the name may hold anything."""
    return f"ev-{kind}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:12]}"


def svg(key: str, size: tuple[float, float], title: str, description: str, parts: Iterable[str], alone: bool) -> str:
    """One picture as an SVG element.

    Args:
        alone: whether the styles are within it; a page has them already.
    """
    width, height = round(size[0]), round(size[1])
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="ev-picture" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="{key}-title {key}-description">',
            f'<title id="{key}-title">{markup(title)}</title>',
            f'<desc id="{key}-description">{markup(description)}</desc>',
            *([f"<style>{picture_styles()}</style>"] if alone else []),
            f'<rect class="paper" width="{width}" height="{height}" rx="10"/>',
            *(part for part in parts if part),
            "</svg>",
        )
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """One line of text."""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{markup(words)}</text>'


def heading(words: str) -> str:
    """The title over a picture that stands alone; cut where it would be wider than that."""
    return text(16, 28, words if len(words) <= HEADING else f"{words[: HEADING - 1]}…", "heading")


def label(x: float, y: float, lines: Sequence[str], whole: str, anchor: str) -> str:
    """Lines of text of which the last stands at ``y``; the whole text is shown to who points at it."""
    top = y - 15 * (len(lines) - 1)
    spans = "".join(
        f'<tspan x="{x:.1f}" y="{top + 15 * place:.1f}">{markup(line)}</tspan>' for place, line in enumerate(lines)
    )
    return f'<text text-anchor="{anchor}">{spans}<title>{markup(whole)}</title></text>'


def wrapped(words: str, width: int, most: int) -> list[str]:
    """The text in lines of at most ``width`` characters, broken behind blanks and signs; cut where there is no room."""
    lines = [""]
    for part in re.findall(r"[^\s,+/_.\-]*[\s,+/_.\-]?", re.sub(r"\s+", " ", words)):
        for piece in (part[at : at + width] for at in range(0, len(part), width)):
            if len(lines[-1] + piece.rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    kept = [line.strip() for line in lines if line.strip()] or [""]
    if len(kept) > most:
        kept = [*kept[: most - 1], f"{kept[most - 1][: width - 1]}…"]
    return kept

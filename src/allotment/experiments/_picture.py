"""What the pictures of an experiment share: size, colours, and text that cannot act. SVG without scripts or references,
which follows the reader's light or dark colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allotment.training.record._shown import xml_text

WIDTH, HEIGHT = 900, 380
STYLE = """
.ex { --ink: #1b1f1c; --soft: #565d57; --line: #dfe1da; --paper: #ffffff; --best: #1f6f4a; --worst: #c9ccc4;
  --mark: #b4530f; font: 12px system-ui, sans-serif; }
@media screen and (prefers-color-scheme: dark) { .ex { --ink: #e9ece8; --soft: #a5ada6; --line: #323832;
  --paper: #1b1f1c; --best: #6cc497; --worst: #4a524b; --mark: #f2a65a; } }
.ex .paper { fill: var(--paper); } .ex text { fill: var(--soft); } .ex .name { fill: var(--ink); font-weight: 600; }
.ex .axis { stroke: var(--line); fill: none; } .ex .run { fill: none; stroke-width: 1.5; }
.ex .dot { stroke: var(--paper); stroke-width: 1; }
.ex .front { fill: none; stroke: var(--soft); stroke-dasharray: 3 3; }
.ex .over { stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; paint-order: stroke;
  pointer-events: none; }
.ex .kept { stroke-width: 3.5; } .ex .ring { fill: none; stroke: var(--mark); stroke-width: 2; }
"""


def colour(place: float | None) -> str:
    """From the worst (0) to the best (1); unknown is as the worst."""
    share = 0.0 if place is None else min(1.0, max(0.0, place))
    return f"color-mix(in srgb, var(--best) {share * 100:.0f}%, var(--worst))"


def text(x: float, y: float, words: str, anchor: str = "middle", kind: str = "") -> str:
    """Words at a place."""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{xml_text(words)}</text>'


def path(points: Iterable[tuple[float, float]], kind: str, style: str = "", title: str = "") -> str:
    """A line through points, which says its title when it is pointed at."""
    drawn = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))
    styled = f' style="{style}"' if style else ""
    return f'<path class="{kind}" d="{drawn}"{styled}><title>{xml_text(title)}</title></path>'


def svg(identity: str, title: str, description: str, parts: Sequence[str], height: int = HEIGHT) -> str:
    """The whole picture; ``identity`` is unique on its page."""
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="ex" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' aria-labelledby="{identity}-title {identity}-description">',
            f'<title id="{identity}-title">{xml_text(title)}</title>',
            f'<desc id="{identity}-description">{xml_text(description)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}" rx="10"/>',
            *parts,
            "</svg>",
        )
    )

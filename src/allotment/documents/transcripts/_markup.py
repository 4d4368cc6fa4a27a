"""Cue text without its markup: tags, positions, entities; the names in voice tags are kept."""

from __future__ import annotations

import html
import re

_NAMES = "b|i|u|s|c|v|lang|ruby|rt|font|span|em|strong|br|p"
_TAG = re.compile(rf"</?(?:{_NAMES})(?:[.\s][^<>]{{0,300}})?/?>|<[0-9:.]{{5,20}}>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/?p)\s{0,9}/?>", re.IGNORECASE)
_VOICE = re.compile(r"<v(?:\.[^\s<>]{1,100})?[ \t]([^<>]{1,300})>", re.IGNORECASE)
_OVERRIDE = re.compile(r"\{\\[^{}]{0,200}\}")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
SEVERAL_VOICES = "; "
"""Between the names where one cue has several voices."""


def plain_text(lines: list[str]) -> tuple[str, str]:
    """The words of a cue on one line, and its speaker ("" where none is named)."""
    joined = " ".join(lines)
    text = _OVERRIDE.sub("", _TAG.sub("", _BREAK.sub(" ", joined))) if "<" in joined or "{" in joined else joined
    voices = dict.fromkeys(_one_line(voice) for voice in _VOICE.findall(joined)) if "<" in joined else {}
    return _one_line(text), SEVERAL_VOICES.join(voice for voice in voices if voice)


def _one_line(text: str) -> str:
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return " ".join(text.split())

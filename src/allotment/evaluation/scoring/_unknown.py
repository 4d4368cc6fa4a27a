"""Whether a text says that its writer does not know, in the languages of the documents."""

from __future__ import annotations

import re

_SAID = re.compile(
    r"\b(?:i (?:do not|don'?t|cannot|can'?t|could not) (?:know|answer|tell|find|say)"
    r"|(?:is|are) not (?:in what i know|known|mentioned|stated|given|specified|provided)"
    r"|not in what i know|no (?:such )?information|unknown to me|there is no (?:answer|mention)"
    r"|nevím|neznám|nemohu odpovědět|nelze odpovědět|není (?:v tom, co znám|známo|uvedeno|známé)"
    r"|neviem|nepoznám|nie je (?:v tom, čo poznám|známe|uvedené)"
    r"|weiß (?:ich )?(?:es )?(?:leider )?nicht|steht nicht in dem|ist (?:mir )?nicht bekannt"
    r"|keine (?:angabe|information))",
    re.IGNORECASE,
)


def says_unknown(text: str) -> bool:
    """Whether the text says "I do not know" in one of the usual ways; an empty text says nothing, and so does not."""
    return _SAID.search(text.replace("’", "'")) is not None

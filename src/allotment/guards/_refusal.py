"""What the user reads instead of an answer: polite, in his language, and silent about which rule fired."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.documents import detect_language

_DEFAULT = "en"
_TEXTS = {
    "en": ("I am sorry, I cannot help with that.", "I will gladly answer questions about:"),
    "cs": ("Je mi líto, s tímto pomoci nemohu.", "Rád odpovím na otázky z těchto oblastí:"),
    "sk": ("Je mi ľúto, s týmto pomôcť nemôžem.", "Rád odpoviem na otázky z týchto oblastí:"),
    "de": ("Es tut mir leid, dabei kann ich nicht helfen.", "Gern beantworte ich Fragen zu folgenden Themen:"),
}


def language_of(text: str) -> str:
    """``en``, ``cs``, ``sk`` or ``de``; English when the text gives too little to tell."""
    return detect_language(text, default=_DEFAULT)


def refusal_text(language: str, offers: Sequence[str]) -> str:
    """A polite refusal in ``language`` (English if there is none), offering what the user's agents can do.

    Args:
        language: as ``language_of`` gives it.
        offers: descriptions of the agents the user is entitled to.
    """
    sorry, offer = _TEXTS.get(language, _TEXTS[_DEFAULT])
    lines = [f"- {text.strip()}" for text in offers if text.strip()]
    return "\n".join([f"{sorry} {offer}", *lines]) if lines else sorry

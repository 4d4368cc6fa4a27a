"""Names found by a spaCy pipeline, for whoever does not know the names beforehand."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from allotment.documents.personal._types import Found
from allotment.errors import MissingPartError

_PERSON_LABELS = frozenset({"PERSON", "PER", "persName", "P"})
_NOT_NEEDED = ["parser", "senter", "tagger", "morphologizer", "attribute_ruler", "lemmatizer", "trainable_lemmatizer"]
_MOST_CHARACTERS = 20_000
"""In one call: memory grows with it, and a pipeline refuses a million."""


class SpacyNames:
    """Recognises people with a named-entity pipeline: any installed spaCy package, or a folder that holds one.

    Which languages it knows, how well, and under what licence is the pipeline's own affair.
    """

    def __init__(self, model: str) -> None:
        """``model`` is a package's name, such as ``en_core_web_sm``, or a folder.

        Raises:
            MissingPartError: spaCy or the pipeline is not installed, or it recognises no entities.
        """
        try:
            spacy: Any = importlib.import_module("spacy")
        except ImportError as error:
            raise _missing("spaCy is not installed.", model, "Run `pip install 'allotment[names]'`.") from error
        try:
            self._pipeline: Any = spacy.load(model, exclude=_NOT_NEEDED)
        except OSError as error:
            remedy = f"Run `python -m spacy download {model}`, or name the folder of a pipeline."
            raise _missing("there is no such spaCy pipeline.", model, remedy) from error
        if not {"ner", "entity_ruler", "span_ruler"} & set(self._pipeline.pipe_names):
            raise _missing("the pipeline recognises no entities.", model, "Name one that has the component `ner`.")

    def names(self, text: str) -> Iterator[Found]:
        """The people in ``text``; each surface form is a person of its own."""
        for start, end in _pieces(text):
            for entity in self._pipeline(text[start:end]).ents:
                if entity.label_ in _PERSON_LABELS:
                    value = " ".join(entity.text.casefold().split())
                    yield Found(start + entity.start_char, start + entity.end_char, value)


def _missing(message: str, model: str, remedy: str) -> MissingPartError:
    return MissingPartError(message, element=f"scrub.names ({model})", remedy=remedy)


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Spans of at most ``_MOST_CHARACTERS`` that end with a paragraph, a line or a word where they can."""
    start = 0
    while start < len(text):
        end = min(len(text), start + _MOST_CHARACTERS)
        if end < len(text):
            cuts = (text.rfind(gap, start + 1, end) for gap in ("\n\n", "\n", " "))
            end = next((cut for cut in cuts if cut > start), end)
        yield start, end
        start = end

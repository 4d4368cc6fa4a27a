"""Plainer ways than the guards, judged on the same texts: twenty terms, TF-IDF, and packages that run offline.

A package takes part where it is installed; what does not run without a download or a service is named in
design/guards.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from support.guard_sets import Text

from allotment.guards.training import Trained, read_items

TERMS = re.compile(
    "ignore|disregard|forget (?:all|everything|your)|previous instructions|system prompt|jailbreak|developer mode|"
    "do anything now|pretend|act as|you are now|roleplay|bypass|override|no restrictions|unfiltered|reveal|"
    "secret|vergiss|ignorier|hypothetical",
    re.IGNORECASE,
)
"""The baseline of twenty terms."""
Flags = Callable[[str], bool]


def _ai_injection_guard() -> Flags:
    from prompt_shield import PromptScanner

    scanner = PromptScanner()
    return lambda text: not scanner.scan(text).is_safe


def _aicordon() -> Flags:
    from aicordon import picket

    detector = picket.load()
    return lambda text: bool(detector.check(text).flagged)


def _forcefield() -> Flags:
    os.environ["FORCEFIELD_NO_TELEMETRY"] = "1"  # before it is imported: it reports home unless told not to
    from forcefield import Guard

    guard = Guard(telemetry=False)
    return lambda text: bool(guard.scan(text).blocked)


DETECTORS: dict[str, Callable[[], Flags]] = {
    "ai-injection-guard": _ai_injection_guard,
    "aicordon": _aicordon,
    "forcefield": _forcefield,
}
"""Distribution → what makes its detector, as it comes and at its own threshold."""


def versions() -> dict[str, str]:
    """Version of each detector, or that it is not installed."""
    found = {}
    for name in DETECTORS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


class Baselines:
    """Everything that is compared with, made once."""

    def __init__(self, trained: Trained, data: Path) -> None:
        self._tfidf = TfidfOnDeepset(trained, data)
        here = versions()
        self._detectors = {name: make() for name, make in DETECTORS.items() if here[name] != "not installed"}

    def refused(self, texts: Sequence[Text]) -> dict[str, list[bool]]:
        """Way → whether it flags each text."""
        words = [text.text for text in texts]
        return {
            "twenty terms": [bool(TERMS.search(one)) for one in words],
            "TF-IDF on deepset": self._tfidf.flagged(words),
            **{name: [detector(one) for one in words] for name, detector in self._detectors.items()},
        }


class TfidfOnDeepset:
    """TF-IDF and logistic regression on deepset alone, the classifier's folds kept apart."""

    def __init__(self, trained: Trained, data: Path) -> None:
        items = read_items(data / "guards" / "deepset_train.jsonl", "deepset")
        texts, labels = [item.text for item in items], [item.label != "benign" for item in items]
        fold_of = {item.text: int(fold) for item, fold in zip(trained.items, trained.folds, strict=True)}
        folds = np.array([fold_of.get(text, place % len(trained.models)) for place, text in enumerate(texts)])
        self._fold_of = dict(zip(texts, folds.tolist(), strict=True))
        self._all = _tfidf().fit(texts, labels)
        self._without = [
            _tfidf().fit(
                [texts[at] for at in np.flatnonzero(folds != fold)],
                [labels[at] for at in np.flatnonzero(folds != fold)],
            )
            for fold in range(len(trained.models))
        ]

    def flagged(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text is flagged by a model that has not seen it."""
        everywhere = self._all.predict(texts)
        return [
            bool(self._without[self._fold_of[text]].predict([text])[0] if text in self._fold_of else flagged)
            for text, flagged in zip(texts, everywhere, strict=True)
        ]


def _tfidf() -> Pipeline:
    return make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)), LogisticRegression(C=10, max_iter=500)
    )

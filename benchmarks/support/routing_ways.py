"""Ways to tell whose a question is, each as it would be used: fitted on labelled questions, then asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

from allotment.routing import Candidate
from allotment.routing._closest import Closest
from allotment.routing._learned import Compared, Learned
from allotment.routing._words import content_words, fold

Scores = npt.NDArray[np.float64]
NOBODY = "~nobody"


@dataclass
class Answers:
    """What a way said of some questions: the likeliest label of each, and how surely it is anybody's."""

    labels: list[str] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    rejected: list[bool] = field(default_factory=list)


@dataclass(frozen=True)
class Way:
    """``fit(texts, labels, outside)`` gives a function from questions to answers; ``outside``: known to be nobody's."""

    name: str
    fit: Callable[[Sequence[str], Sequence[str], Sequence[str]], Callable[[Sequence[str]], Answers]]


@contextmanager
def processor_time(into: dict[str, float], name: str) -> Iterator[None]:
    """Put the processor seconds of the block into ``into``."""
    begin = time.process_time()
    yield
    into[name] = round(time.process_time() - begin, 2)


def examples_of(texts: Sequence[str], labels: Sequence[str]) -> dict[Candidate, tuple[str, ...]]:
    """One agent a label."""
    found: dict[Candidate, list[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        if content_words(text):
            found.setdefault((label, "adapter"), []).append(text)
    return {candidate: tuple(mine) for candidate, mine in found.items()}


def router(calibrate: bool) -> Way:
    """The router of this project; ``calibrate`` as ``routing train`` does."""

    def fit(texts: Sequence[str], labels: Sequence[str], outside: Sequence[str]) -> Callable[[Sequence[str]], Answers]:
        examples = examples_of(texts, labels)
        learned = Learned(examples, None, outside or None)
        if calibrate:
            learned = Learned(examples, learned.held_out().calibration(), outside or None)

        def ask(questions: Sequence[str]) -> Answers:
            found = Answers()
            for question in questions:
                one = Compared(learned, question)
                found.labels.append(one.ranked[0].candidate[0])
                found.ours.append(1 - one.nobody)
                found.rejected.append(one.outside)
            return found

        return ask

    return Way("router", fit)


def nearest_neighbours() -> Way:
    """The router before this one: the mean of the nearest example's cosine and of the three nearest."""

    def fit(texts: Sequence[str], labels: Sequence[str], _: Sequence[str]) -> Callable[[Sequence[str]], Answers]:
        examples = examples_of(texts, labels)
        closest = Closest(examples)

        def ask(questions: Sequence[str]) -> Answers:
            found = Answers()
            for question in questions:
                vector = closest.vector(question)
                near = {candidate[0]: closest.nearest(vector, candidate)[0] for candidate in examples}
                best = max(near, key=lambda label: near[label])
                found.labels.append(best)
                found.ours.append(near[best])
                found.rejected.append(near[best] < 0.2)
            return found

        return ask

    return Way("nearest neighbours (the router before)", fit)


def linear(
    name: str,
    estimator: Callable[[], Any],
    *,
    words: bool = True,
    characters: bool = True,
    with_nobody: bool = False,
    clean: Callable[[str], str] = fold,
) -> Way:
    """A scikit-learn classifier over TF-IDF; its highest decision, or probability, says how surely it is anybody's."""

    def fit(texts: Sequence[str], labels: Sequence[str], outside: Sequence[str]) -> Callable[[Sequence[str]], Answers]:
        halves = [("words", TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True))]
        halves = halves if words else []
        if characters:
            halves.append(("chars", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)))
        model = make_pipeline(FeatureUnion(halves), estimator())
        more = list(outside) if with_nobody else []
        model.fit([clean(text) for text in (*texts, *more)], [*labels, *[NOBODY] * len(more)])
        known = [number for number, label in enumerate(model.classes_) if label != NOBODY]

        def ask(questions: Sequence[str]) -> Answers:
            clean_ones = [clean(question) for question in questions]
            scores: Scores = (
                model.decision_function(clean_ones)
                if hasattr(model, "decision_function")
                else model.predict_proba(clean_ones)
            )
            own = scores[:, known]
            labels = model.classes_[known][own.argmax(axis=1)].tolist()
            ours = own.max(axis=1) - (scores.sum(axis=1) - own.sum(axis=1) if with_nobody else 0)
            return Answers(labels, ours.tolist(), [False] * len(questions))

        return ask

    return Way(name, fit)


def tries() -> list[Way]:
    """What was tried beside the router and its baselines."""
    svm = lambda: LinearSVC(C=1.0, random_state=0)  # noqa: E731
    return [
        linear("complement naive Bayes, words and characters", lambda: ComplementNB(alpha=0.1)),
        linear("linear SVM, words without small ones", svm, characters=False, clean=content_words),
        linear("linear SVM, words", svm, characters=False),
        linear("linear SVM, characters", svm, words=False),
        linear("linear SVM, words and characters", svm),
        linear("linear SVM, words and characters, C = 0.3", lambda: LinearSVC(C=0.3, random_state=0)),
        linear("linear SVM, words and characters, nobody as a class", svm, with_nobody=True),
        linear("nearest centroid, words and characters", NearestCentroid),
    ]


def logistic_regression() -> Way:
    """The plain baseline."""
    return linear("TF-IDF of words and logistic regression", _logistic, characters=False)


def _logistic() -> Any:
    return LogisticRegression(C=10.0, max_iter=100, tol=1e-3)

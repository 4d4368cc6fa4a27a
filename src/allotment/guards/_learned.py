"""Checks ``injection_model`` and ``impersonation_model``: the trained classifier, over every form of a text."""

from __future__ import annotations

from collections.abc import Mapping

from allotment.guards._finding import Check, Context, Finding, allow, refuse
from allotment.guards._impersonation import without_own_claims
from allotment.guards._model import HEADS, Model, Score
from allotment.guards._normalise import Form, Prepared

INJECTION = "injection_model"
IMPERSONATION = "impersonation_model"
LEARNED = (INJECTION, IMPERSONATION)
"""Names of the checks, in the order of the classifier's heads."""


def learned_checks(model: Model, thresholds: Mapping[str, float]) -> dict[str, Check]:
    """Both checks; a threshold that is not given is the classifier's own."""
    return {
        name: _check(model, name, head, thresholds.get(name, model.thresholds[head]))
        for head, name in zip(range(len(HEADS)), LEARNED, strict=True)
    }


def _check(model: Model, name: str, head: int, threshold: float) -> Check:
    def scored(form: Form, context: Context) -> Score:
        found = _both(model, form)[head]
        if name == IMPERSONATION and not found.probability < threshold:
            rest = without_own_claims(form, context)
            return found if rest is None else model.scores(rest)[head]
        return found

    def check(text: Prepared, context: Context) -> Finding:
        every = [(form.how, scored(form, context)) for form in text.forms]
        how, best = max(every, key=lambda one: one[1].probability)
        if best.probability < threshold:
            return allow(name, best.probability)
        part = best.part if how == "plain" else f"{best.part} (hidden: {how})"
        return refuse(name, f"{best.probability:.2f} of {threshold:.2f}: {part}", best.probability)

    return check


def _both(model: Model, form: Form) -> tuple[Score, ...]:
    """The scores of both heads, worked out for the first that asks."""
    if id(model) not in form.kept:
        form.kept[id(model)] = model.scores(form.whole)
    found: tuple[Score, ...] = form.kept[id(model)]
    return found

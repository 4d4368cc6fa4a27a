"""What every check says of every text, and the figures of that."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from support.guard_own_sets import answer_context, of_answers, of_questions, router_examples, topics
from support.guard_sets import EXAMPLE, Text, roles, shortened

from allotment.access import Policy, Principal
from allotment.guards import (
    Check,
    Finding,
    Guards,
    Means,
    Model,
    Outside,
    check_answer,
    check_question,
    load_model,
)
from allotment.guards._learned import LEARNED, learned_checks
from allotment.guards.training import SEED, Curve, Trained, curves_of
from allotment.project import GuardsConfig, Project, load_project
from allotment.project._guards import OPTIONAL_ANSWERS, SHIPPED, SHIPPED_ANSWERS
from allotment.routing import Router

CHAIN = tuple(name for name in SHIPPED if name != "length")
"""Checks whose refusals together are the chain's; the limit of length apart, which would count every long attack."""
BESIDES = ("secrets", "personal_data")
"""Checks of questions that are measured on the common sets though no project has them unless it names them."""
RULES = tuple(name for name in CHAIN if name not in LEARNED)
WRONG = 8
"""Texts that are shown of what a set or a check gets wrong."""


class Judge:
    """The checks as the example company would have them, with the model that has not seen a text."""

    def __init__(self, trained: Trained) -> None:
        self.project = measured_project()
        means = Means(scope=scope())
        self.guards = Guards(self.project, means)
        self._roles = roles()
        self._shipped = load_model()
        self._models = trained.models
        self._fold_of = {item.text: int(fold) for item, fold in zip(trained.items, trained.folds, strict=True)}
        self._fold_of |= {shortened(text): fold for text, fold in self._fold_of.items() if shortened(text)}
        self._checks: dict[str, Check] = dict(self.guards._checks)

    def model(self, text: Text) -> Model:
        """The model that was trained without this text; the shipped one if nobody learnt it."""
        fold = self._fold_of.get(text.text)
        return self._shipped if fold is None else self._models[fold]

    def learnt(self, texts: Iterable[Text]) -> bool:
        """Whether any of the texts was learnt."""
        return any(text.text in self._fold_of for text in texts)

    def said(self, text: Text, words: str | None = None) -> list[Finding]:
        """Findings of all checks but ``off_topic``, on the text or on other words that it became."""
        checks = {name: check for name, check in self._checks.items() if name != "off_topic"}
        checks |= learned_checks(self.model(text), self.project.guards.thresholds)
        asked = text.text if words is None else words
        return check_question(asked, Principal("someone", text.role), self._roles, checks=checks)

    def said_by(self, check: str, text: Text) -> list[Finding]:
        """The finding of one check on a question."""
        asking = Principal("someone", text.role)
        return check_question(text.text, asking, self._roles, checks={check: self._checks[check]})

    def said_of_answer(self, check: str, text: Text) -> list[Finding]:
        """The finding of one check on an answer to this role."""
        checks = self.guards._answer_checks[None]
        return check_answer(text.text, answer_context(), checks={check: checks[check]})

    def own_sets(self, data: Any) -> dict[str, dict[str, list[tuple[Text, list[Finding]]]]]:
        """Check → set → its texts with what the check said, questions and answers apart."""
        found: dict[str, dict[str, list[tuple[Text, list[Finding]]]]] = {}
        for check, sets in of_questions(data).items():
            found[check] = {name: [(one, self.said_by(check, one)) for one in texts] for name, texts in sets.items()}
        for check, sets in of_answers(data).items():
            found.setdefault(check, {})
            for name, texts in sets.items():
                told = [(one, self.said_of_answer(check, one)) for one in texts]
                found[check][f"answers: {name}"] = told
        return found


def measured_project() -> Project:
    """The example company with every check of the package that needs no other model."""
    project = load_project(EXAMPLE)
    config = GuardsConfig(
        checks=(*SHIPPED, *BESIDES, "off_topic"),
        answer_checks=(*SHIPPED_ANSWERS, *OPTIONAL_ANSWERS),
        forbidden_topics=topics(),
    )
    return project.model_copy(update={"guards": config})


def scope() -> Callable[[str, Principal, Sequence[str], str | None], Outside | None]:
    """What ``off_topic`` asks: the example company's router."""
    project = load_project(EXAMPLE)
    descriptions = {name: agent.description for name, agent in project.agents.items()}
    router = Router(Policy.of(project), dict(router_examples()), descriptions)

    def outside(question: str, principal: Principal, earlier: Sequence[str], agent: str | None) -> Outside | None:
        found = router.outside(question, principal, earlier, agent)
        return None if found is None else Outside(*found)

    return outside


def fired(findings: Iterable[Finding]) -> set[str]:
    """Checks that refused."""
    return {finding.check for finding in findings if finding.outcome != "allow"}


def counted(said: Sequence[Sequence[Finding]]) -> dict[str, int]:
    """Texts that each check, the rules together, and the chain refuse."""
    every = [fired(findings) for findings in said]
    names = dict.fromkeys(finding.check for findings in said for finding in findings)
    return {
        **{name: sum(name in one for one in every) for name in names},
        "rules": sum(bool(one & set(RULES)) for one in every),
        "chain": sum(bool(one & set(CHAIN)) for one in every),
    }


def some(texts: Sequence[str], most: int = WRONG) -> list[str]:
    """A few of the texts, shortened, the same ones each time."""
    return random.Random(SEED).sample([text[:160] for text in texts], min(len(texts), most))


def drawn_curves(
    check: str, attacks: Mapping[str, Sequence[list[Finding]]], harmless: Sequence[list[Finding]]
) -> dict[str, Any]:
    """Set of attacks → the check's curve, as the results keep it."""
    found: dict[str, Curve] = curves_of(check, attacks, harmless) if harmless else {}
    return {name: one.as_json() for name, one in found.items()}

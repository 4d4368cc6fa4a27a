"""From a mark, what the record says of its question, and what a person says: a labelled item."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from allotment.access import Policy
from allotment.errors import ProjectError
from allotment.feedback import Decided, Label, LabelledItem, Means, Use
from allotment.gateway.feedback._asked import Asked
from allotment.gateway.feedback._propose import Proposal
from allotment.gateway.feedback._store import Mark
from allotment.project import Project

State = Literal["open", "approved", "rejected"]
MeansOf = Callable[[str, str], Means]
"""Question, agent → by what this agent would answer it."""
PAGE = "allotment feedback show"
_NO_WORDS = "the words of the question are not kept: the audit record of this project keeps none, or not any more."


@dataclass(frozen=True)
class Reviewed:
    """A mark with what the record says of its question, and what became of it."""

    mark: Mark
    state: State
    question: str | None
    """As it would be learnt, an earlier question it follows included; none where no words are kept."""
    asked: Asked | None
    """None: the record does not hold the decision any more."""
    proposal: Proposal
    decided: Decided | None
    """The last decision about it; of an open mark, about what the user had said before."""


@dataclass(frozen=True)
class Approval:
    """What a person says beyond the proposal; what is left out is the proposal's."""

    use: Use | None = None
    label: Label | None = None
    agent: str | None = None
    means: Means | None = None
    text: str | None = None
    """Other words for the question, for example without a name in it."""
    readers: Collection[str] | None = None
    """Roles that may read the text. Without it the one role that asked."""
    mark: str | None = None
    """The mark that was looked at; approving is refused if the user changed it since."""


class Labelling:
    """Makes items that fit the project."""

    def __init__(self, project: Project, means_of: MeansOf) -> None:
        self._project = project
        self._policy = Policy.of(project)
        self._means_of = means_of

    def item(self, seen: Reviewed, approval: Approval) -> LabelledItem:
        """The item.

        Raises:
            ProjectError: nothing can be learnt from the mark, or what the person says does not fit.
        """
        use = approval.use or seen.proposal.use
        place = f"decision {seen.mark.decision}"
        if use is None:
            raise ProjectError(f"{seen.proposal.why}.", element=place, remedy="Say for whom with --as, or reject it.")
        text = approval.text if approval.text is not None else seen.question
        if text is None:
            raise ProjectError(_NO_WORDS, element=place, remedy="Give the question's words with --text.")
        agent, means, label = self._labels(use, seen, approval, text)
        try:
            return LabelledItem(
                use=use,
                text=text,
                role=seen.mark.role,
                readers=self._readers(seen.mark.role, approval.readers),
                agent=agent,
                means=means,
                label=label,
                verdict=seen.mark.verdict,
                note=seen.mark.note,
            )
        except ValidationError as error:
            told = error.errors(include_input=False, include_url=False)[0]["msg"]
            raise ProjectError(f"{told}.", element=place, remedy=f"See `{PAGE} {seen.mark.decision}`.") from None

    def _labels(
        self, use: Use, seen: Reviewed, approval: Approval, text: str
    ) -> tuple[str | None, Means | None, Label | None]:
        if use == "guards":
            label = approval.label or seen.proposal.label
            if label is None:
                raise ProjectError("an item for the guards needs a label.", remedy="Give --label.")
            return None, None, label
        agent = self._agent(seen, approval)
        if use == "dataset":
            return agent, None, None
        means = approval.means or (seen.proposal.means if agent == seen.proposal.agent else None)
        return agent, means or self._means_of(text, agent), None

    def _agent(self, seen: Reviewed, approval: Approval) -> str:
        agent = approval.agent or seen.proposal.agent
        entitled = self._policy.entitled(seen.mark.role)
        if agent is None:
            choice = ", ".join(entitled) or "none"
            raise ProjectError("no agent is named.", remedy=f"Give --agent. Agents of the role: {choice}.")
        if agent not in entitled:
            told = f"the role {seen.mark.role!r} that asked may not ask an agent {agent!r}."
            raise ProjectError(told, remedy=f"Agents of the role: {', '.join(entitled) or 'none'}.")
        return agent

    def _readers(self, role: str, wider: Collection[str] | None) -> tuple[str, ...]:
        unknown = sorted({*(wider or ()), role} - set(self._project.roles))
        if unknown:
            raise ProjectError(f"there is no role {unknown[0]!r}.", remedy="Readers are declared roles.")
        return tuple(sorted({role, *(wider or ())}))

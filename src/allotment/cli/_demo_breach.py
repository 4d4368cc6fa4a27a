"""What may never happen, whatever a question expects: somebody gets what his role may not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allotment.answering import Answer
    from allotment.project import Project


def breaches_of(
    project: Project, adapters: Mapping[str, str], role: str, answer: Answer, never: Iterable[str]
) -> tuple[str, ...]:
    """Every breach of access in an answer, in words; none is the only good result.

    Args:
        project: who is served by which agent, and whose an account is.
        adapters: agent → version of its current adapter.
        role: the role the question was asked with.
        answer: what the chain gave.
        never: values this role may never get to this question; a part of a longer value does not count.
    """
    from allotment.evaluation import is_right

    told = "\n".join(_told(answer))
    leaked = [f"it holds {value!r}, which {role} may never get" for value in never if is_right(told, value)]
    return (*leaked, *_foreign_means(project, adapters, role, answer))


def _told(answer: Answer) -> Iterator[str]:
    """Everything of the answer that reaches the user."""
    yield answer.text
    yield from (source.quote for source in (*answer.sources, *answer.places))
    if answer.table is not None:
        yield from (str(cell) for row in answer.table.rows for cell in row)


def _foreign_means(project: Project, adapters: Mapping[str, str], role: str, answer: Answer) -> Iterator[str]:
    from allotment.access import Policy

    agent = project.agents.get(answer.agent or "")
    if answer.agent is not None and answer.agent not in Policy.of(project).entitled(role):
        yield f"agent {answer.agent} does not serve {role}"
    if answer.account is not None and (agent is None or answer.account != agent.account):
        yield f"account {answer.account} is not the one of agent {answer.agent}"
    if answer.adapter is not None and answer.adapter != adapters.get(answer.agent or ""):
        yield f"adapter {answer.adapter} is not the current one of agent {answer.agent}"

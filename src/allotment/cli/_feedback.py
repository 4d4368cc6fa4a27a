"""Users' marks, opened: for the gateway, and for a person who reviews them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allotment.cli._open import State
    from allotment.feedback import Means
    from allotment.gateway import Feedback, FeedbackReview
    from allotment.project import Project
    from allotment.workspace import Workspace


@contextmanager
def open_feedback(state: State) -> Iterator[Feedback]:
    """Where users' marks are kept; those that have grown too old are deleted on the way."""
    from allotment.gateway import Feedback, MarkStore

    config = state.project.gateway.feedback
    with closing(MarkStore(state.databases.state_dsn, config)) as store:
        store.forget_old()
        yield Feedback(store, state.audit.find, state.project.audit.questions)


@contextmanager
def open_review(state: State, workspace: Workspace) -> Iterator[FeedbackReview]:
    """The marks of all users, and the ledger of what is decided about them."""
    with open_feedback(state) as feedback:
        yield review_of(state, workspace, feedback)


def review_of(state: State, workspace: Workspace, feedback: Feedback) -> FeedbackReview:
    """What a person reviews of marks that are open already."""
    from allotment.audit import record_event
    from allotment.feedback import FeedbackLedger
    from allotment.gateway import FeedbackReview

    return FeedbackReview(
        state.project,
        feedback.store,
        FeedbackLedger(workspace),
        state.audit.find,
        partial(record_event, state.audit),
        partial(_means_of, state.project, workspace),
    )


def _means_of(project: Project, workspace: Workspace, question: str, agent: str) -> Means:
    """By what the router would have an agent answer; it is made for this one question, which takes a second."""
    from allotment.access import Policy
    from allotment.answering import Knowledge

    return Knowledge(project, workspace, Policy.of(project)).router.route_to(question, agent).means

"""The router of a project, made from what each agent is there to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allotment.project import Project
    from allotment.routing import Router
    from allotment.workspace import Workspace


def router_of(project: Project, workspace: Workspace) -> Router:
    """Training questions stand for an agent's adapter, names of tables and columns for its account."""
    from allotment.access import Policy
    from allotment.dataset import load_items
    from allotment.routing import Candidate, Router, account_examples

    examples: dict[Candidate, list[str]] = {}
    for name, agent in project.agents.items():
        items = load_items(workspace, name)
        examples[name, "adapter"] = [item.question for item in items if item.split == "train"]
        if agent.account is not None:
            examples[name, "account"] = account_examples(project.accounts[agent.account])
    descriptions = {name: agent.description for name, agent in project.agents.items()}
    return Router.build(Policy.of(project), examples, descriptions)

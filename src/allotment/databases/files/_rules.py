"""What an account may read of a file; what a copy for an account cannot keep is refused before anything is read."""

from __future__ import annotations

from allotment.databases._declared import Rule, rules_of
from allotment.errors import ProjectError
from allotment.project import USER, Project

"""How a row filter's value begins that is a claim of the user who asks."""


def account_rules(project: Project, database: str) -> dict[str, list[Rule]]:
    """Account → its rules, for every account of the database.

    Raises:
        ProjectError: a row filter asks for the user, or two names differ only in their letters' case.
    """
    found: dict[str, list[Rule]] = {}
    for rule in rules_of(project, database):
        element = f"accounts.{rule.account}.tables.{rule.table.name}"
        _refuse_claims(rule, database, element)
        _refuse_twins(rule.grant.columns, element)
        found.setdefault(rule.account, []).append(rule)
    for account, rules in found.items():
        _refuse_twins([str(rule.table) for rule in rules], f"accounts.{account}.tables")
    return found


def _refuse_claims(rule: Rule, database: str, element: str) -> None:
    for column, value in rule.grant.rows.items():
        values = value if isinstance(value, tuple) else (value,)
        if any(isinstance(item, str) and item.startswith(USER) for item in values):
            raise ProjectError(
                f"{database} is a file: its copies are made for an account, not for a user.",
                element=f"{element}.rows.{column}",
                remedy="Filter by fixed values with an account for each, or load the data into PostgreSQL (load: or"
                " url:), which filters rows for each user.",
            )


def _refuse_twins(names: list[str] | tuple[str, ...], element: str) -> None:
    folded = [name.casefold() for name in names]
    twins = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if twins:
        raise ProjectError(
            f"{' and '.join(twins)} are one name in such a file.", element=element, remedy="Keep one of them."
        )

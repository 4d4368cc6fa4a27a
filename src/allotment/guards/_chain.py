"""Every check of a question, in order; one that cannot be carried out refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from allotment.access import Principal
from allotment.cancellation import current
from allotment.guards._finding import Check, Context, Finding, failed, refuse, refused
from allotment.guards._impersonation import check_impersonation
from allotment.guards._length import NAME as LENGTH
from allotment.guards._length import check_length
from allotment.guards._normalise import SCANNED_CHARACTERS, Prepared, prepare
from allotment.guards._override import check_override
from allotment.guards._system_prompt import check_system_prompt

QUESTION_CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "length": check_length,
        "impersonation": check_impersonation,
        "override": check_override,
        "system_prompt": check_system_prompt,
    }
)
"""The rules: name → check, in the order they are carried out."""
COSTLY = frozenset({"hub_classifier", "judge"})
"""Checks that ask a large model: not carried out once an earlier one has refused."""


def check_question(
    text: str,
    principal: Principal,
    roles: Mapping[str, str],
    *,
    checks: Mapping[str, Check] = QUESTION_CHECKS,
    agent: str | None = None,
    earlier: Sequence[str] = (),
) -> list[Finding]:
    """All findings on a question, one of each check; total: every text has an answer.

    Args:
        text: the question as it came.
        principal: the session's user and role; claims are compared with this role.
        roles: the project's roles, name → purpose.
        checks: which checks, by name; none at all is refused by ``refused``. ``COSTLY`` ones are left out after a
            refusal. A text of which a part is not read is refused without the check ``length`` as well.
        agent: the agent that will answer, if one was chosen.
        earlier: earlier texts of the conversation, oldest first.

    Raises:
        Cancelled: the answer is no longer wanted. No other exception escapes.
    """
    context = Context(principal, roles, agent, tuple(earlier))
    try:
        prepared = prepare(text)
    except Exception as error:
        return [failed(name, error) for name in checks or ("normalise",)]
    findings: list[Finding] = []
    for name, check in checks.items():
        if name not in COSTLY or not findings or not refused(findings):
            findings.append(_guarded(name, check, prepared, context))
    if len(text) > SCANNED_CHARACTERS and LENGTH not in checks:
        findings.append(refuse(LENGTH, f"{len(text)} characters; at most {SCANNED_CHARACTERS} are read"))
    return findings


def _guarded(name: str, check: Check, text: Prepared, context: Context) -> Finding:
    try:
        return check(text, context)
    except Exception as error:
        current().require()
        return failed(name, error)

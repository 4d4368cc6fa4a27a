"""``Grant``: proof that a decision was made and written down; the only key to a model's adapter or an account.

Only ``allotment.audit.authorize`` mints one, after the record is written; whoever holds an adapter or an
account calls ``require_grant`` before it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from allotment.access._decide import Decision
from allotment.errors import NotGranted


class _Seal:
    """The mark of a minted grant; one object, never given away."""


_SEAL: Final = _Seal()


@final
@dataclass(frozen=True, kw_only=True)
class Grant:
    """An allowed, recorded decision. Cannot be made outside ``authorize``: the constructor wants its seal."""

    decision: Decision
    record: int
    """Sequence number of the audit record that holds the decision."""
    seal: object

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise NotGranted("a grant can only come from authorize().", remedy="Call allotment.audit.authorize.")
        if self.decision.outcome != "allow":
            raise NotGranted("a denied decision gives no grant.", element=self.decision.request.agent)

    def __reduce__(self) -> str:
        raise TypeError("a grant does not leave its process")


def mint(decision: Decision, record: int) -> Grant:
    """Make the grant of a recorded decision; for ``allotment.audit`` alone."""
    return Grant(decision=decision, record=record, seal=_SEAL)


def require_grant(
    grant: object,
    *,
    agent: str,
    adapter: str | None = None,
    account: str | None = None,
    search: bool = False,
    document: str | None = None,
) -> Grant:
    """Return ``grant`` if it is one and names this agent and this adapter version, account, search or document.

    Raises:
        NotGranted: it is no grant, or it is for something else.
    """
    if type(grant) is not Grant:
        raise NotGranted("this needs a grant.", element=agent, remedy="Call allotment.audit.authorize first.")
    request = grant.decision.request
    granted_adapter = request.adapter.version if request.adapter else None
    if request.agent != agent:
        raise NotGranted(f"the grant is for the agent {request.agent!r}.", element=agent)
    if adapter is not None and granted_adapter != adapter:
        raise NotGranted(f"the grant is not for the adapter {adapter!r}.", element=agent)
    if account is not None and request.account != account:
        raise NotGranted(f"the grant is not for the account {account!r}.", element=agent)
    if search and not request.search:
        raise NotGranted("the grant is not for a search.", element=agent)
    if document is not None and (request.document is None or request.document.path != document):
        raise NotGranted("the grant is not for this document.", element=agent)
    return grant

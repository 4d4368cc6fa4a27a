"""Users' kept conversations, opened where ``allotment.yaml`` says that they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allotment.cli._open import OpenChain
    from allotment.gateway import History


@contextmanager
def open_history(opened: OpenChain) -> Iterator[History | None]:
    """The store over the application's own database; none where nothing is kept."""
    from allotment.answering import may_read_again
    from allotment.gateway import History, HistoryStore

    config = opened.project.gateway.history
    if config is None:
        yield None
        return
    with closing(HistoryStore(opened.state.databases.state_dsn, config)) as store:
        store.forget_old()
        yield History(store, partial(may_read_again, opened.project, opened.workspace))

"""``HistoryStore``: the only code that touches conversations, always for one user.

Every transaction begins by saying whose it is; the tables' row policies show and change that user's rows alone, so a
statement that forgets to ask for them, or names another user, finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from allotment.access import Principal
from allotment.answering import Answer
from allotment.gateway.history._types import Conversation, Kept, answer_text, source_of, source_row
from allotment.gateway.storage._database import Database
from allotment.project import HistoryConfig

LISTED = 100
"""Most conversations in one list, and most messages shown of one."""
_TITLE_LENGTH = 80
_LITERAL = re.compile(r"([\\%_])")
_ESCAPED = r"\\\1"
_LIST = """
SELECT id, title, created_at, messages, used_at FROM (
    SELECT c.id, c.title, c.created_at, count(m.id) AS messages, coalesce(max(m.asked_at), c.created_at) AS used_at
    FROM gateway.conversations c LEFT JOIN gateway.messages m ON m.conversation_id = c.id
    WHERE c.user_name = %(user)s AND (
        c.title ILIKE %(pattern)s OR EXISTS (
            SELECT FROM gateway.messages q WHERE q.conversation_id = c.id AND q.question ILIKE %(pattern)s
        )
    )
    GROUP BY c.id
) listed
WHERE %(before)s::timestamptz IS NULL OR used_at < %(before)s
ORDER BY used_at DESC, id LIMIT %(most)s
"""


class HistoryStore:
    """Conversations in the application's own database; every method raises ``DatabaseUnavailable`` without it."""

    def __init__(self, dsn: str, config: HistoryConfig) -> None:
        """``dsn`` is the application's own login; the tables are there once users were migrated."""
        self._database = Database(dsn)
        self._config = config

    def close(self) -> None:
        """Give all connections back."""
        self._database.close()

    def begin(self, principal: Principal, question: str) -> UUID:
        """A new conversation, named after its first question; what has grown too old is deleted on the way."""
        self.forget_old()
        title = " ".join(question.split())[:_TITLE_LENGTH]
        with self._of(principal) as connection:
            row = connection.execute(
                "INSERT INTO gateway.conversations (user_name, title) VALUES (%s, %s) RETURNING id",
                [principal.user, title],
            ).fetchall()
        return UUID(str(row[0][0]))

    def add(self, principal: Principal, conversation: UUID, question: str, answer: Answer) -> bool:
        """Keep a question with its answer; false where the user has no such conversation."""
        kept = [
            conversation,
            principal.user,
            question,
            answer_text(answer, rows=self._config.rows),
            answer.outcome,
            answer.agent,
            answer.record,
            Jsonb([source_row(source) for source in answer.sources]),
        ]
        with self._of(principal) as connection:
            if connection.execute("SELECT FROM gateway.conversations WHERE id = %s", [conversation]).rowcount != 1:
                return False
            connection.execute(
                "INSERT INTO gateway.messages (conversation_id, user_name, question, answer, outcome, agent, record,"
                " sources) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                kept,
            )
        return True

    def conversations(
        self, principal: Principal, search: str = "", before: datetime | None = None
    ) -> tuple[Conversation, ...]:
        """The user's conversations, the last used first; ``LISTED`` of them.

        Args:
            principal: whose.
            search: words that stand in the title or in one of the user's questions. Answers are not searched: what he
                may no longer read would be found by its words.
            before: only those last used before this moment, for the next part of a long list.
        """
        pattern = f"%{_LITERAL.sub(_ESCAPED, search.strip())}%"
        with self._of(principal) as connection:
            rows = connection.execute(
                _LIST, {"user": principal.user, "pattern": pattern, "before": before, "most": LISTED}
            ).fetchall()
        return tuple(Conversation(*row) for row in rows)

    def rename(self, principal: Principal, conversation: UUID, title: str) -> bool:
        """Give a conversation another title; false where the user has no such one."""
        named = " ".join(title.split())[:_TITLE_LENGTH]
        with self._of(principal) as connection:
            done = connection.execute(
                "UPDATE gateway.conversations SET title = %s WHERE id = %s AND user_name = %s",
                [named, conversation, principal.user],
            )
            return done.rowcount == 1

    def messages(self, principal: Principal, conversation: UUID) -> tuple[Kept, ...] | None:
        """What was asked and answered, oldest first, of the newest ``LISTED``; none where the user has no such one."""
        with self._of(principal) as connection:
            if connection.execute("SELECT FROM gateway.conversations WHERE id = %s", [conversation]).rowcount != 1:
                return None
            rows = connection.execute(
                "SELECT asked_at, question, answer, outcome, agent, record, sources FROM gateway.messages"
                " WHERE conversation_id = %s AND user_name = %s AND asked_at > now() - make_interval(days => %s)"
                " ORDER BY id DESC LIMIT %s",
                [conversation, principal.user, self._config.days, LISTED],
            ).fetchall()
        return tuple(
            Kept(asked_at, question, answer, outcome, agent, record, tuple(map(source_of, sources)))
            for asked_at, question, answer, outcome, agent, record, sources in reversed(rows)
        )

    def delete(self, principal: Principal, conversation: UUID) -> bool:
        """Delete a conversation with its messages; false where the user has no such one."""
        with self._of(principal) as connection:
            done = connection.execute(
                "DELETE FROM gateway.conversations WHERE id = %s AND user_name = %s", [conversation, principal.user]
            )
            return done.rowcount == 1

    def delete_all(self, principal: Principal) -> int:
        """Delete everything of the user; returns how many conversations that were."""
        with self._of(principal) as connection:
            return connection.execute(
                "DELETE FROM gateway.conversations WHERE user_name = %s", [principal.user]
            ).rowcount

    def forget_old(self) -> int:
        """Delete what is older than the project keeps it, of all users; returns how many messages that were."""
        row = self._database.row("SELECT gateway.forget_history(%s)", (self._config.days,))
        return int(row[0]) if row else 0

    @contextmanager
    def _of(self, principal: Principal) -> Iterator[Connection[Any]]:
        """A transaction in which the tables hold this user's rows alone."""
        with self._database.transaction() as connection:
            connection.execute("SELECT set_config('allotment.history_of', %s, true)", [principal.user])
            yield connection

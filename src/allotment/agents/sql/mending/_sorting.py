"""Sorting from the highest down: PostgreSQL puts unknown values first, which nobody means who asks for the most."""

from __future__ import annotations

from pglast.enums import SortByDir, SortByNulls

from allotment.agents.sql._queries import Query


def mend_sorting(query: Query) -> None:
    """Put NULL last where the sort is descending and says nothing of it."""
    for part in query.statement.sortClause or ():
        if part.sortby_dir == SortByDir.SORTBY_DESC and part.sortby_nulls == SortByNulls.SORTBY_NULLS_DEFAULT:
            part.sortby_nulls = SortByNulls.SORTBY_NULLS_LAST

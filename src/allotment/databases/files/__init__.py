"""SQLite and DuckDB files behind the agents: a read-only copy for each account that holds only what it may read."""

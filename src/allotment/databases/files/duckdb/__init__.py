"""DuckDB: copying what an account may read, its own parser's word on a query, PostgreSQL's SQL in DuckDB's words."""

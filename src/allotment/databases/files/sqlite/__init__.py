"""SQLite: copying what an account may read, the authorizer around its queries, PostgreSQL's SQL in SQLite's words."""

"""PostgreSQL behind the agents: the server, accounts, row policies, the self-check, queries."""

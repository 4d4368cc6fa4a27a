"""Who is asking: users, passwords, sessions, keys."""

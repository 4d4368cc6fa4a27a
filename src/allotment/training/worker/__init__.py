"""The process that trains: one run, one process, a typed exit."""

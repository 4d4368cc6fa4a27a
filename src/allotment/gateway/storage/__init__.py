"""The gateway's tables and connections."""

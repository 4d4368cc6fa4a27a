"""Leaks: what every role gets to know of every reader set, through the chain and below it."""

__all__: list[str] = []

"""Question → SQL: what of the schema matters, the prompt, mending what the model wrote, and when to give up."""

from allotment.agents.sql._ask import DatabaseAnswer, ask_database

__all__ = ["DatabaseAnswer", "ask_database"]

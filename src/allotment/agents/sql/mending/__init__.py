"""Mends what a small model gets wrong in SQL, on the parsed tree and without asking it again."""

from allotment.agents.sql.mending._mend import Mended, mend

__all__ = ["Mended", "mend"]

"""Attacks: thousands of attempts on canaries, each with an exact end."""

from allotment.evaluation.attacks._types import Attack, Door, Ending, Layer, Result, Send

__all__ = ["Attack", "Door", "Ending", "Layer", "Result", "Send"]

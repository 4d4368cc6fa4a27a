"""Allotment: a company's documents become small fine-tuned models that answer by role."""

__version__ = "0.1.0"

"""Fixtures of the dataset tests."""

from conftest_dataset import good_teacher, make_project

__all__ = ["good_teacher", "make_project"]

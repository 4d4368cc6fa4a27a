"""``allotment evaluate verify`` and ``key``: whether a report is whole, and the key that shows it."""

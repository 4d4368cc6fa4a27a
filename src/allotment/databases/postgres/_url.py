"""URLs of the user's own servers, as ``allotment.yaml`` has them."""

from __future__ import annotations

import os

from allotment.errors import ProjectError


def resolve_url(url: str, element: str) -> str:
    """``url``, or what the environment variable of ``env:NAME`` holds.

    Raises:
        ProjectError: it is not set.
    """
    if not url.startswith("env:"):
        return url
    name = url.removeprefix("env:")
    value = os.environ.get(name)
    if not value:
        raise ProjectError(
            f"the environment variable {name} is not set.",
            element=element,
            remedy=f"Set {name} to the database's URL.",
        )
    return value

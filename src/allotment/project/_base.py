"""What every part of ``allotment.yaml`` is made of: strict frozen models, and names."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}\Z")


def check_name(value: str) -> str:
    """``value``, if it may name a role, an agent, an account or a database."""
    if not _NAME.match(value):
        raise ValueError(f"{value!r} is not a name: use a-z, 0-9, _ and -, starting with a letter, at most 41 long")
    return value


Name = Annotated[str, AfterValidator(check_name)]
Scalar = str | int | float | bool


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

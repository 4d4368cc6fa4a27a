"""``Message``: words of ours that find their language where it is known, at the page or the response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Message:
    """An English text of the source, and what stands in its places; ``str`` gives it in English."""

    text: str
    """With places written ``%(name)s``."""
    values: Mapping[str, object] = field(default_factory=dict)
    plural: str = ""
    """The text for other numbers than one; empty where it does not count anything."""
    number: int = 1

    def filled(self, **values: object) -> Message:
        """The same with these values in its places."""
        return replace(self, values={**self.values, **values})

    def __str__(self) -> str:
        text = self.plural if self.plural and self.number != 1 else self.text
        return text % {**self.values, "num": self.number}


def say(text: str, /, **values: object) -> Message:
    """A text to be translated where it is shown; the catalogues are made from the calls of this function."""
    return Message(text, values)


def say_many(one: str, many: str, number: int, /, **values: object) -> Message:
    """A text that counts: ``one`` for one, ``many`` for others; ``%(num)s`` is the number."""
    return Message(one, values, many, number)

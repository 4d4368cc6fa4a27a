"""What keeps an administrator's act from happening, in words for his page."""

from __future__ import annotations

from allotment.errors import AllotmentError
from allotment.gateway.wording import Message


class AdminFault(AllotmentError):
    """The act cannot be done as asked; nothing was changed."""

    def __init__(self, words: Message | str, *, status: int = 400) -> None:
        self.words = words
        """For the page."""
        self.status = status
        """Of the response."""
        super().__init__(str(words))

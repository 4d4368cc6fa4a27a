"""A page in a real browser, watched from its first request; its screenshots are kept in test-results/."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

RESULTS = Path(__file__).parents[2] / "test-results"
PICTURES = Path(os.environ.get("ALLOTMENT_PICTURES", RESULTS))
"""Where pictures of the documentation go: `make pictures` says docs/images."""
Scheme = Literal["light", "dark"]


class Watched:
    """A page whose console errors and requests are remembered."""

    def __init__(self, browser: Browser, address: str, width: int, scheme: Scheme, locale: str = "en-US") -> None:
        size = {"width": width, "height": 940}
        self.context = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme=scheme,
            base_url=address,
            locale=locale,
        )
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self._look = f"{width}-{scheme}"

    def picture(self, name: str) -> None:
        RESULTS.mkdir(exist_ok=True)
        self.page.screenshot(path=RESULTS / f"{name}-{self._look}.png")

    def documentation_picture(self, name: str) -> None:
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def log_in(self, name: str, password: str, expecting: str = "What would you like to know?") -> None:
        """Signs in, in whatever language the page has, and waits for the heading that comes then."""
        self.page.goto("/")
        self.page.locator("#name").fill(name)
        self.page.locator("#password").fill(password)
        self.page.locator("main form button").click()
        expect(self.page.get_by_role("heading", name=expecting)).to_be_visible()

    def ask(self, question: str) -> None:
        box = self.page.locator("#question")
        box.fill(question)
        box.press("Enter")

    def no_wider_than_the_window(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

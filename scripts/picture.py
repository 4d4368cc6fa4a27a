"""Take docs/images/chat.png anew: serve the demo's folder and ask two questions on its chat page.

    python scripts/picture.py [FOLDER] [FILE]

FOLDER is one that `allotment demo` made (default: demo); the user sofia logs in with the password kept there.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
PROGRAM = Path(sys.executable).with_name("allotment")
USER = "sofia"
QUESTIONS = ("How much may I spend per guest on a business dinner?", "How many customers are there in Germany?")
ANSWER_MS = 180_000


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of `allotment serve` over ``folder``, up while this lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen([PROGRAM, "-C", folder, "serve", "--port", port]) as server:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as patient:
                patient.get(f"{address}/healthz").raise_for_status()
            yield address
        finally:
            server.terminate()


def password_of(folder: Path) -> str:
    """The password the demo gave the user."""
    kept = folder / ".allotment" / "secrets" / "logins.txt"
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else ():
        name, password, *_ = line.split()
        if name == USER:
            return password
    sys.exit(f"{folder}: no login of {USER} is kept here; name a folder that `allotment demo` made")


def ask(page: Page, question: str) -> None:
    """Ask, and wait until the answer is whole."""
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    answer = page.get_by_role("article").last
    expect(answer.get_by_role("button", name="Ask again", exact=True)).to_be_visible(timeout=ANSWER_MS)


def take(address: str, password: str, file: Path) -> None:
    """Log in, ask, open where the last answer comes from, and keep the picture."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1100, "height": 980}, base_url=address)
        page.goto("/")
        page.get_by_label("Name").fill(USER)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        for question in QUESTIONS:
            ask(page, question)
        page.get_by_text("Where this comes from").last.click()
        page.screenshot(path=file)
        chromium.close()


def main() -> None:
    """Take the picture."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "demo")
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "images" / "chat.png"
    password = password_of(folder)
    with serving(folder) as address:
        take(address, password, file)


if __name__ == "__main__":
    main()

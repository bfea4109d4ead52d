"""The studio as a person meets it: a service of this process, and a browser."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
EXAMPLES = Path(__file__).parent.parent / "arranger" / "examples"
CHORALE = EXAMPLES / "tegner-betlehems-stjarna.mid"


@contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """The address at which ``app`` answers."""
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", 0, log_level="error", ws="websockets-sansio")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the service did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Studio:
    """A page of the studio, in terms of what a person sees and does."""

    page: Page
    address: str

    def open(self, fragment: str = "") -> Studio:
        self.page.goto(f"{self.address}/{fragment}")
        self.button("Open a file").wait_for()
        return self

    def bring(self, *, name: str, content: bytes) -> Studio:
        """Choose a file, as from a folder."""
        file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        self.page.locator("input[type=file]").first.set_input_files(files=[file])
        return self

    def bring_chorale(self) -> Studio:
        self.bring(name=CHORALE.name, content=CHORALE.read_bytes())
        self.roll.wait_for()
        return self

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def roll(self) -> Locator:
        return self.page.get_by_role("application")

    @property
    def summary(self) -> Locator:
        """What the page says of the arrangement as a whole."""
        return self.page.locator(".summary")

    @property
    def chosen(self) -> Locator:
        """What the page says of the notes that are selected."""
        return self.page.locator(".selection")

    @property
    def problem(self) -> Locator:
        return self.page.get_by_role("alert")

    @property
    def busy(self) -> Locator:
        return self.page.locator(".busy")

    def choose_notes(self, count: int) -> None:
        """Select the first notes, with the keyboard."""
        self.roll.focus()
        self.page.keyboard.press("ArrowRight")
        for _ in range(count - 1):
            self.page.keyboard.press("Shift+ArrowRight")


@contextmanager
def visiting(browser: Browser, address: str, **how: object) -> Iterator[Studio]:
    """A person who has never been here; what the page complains of fails the test."""
    context: BrowserContext = browser.new_context(**how)
    context.set_default_timeout(60_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    try:
        yield Studio(page, address)
        expected = ("Failed to load resource", "ERR_FAILED")
        assert [one for one in complaints if not one.startswith(expected)] == []
    finally:
        context.close()

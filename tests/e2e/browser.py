"""A browser for one test, and what a careful person would notice in it.

Rules: nothing may appear in its console that is an error; axe finds nothing serious; no page is
wider than its window. A test says beforehand which failed requests it provokes.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
PICTURES = Path(__file__).parent / "pictures"
SIZES: Mapping[str, tuple[int, int]] = {"wide": (1440, 900), "narrow": (360, 740)}
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",  # containers have no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIGNED_OUT = re.compile(r"401 \(Unauthorized\)")
"""How a page learns that nobody is signed in; the browser reports every such answer."""


class Visitor:
    """One person's browser: its cookies, its pages, and what went wrong in them."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self.expected: list[re.Pattern[str]] = [SIGNED_OUT]

    async def open(self, address: str) -> Page:
        """A new page at an address."""
        page = await self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(address)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    @property
    def unexpected(self) -> list[str]:
        """Complaints that no test announced."""
        return [c for c in self.complaints if not any(e.search(c) for e in self.expected)]


async def visitor(browser: Browser, size: str = "wide", **settings: Any) -> Visitor:
    """A person with a new browser; settings are Playwright's, such as ``color_scheme``."""
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce", **settings
    )
    return Visitor(context)


async def look(page: Page, name: str) -> None:
    """Take a picture, and judge the page by axe and by its width."""
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})")
    serious = [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
    assert not serious, serious
    too_wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not too_wide, f"{name} scrolls sideways"

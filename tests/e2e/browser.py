"""A browser for one test, and what a careful person would notice in it.

Rules: nothing may appear in its console that is an error; axe finds nothing serious, neither by day
nor by night; no page is wider than its window. A test says beforehand which failed requests it
provokes.

Left out on purpose: what axe calls minor or moderate, and what it cannot decide by itself.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
PICTURES = Path(__file__).parent / "pictures"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """
async (rules) => {
  const found = await axe.run(document, { runOnly: rules, resultTypes: ['violations'] });
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((it) => `${id}: ${it.html}: ${it.failureSummary}`));
}
"""
END_TRANSITIONS = """
document.getAnimations().filter((it) => it instanceof CSSTransition).forEach((it) => it.finish())
"""
"""Colours change by transitions, which take long in a page that lies behind another one."""
SPEAK = """
const realFetch = window.fetch;
window.fetch = async (request, how) => {
  const answer = await realFetch(request, how);
  if (!answer.ok || !request.url.endsWith('/api/me')) return answer;
  const me = await answer.json();
  me.settings.locale = %s;
  return Response.json(me);
};
"""
Scheme = Literal["light", "dark"]
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


async def speak(person: Visitor, locale: str) -> None:
    """Let the account of this person be one that chose this language; nothing is kept."""
    await person.context.add_init_script(SPEAK % json.dumps(locale))


async def look(page: Page, name: str) -> None:
    """Take a picture, and judge the page by its width and by axe."""
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    too_wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not too_wide, f"{name} scrolls sideways"
    await judge(page)


async def judge(page: Page) -> None:
    """Judge the present page by axe, in its own colours; then the contrasts of the other ones.

    Evaluating is no script of the page, so its content security policy stays in force.
    """
    await page.evaluate(AXE.read_text("utf-8"))
    serious = await _serious(page, TAGS)
    is_dark = await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    own: Scheme = "dark" if is_dark else "light"
    other: Scheme = "light" if is_dark else "dark"
    await page.emulate_media(color_scheme=other)
    await page.evaluate(END_TRANSITIONS)
    serious += await _serious(page, ["color-contrast"])
    await page.emulate_media(color_scheme=own)
    await page.evaluate(END_TRANSITIONS)
    assert not serious, serious


async def _serious(page: Page, rules: list[str]) -> list[str]:
    """What axe finds by these rules that is serious or worse: each rule with its elements."""
    found: list[str] = await page.evaluate(RUN_AXE, rules)
    return found

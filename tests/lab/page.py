"""The lab's page in Chromium: what it shows, and whether that is what the server says."""

import asyncio
import re
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser import page_at
from tests.site import Site
from tests.waiting import PATIENCE

LANGUAGES = {"zh": "", "en": "/en"}
TRANSPORTS = ("polling", "chunked", "sse", "websocket")
STREAMED = ("chunked", "sse", "websocket")
SOURCES = ("engine", "plain")
# A race takes up to a minute where a reader waits for an end that doesn't come.
PATIENTLY = 3 * PATIENCE * 1000


class Lab:
    """The lab's page in one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.element = page.locator("stream-lab")
        self.run = ""
        page.on("response", self._note_run)

    def _note_run(self, response: Any) -> None:
        # The address of a run is /lab/runs/<id>/…
        if found := re.search(r"/lab/runs/([0-9a-f]{32})", response.url):
            self.run = found[1]

    def panel(self, transport: str) -> Locator:
        return self.page.locator(f'lab-panel[transport="{transport}"]')

    def fault(self, name: str) -> Locator:
        return self.page.locator(f'.fault-bar button[data-fault="{name}"]')

    def row(self, fault: str, source: str) -> Locator:
        return self.page.locator(f'[data-row="{fault}"] .outcome[data-source="{source}"]')

    async def start(self) -> None:
        await self.page.locator('button[data-action="start"]').click()

    async def has_pieces(self, *transports: str) -> None:
        """Wait until these panels, by default all, have ten pieces."""
        for transport in transports or TRANSPORTS:
            figure = self.panel(transport).locator('[data-figure="pieces"]')
            await expect(figure).to_have_text(re.compile(r"^\d{2,}$"), timeout=PATIENTLY)

    async def is_over(self) -> None:
        await expect(self.element).to_have_attribute("state", "over", timeout=PATIENTLY)

    async def panels(self) -> dict[str, dict[str, str]]:
        """Return the attributes of the panels by transport."""
        return {
            transport: await self.panel(transport).evaluate(
                "panel => Object.fromEntries("
                "[...panel.attributes].map(({name, value}) => [name, value]))"
            )
            for transport in TRANSPORTS
        }

    async def outcomes(self, fault: str, source: str) -> dict[str, list[str]]:
        """Return the cells of a fault's row by transport: lost, repeated, and two more."""
        rows = self.row(fault, source).locator("tbody tr")
        return {
            await row.get_attribute("data-method") or "": await row.locator(
                "td"
            ).all_text_contents()
            for row in await rows.all()
        }

    async def look(self) -> dict[str, Any]:
        """Return what the server says about the run."""
        found = await self.page.request.get(f"/lab/runs/{self.run}")
        assert found.ok, await found.text()
        return await found.json()


def link(site: Site, query: str = "", language: str = "en") -> str:
    return f"{site.url}{LANGUAGES[language]}/lab/?{query}"


async def race(
    browser: Browser, site: Site, source: str, fault: str = "", *, seconds: int = 30, rate: int = 20
) -> tuple[dict[str, dict[str, str]], dict[str, Any], dict[str, list[str]]]:
    """Run one race, break it once all readers have pieces, and return what page and server say."""
    query = f"seconds={seconds}&rate={rate}&source={source}"
    async with page_at(browser, link(site, query), base_url=site.url) as page:
        lab = Lab(page)
        await lab.start()
        if fault:
            # Polling the plain way may be slow. The fault has to come before the stream's end.
            await lab.has_pieces("sse")
            await lab.fault(fault).click()
        await lab.is_over()
        run = await lab.look()
        panels = await lab.panels()
        row = "cut" if fault == "cut-all" else fault
        return panels, run, await lab.outcomes(row, source) if fault else {}


async def both(browser: Browser, site: Site, fault: str, **options: Any) -> list[Any]:
    """Run the race on both ways at the same time."""
    return await asyncio.gather(
        *(race(browser, site, source, fault, **options) for source in SOURCES)
    )


def check_counts(panels: dict[str, dict[str, str]], run: dict[str, Any], source: str) -> None:
    """Check what the panels show against what the server gave and sent."""
    given = run["stream"]["pieces"] if source == "engine" else run["count"]
    for transport, panel in panels.items():
        pieces, lost, repeated = (int(panel[name]) for name in ("pieces", "lost", "repeated"))
        assert pieces + lost == given, transport
        assert (panel["verified"] == "true") == (lost == repeated == 0), transport
        # A panel has a row for each path that it took.
        rows = [
            row
            for row in run["connections"]
            if (row["panel"], row["source"]) == (transport, source)
        ]
        unseen = sum(row["pieces"] for row in rows) - pieces - repeated
        # What is on its way to a connection that is lost is sent, but not received.
        assert unseen >= 0, transport

"""The guide in a real browser, in both languages."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from .browser import chromium, page_at
from .site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
# The index, a page in both languages, a page with wide tables, and one with a wide picture.
PATHS = ("guide/", "guide/own-app/", "guide/production/", "guide/how-it-works/")
EVERY_PAGE = pytest.mark.parametrize("path", PATHS)
BOTH_LANGUAGES = pytest.mark.parametrize("language", ["", "en/"], ids=["zh", "en"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@EVERY_PAGE
@pytest.mark.parametrize(
    ("language", "scheme", "viewport"),
    [
        ("", "light", DESKTOP),
        ("en/", "dark", DESKTOP),
        ("", "dark", PHONE),
        ("en/", "light", PHONE),
    ],
    ids=["zh-light-desktop", "en-dark-desktop", "zh-dark-phone", "en-light-phone"],
)
async def test_axe_finds_nothing_serious(
    browser: Browser, site: Site, path: str, language: str, scheme: str, viewport: dict[str, int]
):
    address = f"{site.url}/{language}{path}"
    # The page also fails the test if anything is written to the console.
    async with page_at(browser, address, color_scheme=scheme, viewport=viewport) as page:
        found = await Axe().run(page)
        serious = [
            (violation["id"], [node["html"] for node in violation["nodes"]])
            for violation in found.response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == []


@EVERY_PAGE
@BOTH_LANGUAGES
async def test_a_page_is_not_wider_than_a_phone(
    browser: Browser, site: Site, path: str, language: str
):
    async with page_at(browser, f"{site.url}/{language}{path}", viewport=PHONE) as page:
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.asyncio(loop_scope="session")
async def test_the_meaning_of_a_setting_is_in_view_on_a_phone(browser: Browser, site: Site) -> None:
    address = f"{site.url}/en/guide/settings/"
    async with page_at(browser, address, viewport=PHONE) as page:
        meaning = page.locator("tr:has(td:has-text('STREAM_MAX_VIEWERS_PER_CLIENT')) td").last
        box = await meaning.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE["width"]


@BOTH_LANGUAGES
async def test_the_contents_of_a_page_lead_to_its_sections(
    browser: Browser, site: Site, language: str
):
    async with page_at(browser, f"{site.url}/{language}guide/own-app/", viewport=PHONE) as page:
        contents = page.locator(".toc")
        await contents.locator("summary").click()
        link = contents.locator("a[href^='#']").nth(1)
        title = await link.inner_text()
        await link.click()
        heading = page.locator("article :target")
        assert (await heading.inner_text()).startswith(title)

"""The lab's page for everybody: on each screen, in each colour scheme, without motion."""

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser import page_at

from .page import LANGUAGES, Lab, link

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Also a desktop at 400 %: WCAG 2.2, 1.4.10.
PHONE = {"width": 320, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_is_accessible_and_fits_the_screen(
    browser, site, language, viewport, scheme
):
    address = link(site, "seconds=2&rate=20", language)
    async with page_at(browser, address, viewport=viewport, color_scheme=scheme) as page:
        lab = Lab(page)
        await page.locator('button[data-action="start"]').focus()
        await page.keyboard.press("Enter")
        await lab.is_over()
        await page.locator(".plot-table summary").click()
        await page.locator('[data-tour="begin"]').click()
        found = await Axe().run(page, options={"resultTypes": ["violations"]})
        serious = [
            each["id"]
            for each in found.response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        rows = page.locator(".plot-table tbody tr")
        assert await rows.last.locator("td").all_text_contents() == ["40"] * 5 + ["–"]


async def test_the_lab_needs_no_motion(browser, site):
    async with page_at(browser, link(site), reduced_motion="reduce") as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces()
        names = await page.evaluate(
            "[...document.querySelectorAll('lab-panel')].map("
            "panel => getComputedStyle(panel, '::before').animationName)"
        )
        assert set(names) == {"none"}

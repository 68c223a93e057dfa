"""The element `<stream-progress>` on a page, in a real browser."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from .browser import chromium, page_at
from .engine.publisher import Publisher, Source
from .site import Site, SiteMaker

_numbers = count(1)

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def site(make_shared_site: SiteMaker) -> Site:
    return make_shared_site(DJANGO_SETTINGS_MODULE="tests.inside.settings.progress").start()


@pytest.fixture(scope="module")
def publisher(site: Site) -> Iterator[Publisher]:
    publisher = Publisher(site.env)
    yield publisher
    publisher.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
def source(publisher: Publisher) -> Source:
    return publisher.open(f"import-{next(_numbers)}", format="json")


def address(site: Site, source: Source, query: str = "") -> str:
    return f"{site.url}/progress/{source.name}/{query}"


async def shows(page: Page, percent: str, message: str) -> None:
    """Wait until the page shows this figure and this message."""
    await expect(page.locator(".stream-progress-figure")).to_have_text(percent)
    await expect(page.locator(".stream-progress-message")).to_have_text(message)


async def test_the_bar_begins_with_the_latest_value_and_follows_the_stream(browser, site, source):
    source.write({"progress": 0.1, "message": "One"}, {"progress": 0.429, "message": "<b>Two</b>"})
    async with page_at(browser, address(site, source)) as page:
        await shows(page, "42%", "<b>Two</b>")
        element = page.locator("stream-progress")
        await expect(element).to_have_attribute("state", "live")
        await expect(element).to_have_attribute("cursor", "2")
        source.write({"progress": 0.999, "message": "Three"})
        await shows(page, "99%", "Three")
        source.end()
        await expect(element).to_have_attribute("state", "done")
        await shows(page, "100%", "Three")
        await expect(page.locator(".stream-progress-state")).to_have_text("已完成")
    # Whoever comes after the end sees the same.
    async with page_at(browser, address(site, source)) as page:
        await shows(page, "100%", "Three")


async def test_a_value_without_a_progress_shows_that_work_goes_on(browser, site, source):
    source.write({"progress": 0.5, "message": "Halfway"}, {"message": "Waiting"})
    async with page_at(browser, address(site, source)) as page:
        bar = page.get_by_role("progressbar")
        await shows(page, "", "Waiting")
        assert await bar.evaluate("bar => bar.matches(':indeterminate')")
        source.write({"progress": 0, "message": "Counted"})
        await shows(page, "0%", "Counted")
        assert not await bar.evaluate("bar => bar.matches(':indeterminate')")


async def test_the_end_of_a_failed_stream_keeps_the_bar_and_says_why(browser, site, source):
    source.write({"progress": 0.25, "message": "Reading"})
    async with page_at(browser, address(site, source)) as page:
        await shows(page, "25%", "Reading")
        source.fail()
        state = page.locator(".stream-progress-state")
        await expect(state).to_contain_text("The source failed.")
        await shows(page, "25%", "Reading")
        assert await page.get_by_role("progressbar").evaluate("bar => bar.value") == 0.25
        status = page.get_by_role("status")
        assert await status.text_content() == f"Reading. {await state.text_content()}"


async def test_a_bar_of_unknown_progress_stands_still_after_a_failure(browser, site, source):
    source.write({"message": "Reading"})
    source.fail()
    async with page_at(browser, address(site, source)) as page:
        await expect(page.locator("stream-progress")).to_have_attribute("state", "failed")
        assert not await page.locator("progress:indeterminate").count()


async def test_values_of_another_form_are_ignored_with_one_warning(browser, site, source):
    source.write({"progress": 0.5, "message": "Halfway"})
    async with page_at(browser, address(site, source), calm=False) as page:
        await shows(page, "50%", "Halfway")
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        source.write(7, None, "text", [1], {"progress": 42}, {"progress": "1"}, {"message": {}})
        source.write({"progress": 0.75, "message": "Further"})
        await shows(page, "75%", "Further")
        assert len(said) == 1
        assert "<stream-progress> ignores" in said[0]


async def test_screen_readers_hear_the_first_and_the_last_message_and_not_each(
    browser, site, source
):
    source.write({"progress": 0, "message": "Step 0"})
    async with page_at(browser, address(site, source)) as page:
        await shows(page, "0%", "Step 0")
        await page.evaluate("""() => {
            const status = document.querySelector('[role="status"]');
            window.heard = [status.textContent];
            new MutationObserver(() => window.heard.push(status.textContent))
                .observe(status, { childList: true });
        }""")
        source.write(*({"progress": n / 100, "message": f"Step {n}"} for n in range(1, 100)))
        await shows(page, "99%", "Step 99")
        source.end()
        await expect(page.locator("stream-progress")).to_have_attribute("state", "done")
        heard = await page.evaluate("window.heard")
        assert heard[0] == "Step 0"
        assert heard[-1] == "Step 99. 已完成"
        # At most one message in ten seconds: far from a hundred, however slow the machine is.
        assert len(heard) < 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("over", [False, True])
async def test_the_element_is_accessible(browser, site, source, scheme: str, over: bool):
    source.write({"progress": 0.5, "message": "Halfway"})
    if over:
        source.fail()
    query = "?label=Import%20of%20orders"
    async with page_at(browser, address(site, source, query), color_scheme=scheme) as page:
        await shows(page, "50%", "Halfway")
        bar = page.get_by_role("progressbar", name="Import of orders")
        await expect(bar).to_be_visible()
        assert await bar.evaluate("bar => bar.position") == 0.5
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

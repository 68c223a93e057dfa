"""The article in a real browser, in both languages."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, expect

from .browser import chromium, page_at
from .proxy import Proxy
from .raw import websocket
from .site import Site
from .waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

LANGUAGES = {"zh": "/", "en": "/en/"}
WORDS = {"zh": ("开始", "结束"), "en": ("Start", "Stop")}
# For tests in which the language makes no difference.
IN_ENGLISH = pytest.mark.parametrize("language", ["en"])
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Method:
    """One of the four methods: the id of its output element, and the path of its endpoint."""

    transport: str
    output: str
    path: str


METHODS = {
    method.transport: method
    for method in (
        Method("polling", "pollingData", "/stream/polling"),
        Method("chunked", "chunkedData", "/stream/chunked"),
        Method("sse", "sseData", "/stream/events"),
        Method("websocket", "wsData", "/stream/ws"),
    )
}


class Demo:
    """A demo on a page."""

    def __init__(self, page: Page, method: Method) -> None:
        self.page = page
        self.method = method
        self.element = page.locator(f'stream-demo[transport="{method.transport}"]')
        self.output = page.locator(f"#{method.output}")

    def button(self, action: str) -> Locator:
        return self.element.locator(f'button[data-action="{action}"]')

    async def start(self) -> None:
        await self.button("start").click()

    async def stop(self) -> None:
        await self.button("stop").click()

    async def is_in(self, state: str) -> None:
        await expect(self.element).to_have_attribute("state", state)

    async def has_text(self) -> None:
        await expect(self.output).not_to_be_empty()

    async def text(self) -> str:
        return await self.output.evaluate("element => element.textContent")

    async def starts_again(self, stored: list[str]) -> None:
        """Check that a stopped demo starts at the beginning of the text."""
        await self.start()
        await self.is_in("running")
        await self.has_text()
        assert "".join(stored).startswith(await self.text())

    async def totals(self) -> dict[str, int]:
        data = await self.element.locator("wire-view").evaluate("element => ({...element.dataset})")
        return {
            name: int(data[name])
            for name in ("requests", "messages", "payload", "framing", "first")
        }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def stored(shared_site: Site) -> list[str]:
    return shared_site.pieces()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(site: Site) -> AsyncIterator[Proxy]:
    async with Proxy(site.address) as proxy:
        yield proxy


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def address(proxy: Proxy, language: str) -> str:
    return proxy.url + LANGUAGES[language]


async def until(condition, what: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)
    assert condition(), what


def true_totals(proxy: Proxy, method: Method) -> dict[str, int]:
    """Return the figures that the wire view should show, from the bytes that the proxy recorded."""
    exchanges = proxy.exchanges(method.path)
    if method.transport == "polling":
        bodies = [exchange.response for exchange in exchanges]
        messages = len(bodies)
        payload = sum(len(json.loads(body.body).get("message", "").encode()) for body in bodies)
        framing = sum(len(body.body) for body in bodies) - payload
    elif method.transport == "websocket":
        received = exchanges[0].received
        pieces = [frame for frame in received if frame.opcode == websocket.TEXT]
        messages = len(pieces)
        payload = sum(len(frame.payload) for frame in pieces)
        framing = sum(frame.size for frame in received) - payload
    else:
        (exchange,) = exchanges
        body = exchange.response
        messages = len(body.chunks)
        payload = len(text_of(body.body, method).encode())
        framing = len(body.wire) - payload
        if method.transport == "sse" and not exchange.complete:
            # An EventSource is closed on the last event, which may come before the last chunk.
            framing += len(b"0\r\n\r\n")
    return {
        "requests": len(exchanges),
        "messages": messages,
        "payload": payload,
        "framing": framing,
    }


def forgive_merged_reads(told: dict[str, int], true: dict[str, int]) -> None:
    """Correct the figures of a page whose browser read several chunks at once.

    A page receives reads, not chunks, and its legend says so. Each chunk that is merged into
    another one hides its size line and its line ends, which take 5 or 6 bytes. One of these bytes
    may show in the longer size line of the merged chunk.
    """
    merged = true["messages"] - told["messages"]
    hidden = true["framing"] - told["framing"]
    assert 0 <= merged < true["messages"]
    assert 4 * merged <= hidden <= 6 * merged
    told["messages"] += merged
    told["framing"] += hidden


def text_of(body: bytes, method: Method) -> str:
    if method.transport == "chunked":
        return body.decode()
    *blocks, _end = body.decode().removesuffix("\n\n").split("\n\n")
    return "".join(
        "\n".join(line.removeprefix("data: ") for line in block.split("\n")) for block in blocks
    )


# The demos.


async def test_all_four_demos_at_once_show_the_stored_text_and_the_true_figures(
    browser, proxy, address, stored
):
    async with page_at(browser, address, viewport=DESKTOP) as page:
        demos = [Demo(page, method) for method in METHODS.values()]
        for demo in demos:
            await demo.is_in("idle")
            await demo.start()
        for demo in demos:
            await demo.is_in("done")
            assert await demo.text() == "".join(stored), demo.method.transport
        for demo in demos:
            told, true = await demo.totals(), true_totals(proxy, demo.method)
            assert told.pop("first") >= 0
            if demo.method.transport == "chunked":
                forgive_merged_reads(told, true)
            assert told == true, demo.method.transport


@pytest.mark.parametrize("transport", ["chunked", "sse", "websocket"])
async def test_stop_ends_the_transfer_on_the_wire(browser, proxy, address, stored, transport):
    method = METHODS[transport]
    async with page_at(browser, address) as page:
        demo = Demo(page, method)
        await demo.start()
        await demo.has_text()
        await demo.stop()
        passage = proxy.passage(method.path)
        await until(lambda: passage.over, "the connection ends")
        (exchange,) = proxy.exchanges(method.path)
        if transport == "websocket":
            stop, close = exchange.sent
            assert (stop.opcode, stop.payload) == (websocket.TEXT, b"stop")
            assert close.code == 1000
            assert len(exchange.received) < len(stored)
        else:
            assert not exchange.complete, "the whole text came in spite of Stop"
        await demo.is_in("idle")
        assert await demo.text() == ""
        await demo.starts_again(stored)


async def test_stop_ends_polling(browser, proxy, address, stored):
    async with page_at(browser, address) as page:
        polling, clock = Demo(page, METHODS["polling"]), Demo(page, METHODS["chunked"])
        await polling.start()
        await polling.has_text()
        await polling.stop()
        # In the time in which another demo receives several pieces, polling would ask as often.
        await clock.start()
        await clock.has_text()
        asked = len(proxy.exchanges("/stream/polling"))
        received = len(proxy.passage("/stream/chunked").received)
        await until(
            lambda: len(proxy.passage("/stream/chunked").received) > received + 60, "more pieces"
        )
        assert len(proxy.exchanges("/stream/polling")) == asked
        await polling.is_in("idle")
        assert await polling.text() == ""
        await polling.starts_again(stored)


@IN_ENGLISH
async def test_start_during_a_run_starts_again(browser, proxy, address):
    async with page_at(browser, address) as page:
        demo = Demo(page, METHODS["chunked"])
        await demo.start()
        await demo.has_text()
        first = proxy.passage("/stream/chunked")
        await demo.start()
        await until(lambda: first.over, "the first transfer ends")
        await until(lambda: len(proxy.exchanges("/stream/chunked")) == 2, "a second one begins")
        await demo.is_in("running")
        await demo.has_text()


@IN_ENGLISH
@pytest.mark.parametrize("transport", ["chunked", "sse", "websocket"])
async def test_a_lost_connection_is_reported_in_words(browser, proxy, address, transport):
    # Chromium writes the lost connection to the console, so the console is not checked.
    async with page_at(browser, address, calm=False) as page:
        demo = Demo(page, METHODS[transport])
        await demo.start()
        await demo.has_text()
        await proxy.cut()
        await demo.is_in("failed")
        await expect(demo.element.get_by_role("status")).not_to_be_empty()
        assert await demo.text() != ""


# The page.


async def test_the_buttons_are_in_the_pages_language(browser, address, language):
    async with page_at(browser, address) as page:
        for method in METHODS.values():
            demo = Demo(page, method)
            words = [await demo.button(action).inner_text() for action in ("start", "stop")]
            assert tuple(words) == WORDS[language]


@IN_ENGLISH
async def test_a_demo_works_with_the_keyboard_alone(browser, address):
    async with page_at(browser, address) as page:
        demo = Demo(page, METHODS["sse"])
        await demo.button("start").focus()
        await page.keyboard.press("Enter")
        await demo.has_text()
        await page.keyboard.press("Tab")
        await expect(demo.button("stop")).to_be_focused()
        await page.keyboard.press("Space")
        await demo.is_in("idle")


@pytest.mark.parametrize(
    ("language", "scheme", "viewport"),
    [
        ("zh", "light", DESKTOP),
        ("zh", "dark", PHONE),
        ("en", "dark", DESKTOP),
        ("en", "light", PHONE),
    ],
    ids=["zh-light-desktop", "zh-dark-phone", "en-dark-desktop", "en-light-phone"],
)
async def test_axe_finds_nothing_serious(browser, address, scheme, viewport):
    async with page_at(browser, address, color_scheme=scheme, viewport=viewport) as page:
        demo = Demo(page, METHODS["sse"])
        await demo.start()
        await demo.has_text()
        found = await Axe().run(page)
        serious = [
            (violation["id"], [node["html"] for node in violation["nodes"]])
            for violation in found.response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == []


async def test_a_page_is_not_wider_than_a_phone(browser, address):
    async with page_at(browser, address, viewport=PHONE) as page:
        for method in METHODS.values():
            demo = Demo(page, method)
            await demo.start()
            await demo.has_text()
        wide = await page.evaluate(
            """() => [...document.querySelectorAll("body *")]
                .filter((element) => document.documentElement.scrollWidth > innerWidth
                    && element.getBoundingClientRect().right > innerWidth + 0.5)
                .map((element) => element.outerHTML.slice(0, 120))"""
        )
        assert wide == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_without_javascript_the_demos_say_that_they_need_it(browser, address):
    async with page_at(browser, address, java_script_enabled=False) as page:
        assert await page.locator("stream-demo .needs-js:visible").count() == len(METHODS)
        await expect(page.locator("article h2").first).to_be_visible()


@IN_ENGLISH
async def test_with_javascript_the_demos_do_not_say_that_they_need_it(browser, address):
    async with page_at(browser, address) as page:
        assert await page.locator("stream-demo .needs-js:visible").count() == 0

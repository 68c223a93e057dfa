"""The page to ask a model on, in a real browser, with a source that does what a question says."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, expect

from .browser import chromium, page_at
from .proxy import Proxy
from .site import Site, SiteMaker

pytestmark = pytest.mark.asyncio(loop_scope="session")

LANGUAGES = {"zh": "", "en": "/en"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
MARKDOWN = """## Title

Some **bold** text, `code` and [a link](https://example.com/).

1. one
2. two

| a | b |
|---|--:|
| 1 | 2 |

```python
print("<b>")
```
"""
# What would run a script, or lead to one, if the page took any of it for HTML or for an address.
PAYLOADS = [
    "<script>window.harmed = 1</script>",
    "<img src=x onerror='window.harmed = 1'>",
    "<svg/onload=window.harmed=1>",
    "<iframe srcdoc='<script>parent.harmed = 1</script>'></iframe>",
    "<a href='javascript:window.harmed=1'>a</a>",
    "[a](javascript:window.harmed=1)",
    "[a](JaVaScRiPt:window.harmed=1)",
    "[a](java&#115;cript&colon;window.harmed=1)",
    "[a](javascript&#58;window.harmed=1)",
    "[a](<javascript:window.harmed=1>)",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a](vbscript:window.harmed=1)",
    "<javascript:window.harmed=1>",
    "![a](javascript:window.harmed=1)",
    '![a](https://example.com/"onerror="window.harmed=1)',
    '[a](https://example.com/"onclick="window.harmed=1)',
    "[a](https://example.com 'x\" onmouseover=\"window.harmed=1')",
    '```"><script>window.harmed = 1</script>\n</code></pre><script>window.harmed = 1</script>\n```',
    "`<script>window.harmed = 1</script>`",
    "| <script>window.harmed=1</script> | b |\n|---|---|\n| <img src=x onerror=harmed=1> | c |",
    "<style>body { display: none }</style>",
    "<link rel=stylesheet href=//example.com/x.css>",
    "<base href=//example.com/>",
    "<meta http-equiv=refresh content='0;url=//example.com'>",
    "&lt;script&gt;window.harmed = 1&lt;/script&gt;",
    "<template><script>window.harmed = 1</script></template>",
    "<form action=javascript:window.harmed=1><button>x</button></form>",
    "<math><mtext><table><mglyph><style><img src onerror=window.harmed=1>",
    "[constructor](__proto__) [__proto__](https://example.com/__proto__)",
]


class Ask:
    """The page in one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.element = page.locator("chat-page")
        self.field = page.locator("textarea")
        self.answers = page.locator("article.answer")
        self.questions = page.locator("article.question")
        self.conversations = page.locator(".conversations li")

    @property
    def answer(self) -> Locator:
        return self.answers.last

    def button(self, action: str) -> Locator:
        return self.page.locator(f'button[data-action="{action}"]')

    async def send(self, text: str) -> None:
        await self.field.fill(text)
        await self.field.press("Enter")

    async def ask(self, text: str) -> None:
        """Ask, and wait for the end of the answer."""
        number = await self.answers.count()
        await self.send(text)
        await expect(self.answers).to_have_count(number + 1)
        await self.is_in("idle")

    async def is_in(self, state: str) -> None:
        await expect(self.element).to_have_attribute("state", state)

    async def shows(self, text: str) -> None:
        await expect(self.answer.locator(".body")).to_have_text(text)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def ask_site(make_shared_site: SiteMaker) -> Site:
    return make_shared_site(CHAT_SOURCE="tests.inside.chatter.answer").start()


@pytest.fixture
def asked(ask_site: Site) -> Iterator[Site]:
    yield ask_site
    ask_site.server.assert_calm()


@pytest.fixture(params=LANGUAGES)
def address(request: pytest.FixtureRequest, asked: Site) -> str:
    return f"{asked.url}{LANGUAGES[request.param]}/ask/"


@pytest.fixture
def english(asked: Site) -> str:
    return f"{asked.url}/en/ask/"


@pytest.fixture(params=["sse", "websocket"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


async def take(page: Page, transport: str) -> None:
    await page.locator(f'input[value="{transport}"]').check()


async def test_an_answer_comes_as_it_is_written_and_is_shown_as_markdown(
    browser, address, transport
):
    async with page_at(browser, address) as page:
        ask = Ask(page)
        await take(page, transport)
        await ask.send("say # One\n\nand **two** ⏸")
        await expect(ask.answer.locator("h2")).to_have_text("One")
        await expect(ask.answer.locator("strong")).to_have_text("two")
        await ask.is_in("answering")
        await expect(ask.questions).to_have_text("say # One\n\nand **two** ⏸")
        await ask.button("stop").click()
        await ask.is_in("idle")
        await ask.ask(f"say {MARKDOWN}")
        body = ask.answer.locator(".body")
        await expect(body.locator("h2")).to_have_text("Title")
        await expect(body.locator("ol li")).to_have_count(2)
        await expect(body.locator("tbody td").last).to_have_attribute("data-align", "end")
        await expect(body.locator(".code .language")).to_have_text("python")
        await expect(body.locator("pre")).to_have_text('print("<b>")')
        link = body.get_by_role("link")
        await expect(link).to_have_attribute("href", "https://example.com/")
        await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


async def test_stop_ends_the_answer_for_good(browser, address, transport):
    async with page_at(browser, address) as page:
        ask = Ask(page)
        await take(page, transport)
        await ask.send("hang")
        await ask.shows("waiting")
        await ask.button("stop").click()
        await ask.is_in("idle")
        await expect(ask.answer.locator(".end[data-end=abort]")).to_be_visible()
        await page.reload()
        await ask.shows("waiting")
        await expect(ask.answer.locator(".end[data-end=abort]")).to_be_visible()
        await ask.is_in("idle")
        await ask.ask("count 2")
        await ask.shows("0 1")


async def test_a_reload_in_the_middle_of_an_answer_shows_it_and_what_follows(
    browser, english, transport
):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await take(page, transport)
        await ask.ask("say Before")
        await ask.send("count 40 0.05")
        await expect(ask.answer).to_contain_text("0 1")
        await page.reload()
        await expect(ask.questions).to_have_count(2)
        await ask.is_in("answering")
        await ask.is_in("idle")
        await ask.shows(" ".join(map(str, range(40))))
        await expect(ask.answers).to_have_count(2)


async def test_a_connection_that_breaks_off_in_the_middle_of_an_answer_loses_nothing(
    browser, asked, transport
):
    async with (
        Proxy(asked.address) as proxy,
        # The browser reports each connection that is cut.
        page_at(browser, f"{proxy.url}/en/ask/", calm=False) as page,
    ):
        ask = Ask(page)
        await take(page, transport)
        await ask.send("count 60 0.05")
        for number in (5, 20):
            await expect(ask.answer).to_contain_text(f" {number} ")
            await proxy.cut()
        await ask.is_in("idle")
        await ask.shows(" ".join(map(str, range(60))))
        await expect(ask.answers).to_have_count(1)
        await expect(page.locator(".complaint")).to_be_hidden()


async def test_a_second_tab_shows_the_same_and_may_stop_it(browser, english):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await ask.send("hang")
        await ask.shows("waiting")
        other = Ask(await page.context.new_page())
        await other.page.goto(page.url)
        await other.shows("waiting")
        await other.is_in("answering")
        await other.button("stop").click()
        for each in (ask, other):
            await each.is_in("idle")
            await expect(each.answer.locator(".end[data-end=abort]")).to_be_visible()
        # A question in one tab shows in the other.
        await ask.ask("say Again")
        await other.shows("Again")


async def test_ask_again_replaces_the_answer(browser, english, transport):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await take(page, transport)
        await ask.ask("history")
        first = await ask.answer.text_content()
        await ask.ask("history")
        before = await ask.answer.text_content()
        assert before != first
        replaced = await ask.answer.element_handle()
        await ask.button("retry").last.click()
        await replaced.wait_for_element_state("hidden")
        await ask.is_in("idle")
        await expect(ask.answers).to_have_count(2)
        await expect(ask.questions).to_have_count(2)
        assert await ask.answer.text_content() == before
        await page.reload()
        await expect(ask.answers).to_have_count(2)


async def test_an_answer_and_a_block_of_code_can_be_copied(browser, english):
    permissions = ["clipboard-read", "clipboard-write"]
    async with page_at(browser, english, permissions=permissions) as page:
        ask = Ask(page)
        await ask.ask(f"say {MARKDOWN}")

        async def copied() -> str:
            return await page.evaluate("navigator.clipboard.readText()")

        await ask.button("copy-code").click()
        await expect(ask.button("copy-code")).to_have_text("Copied")
        assert await copied() == 'print("<b>")'
        await ask.button("copy").click()
        await expect(ask.button("copy")).to_have_text("Copied")
        assert await copied() == MARKDOWN.strip()


async def test_reasoning_is_folded_and_a_tool_call_is_shown(browser, english):
    parts: list[dict[str, Any]] = [
        {"type": "reasoning-start", "id": "r"},
        {"type": "reasoning-delta", "id": "r", "delta": "Let me see."},
        {"type": "reasoning-end", "id": "r"},
        {
            "type": "tool-input-available",
            "toolCallId": "c",
            "toolName": "weather",
            "input": {"city": "Bergen"},
        },
        {"type": "tool-output-available", "toolCallId": "c", "output": "Rain."},
        {"type": "text-start", "id": "t"},
        {"type": "text-delta", "id": "t", "delta": "Take an *umbrella*."},
        {"type": "text-end", "id": "t"},
    ]
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await ask.ask(f"parts {json.dumps(parts)}")
        for _ in range(2):
            await expect(ask.answer.locator(".thought")).not_to_be_visible()
            await expect(ask.answer.locator(".thought")).to_have_text("Let me see.")
            await expect(ask.answer.locator(".tool .name")).to_have_text("weather")
            await expect(ask.answer.locator(".tool .input")).to_have_text('{"city":"Bergen"}')
            await expect(ask.answer.locator(".tool .result")).to_have_text("Rain.")
            await expect(ask.answer.locator("em")).to_have_text("umbrella")
            await page.reload()
            await expect(ask.answers).to_have_count(1)


async def test_conversations_are_listed_opened_and_deleted(browser, address):
    async with page_at(browser, address, viewport=DESKTOP) as page:
        ask = Ask(page)
        await expect(page.locator(".no-conversations")).to_be_visible()
        await ask.ask("say First")
        first = page.url
        await page.locator('[data-action="new"]').click()
        await expect(ask.answers).to_have_count(0)
        await ask.ask("say Second")
        await expect(ask.conversations).to_have_count(2)
        await expect(page.locator('.conversations [aria-current="page"]')).to_have_text(
            "say Second"
        )
        await ask.conversations.last.get_by_role("link").click()
        await ask.shows("First")
        assert page.url == first
        await page.go_back()
        await ask.shows("Second")
        delete = ask.conversations.last.locator("button")
        await delete.focus()
        await delete.press("Enter")
        await page.keyboard.press("Escape")
        await expect(ask.conversations).to_have_count(2)
        await delete.click()
        await ask.button("delete-now").click()
        await expect(ask.conversations).to_have_count(1)
        await ask.shows("Second")


async def test_a_stranger_does_not_see_a_conversation(browser, english):
    async with page_at(browser, english) as page:
        await Ask(page).ask("say Mine")
        async with page_at(browser, page.url, calm=False) as other:
            await expect(other.locator(".complaint .reason")).to_contain_text(
                "There is no such conversation"
            )
            await expect(other.locator("article")).to_have_count(0)


async def test_an_answer_that_fails_says_why_and_can_be_asked_for_again(browser, english):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await ask.ask("fail The provider is away.")
        for _ in range(2):
            await ask.shows("so far")
            end = ask.answer.locator(".end[data-end=error]")
            await expect(end).to_have_text("The provider is away.")
            await expect(ask.button("retry")).to_be_visible()
            await page.reload()
            await expect(ask.answers).to_have_count(1)


async def test_a_question_that_is_refused_goes_back_into_its_field(browser, address):
    async with page_at(browser, address, calm=False) as page:
        ask = Ask(page)
        await ask.send("x" * 40_000)
        await expect(page.locator(".complaint .detail")).to_contain_text("Send at most 32000")
        await expect(ask.field).to_have_value("x" * 40_000)
        await expect(ask.questions).to_have_count(0)
        assert "?" not in page.url
        await ask.ask("say Short")
        await ask.shows("Short")
        await expect(page.locator(".complaint")).not_to_be_visible()


async def test_too_many_answers_at_once_are_refused_in_words(browser, english):
    async with page_at(browser, english, calm=False) as page:
        ask = Ask(page)
        for _ in range(3):
            await ask.send("hang")
            await ask.shows("waiting")
            await page.goto(english)
        await ask.send("say More")
        reason = page.locator(".complaint .reason")
        await expect(reason).to_contain_text("Too many answers are being written.")
        await expect(reason).to_contain_text("Try again in")
        for number in range(3):
            await ask.conversations.nth(number).get_by_role("link").click()
            await ask.is_in("answering")
            await ask.button("stop").click()
            await ask.is_in("idle")


async def test_a_question_that_does_not_reach_the_site_is_given_back(browser, address):
    async with page_at(browser, address, calm=False) as page:
        ask = Ask(page)
        await page.context.set_offline(True)
        await ask.send("say Hello")
        await expect(page.locator(".complaint .reason")).not_to_be_empty()
        await expect(ask.field).to_have_value("say Hello")
        await page.context.set_offline(False)
        await ask.field.press("Enter")
        await ask.shows("Hello")


async def test_without_a_model_the_page_says_how_to_give_it_one(browser, site):
    for prefix in LANGUAGES.values():
        async with page_at(browser, f"{site.url}{prefix}/ask/") as page:
            for name in ("CHAT_MODEL", "OPENAI_BASE_URL", "manage.py offlinemodel"):
                await expect(page.locator(".welcome")).to_contain_text(name)
            await expect(page.locator("textarea")).to_have_count(0)
            assert (await Axe().run(page)).response["violations"] == []


async def test_the_page_works_with_the_keyboard_alone(browser, english):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        await expect(ask.field).to_be_focused()
        await page.keyboard.type("say One")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("Two ⏸")
        assert await ask.field.input_value() == "say One\nTwo ⏸"
        await page.keyboard.press("Enter")
        await ask.shows("One\nTwo")
        await page.keyboard.press("Escape")
        await ask.is_in("idle")
        await expect(ask.answer.locator(".end[data-end=abort]")).to_be_visible()
        await expect(ask.field).to_be_focused()
        await page.keyboard.press("Shift+Tab")  # From the field to "Ask again".
        await expect(ask.button("retry")).to_be_focused()
        await page.keyboard.press("Enter")
        await ask.is_in("answering")
        await page.keyboard.press("Escape")
        await ask.is_in("idle")


async def test_a_screen_reader_hears_the_finished_answer_once(browser, english):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await page.evaluate(
            """() => {
                window.said = [];
                const box = document.querySelector(".said");
                new MutationObserver(() => said.push(box.textContent))
                    .observe(box, { childList: true });
            }"""
        )
        await ask.ask("count 30 0.01")
        numbers = " ".join(map(str, range(30)))
        assert await page.evaluate("said") == [
            "Waiting for the answer…",
            f"The answer is complete. {numbers}",
        ]
        await expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")


async def test_the_box_stays_at_its_end_only_while_the_reader_is_there(browser, english):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        lines = "\n\n".join(map(str, range(60)))
        await ask.ask(f"say {lines}")
        box = page.locator(".log-box")
        gap = "box => box.scrollHeight - box.scrollTop - box.clientHeight"
        assert await box.evaluate(gap) < 2
        await ask.send(f"say {lines} ⏸")
        await expect(ask.answer).to_contain_text("59")
        assert await box.evaluate(gap) < 2
        await page.keyboard.press("Escape")
        await ask.is_in("idle")
        await ask.send("count 40 0.02")
        await ask.is_in("answering")
        await box.evaluate("box => { box.scrollTop = 10 }")
        await ask.is_in("idle")
        assert await box.evaluate("box => box.scrollTop") == 10


async def test_the_wire_view_shows_the_bytes_of_the_answer(browser, english, transport):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await take(page, transport)
        await ask.ask("say Hello")
        log = page.locator("wire-view .log")
        await expect(log).to_contain_text('"type":"text-delta"')
        await expect(log).to_contain_text('"delta":"Hello"')
        await expect(page.locator("wire-view")).to_have_attribute("data-payload", "5")
        await expect(page.locator("wire-view")).to_have_attribute("data-requests", "1")


async def test_no_text_of_an_answer_runs_a_script(browser, english):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        for joiner in ("\n\n", "\n"):
            await ask.ask(f"say {joiner.join(PAYLOADS)}")
        parts = [
            {
                "type": "tool-input-available",
                "toolCallId": "c",
                "toolName": PAYLOADS[0],
                "input": PAYLOADS,
            },
            {"type": "reasoning-start", "id": "r"},
            {"type": "reasoning-delta", "id": "r", "delta": "\n".join(PAYLOADS)},
            {"type": "source-url", "sourceId": "s", "url": "javascript:window.harmed=1"},
            {"type": "error", "errorText": PAYLOADS[1]},
        ]
        await ask.ask(f"parts {json.dumps(parts)}")
        for _ in range(2):
            links = ask.answers.locator("a")
            for number in range(await links.count()):
                href = await links.nth(number).get_attribute("href")
                assert href.startswith(("https://", "mailto:")), href
            harmful = "script, img, svg, iframe, style, link, base, meta, form, template, math"
            assert await ask.answers.locator(harmful).count() == 0
            assert (
                await page.evaluate(
                    """() => [...document.querySelectorAll(".messages *")].flatMap(
                    (each) => [...each.attributes].map(({ name }) => name)
                ).filter((name) => name.startsWith("on") || name === "style")"""
                )
                == []
            )
            assert await page.evaluate("window.harmed") is None
            await page.reload()
            await expect(ask.answers).to_have_count(3)


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", DESKTOP), ("dark", PHONE)],
    ids=["light-desktop", "dark-phone"],
)
async def test_axe_finds_no_violation(browser, address, scheme, viewport):
    async with page_at(browser, address, color_scheme=scheme, viewport=viewport) as page:
        ask = Ask(page)

        async def check() -> None:
            found = await Axe().run(page)
            assert [
                (violation["id"], [node["html"] for node in violation["nodes"]])
                for violation in found.response["violations"]
            ] == []

        await check()
        await ask.ask(f"say {MARKDOWN}")
        await ask.ask("fail The provider is away.")
        await ask.send("hang")
        await ask.shows("waiting")
        await check()
        await page.keyboard.press("Escape")
        await ask.is_in("idle")


async def test_a_page_is_not_wider_than_a_phone(browser, address):
    async with page_at(browser, address, viewport=PHONE) as page:
        ask = Ask(page)
        wide = "x" * 300
        row = f"| {wide} " * 3 + "|\n|---|---|---|"
        await ask.ask(f"say {wide}\n\n```\n{wide}\n```\n\n{row}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_without_javascript_the_page_says_what_it_needs(browser, address):
    async with page_at(browser, address, java_script_enabled=False) as page:
        await expect(page.locator("noscript p")).to_be_visible()
        await expect(page.locator("textarea")).not_to_be_visible()


async def test_the_site_s_pages_link_to_the_page(browser, asked):
    for prefix in LANGUAGES.values():
        async with page_at(browser, f"{asked.url}{prefix}/") as page:
            await expect(page.locator(f'.site-nav a[href="{prefix}/ask/"]')).to_be_visible()
            await expect(page.locator(f'article a[href="{prefix}/ask/"]')).to_be_visible()

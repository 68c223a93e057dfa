"""The page for everybody: with the keyboard, a screen reader, a phone, and without JavaScript."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser import page_at
from tests.inside import chatter

from .page import DESKTOP, LANGUAGES, MARKDOWN, PHONE, Ask, come_back

pytestmark = pytest.mark.asyncio(loop_scope="session")


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


async def test_the_box_stays_at_its_end_only_while_the_reader_is_there(browser, asked, english):
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
        await ask.send(f"say One ⏵ {lines}")
        await ask.shows("One")
        await box.evaluate("box => { box.scrollTop = 10 }")
        asked.call(chatter.let_go_on, ask.key)
        await ask.is_in("idle")
        await expect(ask.answer).to_contain_text("59")
        assert await box.evaluate("box => box.scrollTop") == 10


async def test_the_place_in_a_conversation_stays_when_the_reader_comes_back_to_the_tab(
    browser, english
):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        lines = "\n\n".join(map(str, range(60)))
        await ask.ask(f"say {lines}")
        box = page.locator(".log-box")
        await box.evaluate("box => { box.scrollTop = 100 }")
        for _ in range(2):
            async with page.expect_response("**/chat/conversations/*") as answer:
                await come_back(page)
            await (await answer.value).finished()
            await expect(ask.answers).to_have_count(1)
            assert await box.evaluate("box => box.scrollTop") == 100
        copy = await ask.button("copy").element_handle()
        async with page.expect_response("**/chat/conversations/*") as answer:
            await come_back(page)
        await (await answer.value).finished()
        assert await copy.evaluate("button => button.isConnected")


async def test_escape_while_an_input_method_composes_stops_no_answer(browser, english):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        await ask.send("hang")
        await ask.shows("waiting")
        press = """(field, options) => field.dispatchEvent(new KeyboardEvent("keydown", {
            bubbles: true, cancelable: true, ...options }))"""
        for options in ({"key": "Escape", "isComposing": True}, {"key": "Escape", "keyCode": 229}):
            # `dispatchEvent` returns false if the page has taken the key for itself.
            assert await ask.field.evaluate(press, options)
        await ask.is_in("answering")
        await ask.field.fill("ni")
        # Safari ends the composition before it tells of the key that ended it.
        assert await ask.field.evaluate(press, {"key": "Enter", "keyCode": 229})
        assert await ask.field.input_value() == "ni"
        await page.keyboard.press("Escape")
        await ask.is_in("idle")


async def test_the_link_to_the_content_leaves_an_answer_alone(browser, english):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        await ask.send("hang")
        await ask.shows("waiting")
        answer = await ask.answer.element_handle()
        await page.locator(".skip").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**#main")
        await ask.is_in("answering")
        assert await answer.evaluate("answer => answer.isConnected")
        await page.keyboard.press("Escape")
        await ask.is_in("idle")


async def test_a_conversation_is_printed_as_a_whole(browser, english):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        lines = "\n\n".join(map(str, range(60)))
        await ask.ask(f"say {lines}")
        await page.emulate_media(media="print")
        box = page.locator(".log-box")
        assert await box.evaluate("box => box.scrollHeight - box.clientHeight") == 0
        await expect(ask.field).to_be_hidden()


async def test_code_in_a_hebrew_answer_reads_from_left_to_right(browser, english):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        await ask.ask("say שלום\n\n```python\nprint(1)\n```")
        direction = "element => getComputedStyle(element).direction"
        assert await ask.answer.locator("p").first.evaluate(direction) == "rtl"
        assert await ask.answer.locator("pre").evaluate(direction) == "ltr"


async def test_a_choice_is_marked_where_the_system_forces_its_colours(browser, english):
    async with page_at(browser, english, viewport=DESKTOP, forced_colors="active") as page:
        colours = await page.evaluate(
            """() => {
                const mark = document.body.appendChild(document.createElement("p"));
                mark.style.backgroundColor = "Highlight";
                return [mark, ...document.querySelectorAll(".choices span")]
                    .map((element) => getComputedStyle(element))
                    .map(({ backgroundColor, forcedColorAdjust }) =>
                        [backgroundColor, forcedColorAdjust]);
            }"""
        )
        (highlight, _), (chosen, adjusted), (other, _) = colours
        assert chosen == highlight != other
        # Otherwise Chromium paints the colour of the page behind the words.
        assert adjusted == "none"


async def test_a_theme_that_was_chosen_meanwhile_holds_on_a_page_that_is_shown_again(
    browser, english
):
    async with page_at(browser, english) as page:
        theme = page.locator("html")
        await page.get_by_label("Theme").select_option("dark")
        await expect(theme).to_have_attribute("data-theme", "dark")
        # Another page of the site, between two visits to this one.
        await page.evaluate("localStorage.setItem('theme', 'light')")
        await page.evaluate(
            "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
        )
        await expect(theme).to_have_attribute("data-theme", "light")
        await expect(page.get_by_label("Theme")).to_have_value("light")


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

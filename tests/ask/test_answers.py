"""Answers: how they come, break off, go on, and end."""

import json
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser import page_at
from tests.inside import chatter
from tests.proxy import Proxy

from .page import MARKDOWN, Ask, take

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
    browser, asked, english, transport
):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await take(page, transport)
        await ask.ask("say Before")
        first, rest = (" ".join(map(str, numbers)) for numbers in (range(20), range(20, 40)))
        await ask.send(f"say {first} ⏵ {rest}")
        await ask.shows(first)
        await page.reload()
        await expect(ask.questions).to_have_count(2)
        await ask.is_in("answering")
        asked.call(chatter.let_go_on, ask.key)
        await ask.is_in("idle")
        await ask.shows(f"{first} {rest}")
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
        await ask.stop_timers()

        async def copied() -> str:
            return await page.evaluate("navigator.clipboard.readText()")

        await ask.button("copy-code").click()
        await expect(ask.button("copy-code")).to_have_text("Copied")
        assert await copied() == 'print("<b>")'
        await ask.button("copy").click()
        await expect(ask.button("copy")).to_have_text("Copied")
        assert await copied() == MARKDOWN.strip()
        await ask.button("copy").click()
        await page.clock.run_for(2000)
        await expect(ask.button("copy")).to_have_text("Copy")


async def test_a_copy_that_the_browser_refuses_says_so(browser, english):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await page.evaluate(
            "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')) }"
        )
        await ask.ask("say Hello")
        await ask.stop_timers()
        await ask.button("copy").click()
        await expect(ask.button("copy")).to_have_text("Not copied")
        await expect(page.locator(".said")).to_have_text("Not copied")


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

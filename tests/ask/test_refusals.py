"""What the page says when there is no answer, and what becomes of the question."""

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser import page_at
from tests.waiting import wait_until

from .page import LANGUAGES, Ask, take

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
        await expect(page.locator(".complaint .reason")).to_contain_text("32000")
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


async def test_a_chinese_reader_is_told_in_chinese_why_a_question_is_refused(
    browser, asked, transport
):
    chinese = f"{asked.url}/ask/"
    async with page_at(browser, chinese, calm=False) as page:
        ask = Ask(page)
        complaint = page.locator(".complaint")

        async def is_chinese() -> None:
            await expect(complaint).to_be_visible()
            assert not re.search("[A-Za-z]", await complaint.inner_text())

        await take(page, transport)
        await ask.send("x" * 40_000)
        await is_chinese()
        await page.context.set_offline(True)
        await ask.send("say Hello")
        await is_chinese()
        await page.context.set_offline(False)
        await page.goto(f"{chinese}?c=nobody")
        await is_chinese()
        await page.goto(chinese)
        for _ in range(3):
            await ask.send("hang")
            await ask.shows("waiting")
            await page.goto(chinese)
        await take(page, transport)
        await ask.send("say More")
        await is_chinese()
        for number in range(3):
            await ask.conversations.nth(number).get_by_role("link").click()
            await ask.is_in("answering")
            await ask.button("stop").click()
            await ask.is_in("idle")


async def test_an_answer_that_fails_says_so_in_the_language_of_the_page(browser, asked, transport):
    before = asked.server.log.count("Traceback")
    async with page_at(browser, f"{asked.url}/ask/", locale="en-US") as page:
        ask = Ask(page)
        await take(page, transport)
        await ask.ask("break")
        await expect(ask.answer.locator(".end")).to_have_text("回答失败，请再问一次。")
    # The exception is logged after the end of the answer.
    wait_until(lambda: asked.server.log.count("Traceback") > before, "the exception is logged")
    asked.server.excuse()


async def test_an_unusual_refusal_has_the_sentence_of_the_server(browser, english):
    async with page_at(browser, english, calm=False) as page:
        ask = Ask(page)
        await ask.field.evaluate("(field) => { field.value = 'half \\ud83d' }")
        await ask.field.press("Enter")
        await expect(page.locator(".complaint .reason")).to_have_text(
            "The site refuses this request."
        )
        await expect(page.locator(".complaint .detail")).to_contain_text("surrogate")


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


async def test_a_stop_that_does_not_reach_the_site_can_be_repeated(browser, english):
    async with page_at(browser, english, calm=False) as page:
        ask = Ask(page)
        await ask.send("hang")
        await ask.shows("waiting")
        await page.route("**/stop", lambda route: route.abort(), times=1)
        await ask.button("stop").click()
        await expect(page.locator(".complaint .reason")).to_be_visible()
        await ask.is_in("answering")
        await ask.button("stop").click()
        await ask.is_in("idle")
        await expect(ask.answer.locator(".end[data-end=abort]")).to_be_visible()

"""Conversations: in several tabs, in the list, and out of the reach of strangers."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser import delay_answer, page_at

from .page import DESKTOP, PHONE, Ask, come_back

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def keep_back(page: Page, pattern: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Keep back the next request to such an address.

    Return two events: the request is there, and the test lets it go on.
    """
    asked, let_go = asyncio.Event(), asyncio.Event()

    async def wait(route: Route) -> None:
        asked.set()
        await let_go.wait()
        await route.continue_()

    await page.route(pattern, wait, times=1)
    return asked, let_go


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


async def test_a_deleted_conversation_stays_away_when_a_list_from_before_comes_late(
    browser, english
):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        await ask.ask("say First")
        await expect(ask.conversations).to_have_count(1)
        answered, let_go = await delay_answer(page, "**/chat/conversations")
        await come_back(page)
        await answered.wait()
        await ask.conversations.locator("button").click()
        await ask.button("delete-now").click()
        await expect(ask.conversations).to_have_count(0)
        async with page.expect_response("**/chat/conversations") as late:
            let_go.set()
        await (await late.value).finished()
        # The page has taken the late answer when it has this one.
        await page.evaluate("fetch('/chat/conversations').then((answer) => answer.json())")
        assert await ask.conversations.count() == 0


async def test_a_conversation_that_is_kept_after_all_stays_as_it_is(browser, english):
    async with page_at(browser, english, viewport=DESKTOP) as page:
        ask = Ask(page)
        _, let_go = await keep_back(page, "**/chat/conversations")
        await ask.ask("say First")
        await ask.field.fill("a draft")
        delete = ask.conversations.locator("button")
        await delete.focus()
        await delete.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        # The list that the page asked for when the answer began.
        async with page.expect_response("**/chat/conversations") as late:
            let_go.set()
        await (await late.value).finished()
        await dialog.get_by_role("button", name="Keep it").click()
        await expect(dialog).to_be_hidden()
        await expect(delete).to_be_focused()
        assert await ask.field.input_value() == "a draft"
        await expect(ask.questions).to_have_count(1)
        await expect(ask.conversations).to_have_count(1)


async def test_a_question_that_is_sent_while_its_conversation_loads_comes_below_the_others(
    browser, english
):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await ask.ask("say First")
        asked, let_go = await keep_back(page, "**/chat/conversations/*")
        await page.reload()
        await asked.wait()
        await ask.send("say Second ⏸")
        let_go.set()
        await ask.shows("Second")
        await expect(ask.questions).to_have_text(["say First", "say Second ⏸"])
        await expect(ask.answers).to_have_count(2)
        await page.keyboard.press("Escape")
        await ask.is_in("idle")


async def test_an_answer_stays_when_a_look_at_the_server_from_before_it_comes_late(
    browser, english
):
    async with page_at(browser, english) as page:
        ask = Ask(page)
        await ask.ask("say First")
        answered, let_go = await delay_answer(page, "**/chat/conversations/*")
        await come_back(page)
        await answered.wait()
        await ask.ask("say Second")
        async with page.expect_response("**/chat/conversations/*") as late:
            let_go.set()
        await (await late.value).finished()
        await expect(ask.questions).to_have_text(["say First", "say Second"])
        await ask.ask("say Third")
        await expect(ask.questions).to_have_text(["say First", "say Second", "say Third"])


async def test_a_conversation_that_is_opened_on_a_phone_is_read_without_the_keyboard(
    browser, english
):
    async with page_at(browser, english, viewport=PHONE) as page:
        ask = Ask(page)
        await ask.ask("say First")
        await page.locator(".conversations summary").click()
        await page.locator('.conversations [data-action="new"]').click()
        await expect(ask.field).to_be_focused()
        await page.locator(".conversations summary").click()
        await ask.conversations.get_by_role("link").click()
        await ask.shows("First")
        await expect(page.get_by_role("log")).to_be_focused()


async def test_a_stranger_does_not_see_a_conversation(browser, english):
    async with page_at(browser, english) as page:
        await Ask(page).ask("say Mine")
        async with page_at(browser, page.url, calm=False) as other:
            await expect(other.locator(".complaint .reason")).to_contain_text(
                "There is no such conversation"
            )
            await expect(other.locator("article")).to_have_count(0)

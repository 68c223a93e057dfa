"""A race on the lab's page ends with the texts and the figures that the server has."""

import json
import re

import pytest
from playwright.async_api import expect

from tests.browser import page_at
from tests.raw import http

from .page import LANGUAGES, SOURCES, Lab, check_counts, link

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", SOURCES)
async def test_a_race_ends_with_four_verified_texts_and_the_server_s_figures(
    browser, site, language, source
):
    query = f"seconds=3&rate=20&source={source}"
    async with page_at(browser, link(site, query, language), base_url=site.url) as page:
        lab = Lab(page)
        await expect(lab.element).to_have_attribute("state", "idle")
        await lab.start()
        await lab.is_over()
        run = await lab.look()
        panels = await lab.panels()
        check_counts(panels, run, source)
        rows = {row["transport"]: row for row in run["connections"]}
        for transport, panel in panels.items():
            assert panel["state"] == "done"
            assert panel["verified"] == "true"
            assert int(panel["pieces"]) == run["count"] == rows[transport]["pieces"] == 60
            figure = lab.panel(transport).locator('[data-figure="requests"]')
            assert int(await figure.inner_text()) == rows[transport]["requests"]
            payload = await lab.panel(transport).locator('[data-figure="payload"]').inner_text()
            text = "".join(f"{n} ".ljust(8, "·") for n in range(60))
            assert int(re.sub(r"\D", "", payload)) == len(text.encode())
            await expect(lab.panel(transport).locator('[data-part="tail"]')).to_contain_text("59 ")
            for lag in ("p50", "p99"):
                await expect(lab.panel(transport).locator(f'[data-figure="{lag}"]')).to_have_text(
                    re.compile(r"^[\d,]+ ms$")
                )
        # The engine's log says the same to a reader on a raw socket.
        answer = json.loads(http.get(site.address, f"/stream/{lab.run}/polling?after=0").body)
        assert "".join(answer["pieces"]) == text
        assert answer["sha256"] == run["stream"]["sha256"] == run["sha256"]


async def test_a_text_without_numbers_is_verified_and_what_a_plain_reader_cannot_count_is_left_out(
    browser, site
):
    async with page_at(browser, link(site, "seconds=2&rate=20&text=article&source=plain")) as page:
        lab = Lab(page)
        await lab.start()
        await lab.is_over()
        for transport, panel in (await lab.panels()).items():
            assert panel["verified"] == "true", transport
            assert ("lost" in panel) == (transport == "polling")


async def test_a_page_that_was_left_in_a_race_is_ready_for_another_when_it_is_shown_again(
    browser, site
):
    async with page_at(browser, link(site, "seconds=60&rate=20"), base_url=site.url) as page:
        lab = Lab(page)
        figures = page.locator(".take button")
        await expect(figures.first).to_be_hidden()
        await lab.start()
        await lab.has_pieces("sse")
        await expect(figures.first).to_be_visible()
        # As the browser does before it puts the page into its back/forward cache.
        await page.evaluate(
            "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"
        )
        await expect(lab.element).to_have_attribute("state", "idle")
        assert {panel["state"] for panel in (await lab.panels()).values()} == {"idle"}
        await expect(figures.first).to_be_hidden()
        await lab.fault("cut-all").click()
        await expect(page.locator(".plot-faults li")).to_have_count(0)
        await page.locator('[name="seconds"]').fill("3")
        await lab.start()
        await lab.is_over()
        assert {panel["verified"] for panel in (await lab.panels()).values()} == {"true"}
        await expect(page.locator('[data-part="complaint"]')).to_be_hidden()


async def test_two_hundred_pieces_a_second_arrive_and_the_lists_stay_short(browser, site):
    async with page_at(browser, link(site, "seconds=3&rate=200&size=1")) as page:
        lab = Lab(page)
        await lab.start()
        await lab.is_over()
        for transport, panel in (await lab.panels()).items():
            assert (panel["pieces"], panel["verified"]) == ("600", "true"), transport
            assert await lab.panel(transport).locator(".log li").count() <= 6
        assert await page.locator("*").count() < 1500


async def test_an_answer_of_the_model_is_raced_where_there_is_a_model(browser, make_site):
    site = make_site(CHAT_SOURCE="tests.inside.chatter.essay").start()
    async with page_at(browser, link(site, "rate=20"), base_url=site.url) as page:
        lab = Lab(page)
        await page.locator(".bench label", has_text="A model’s answer").click()
        await lab.start()
        await lab.is_over()
        run, panels = await lab.look(), await lab.panels()
        check_counts(panels, run, "engine")
        assert run["options"]["text"] == "model"
        for transport, panel in panels.items():
            assert (panel["pieces"], panel["verified"]) == ("20", "true"), transport
            await expect(lab.panel(transport).locator('[data-part="tail"]')).to_contain_text(
                "word 18 word 19"
            )


async def test_without_a_model_its_answer_cannot_be_chosen_and_the_page_says_why(browser, site):
    async with page_at(browser, link(site)) as page:
        await expect(page.locator('[name="text"][value="model"]')).to_be_disabled()
        await expect(page.locator("#why-model")).to_contain_text("This site has no model.")

"""The lab's switches, links, tour and files."""

import csv
import json
import re
from html import unescape

import pytest
from playwright.async_api import expect

from tests.browser import page_at
from tests.raw import http
from tests.site import Site

from .page import LANGUAGES, TRANSPORTS, Lab, link

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_one_panel_can_be_switched_alone_and_all_at_once(browser, site):
    async with page_at(browser, link(site, "seconds=4&rate=20")) as page:
        lab = Lab(page)
        await lab.panel("sse").locator("label", has_text="Plain").click()
        assert [p["source"] for p in (await lab.panels()).values()] == [
            "engine",
            "engine",
            "plain",
            "engine",
        ]
        await lab.start()
        await lab.is_over()
        assert {panel["verified"] for panel in (await lab.panels()).values()} == {"true"}
        await page.locator(".bench label", has_text="The plain way").click()
        assert {p["source"] for p in (await lab.panels()).values()} == {"plain"}


async def test_a_link_opens_the_lab_in_its_state_and_its_fault_comes_after_the_start(browser, site):
    query = "rate=50&seconds=12&size=20&source=plain&fault=cut&panel=sse"
    async with page_at(browser, link(site, query)) as page:
        lab = Lab(page)
        for name, value in {"rate": "50", "seconds": "12", "size": "20"}.items():
            await expect(page.locator(f'[name="{name}"]')).to_have_value(value)
        assert {panel["source"] for panel in (await lab.panels()).values()} == {"plain"}
        await expect(page.locator("[data-planned]")).to_have_count(1)
        await expect(page.locator('[data-part="said"]')).to_contain_text(
            "first piece: Cut all four"
        )
        await lab.start()
        await lab.is_over()
        assert list(await lab.outcomes("cut", "plain")) == ["sse"]
        await expect(page.locator(".plot-faults li")).to_have_count(1)


async def test_every_proof_of_the_article_leads_to_a_state_that_the_lab_knows(browser, site):
    chinese, english = (proofs_of(site, path) for path in LANGUAGES.values())
    assert english == chinese
    assert len(english) >= 14
    faults = set()
    async with page_at(browser, link(site)) as page:
        for query in english:
            await page.goto(link(site, query))
            given = dict(part.split("=") for part in query.split("&"))
            for name in {"rate", "size"} & set(given):
                await expect(page.locator(f'[name="{name}"]')).to_have_value(given[name])
            if "fault" in given:
                faults.add(given["fault"])
                await expect(page.locator("[data-planned]")).to_have_count(1)
    assert {"cut", "cut-all", "buffered", "nginx", "gzip", "tabs"} <= faults


def proofs_of(site: Site, path: str) -> list[str]:
    """Return the queries of the article's links to the lab."""
    article = http.get(site.address, f"{path}/").body.decode()
    pattern = rf'class="proof" href="{path}/lab/\?([^"]+)"'
    return [unescape(query) for query in re.findall(pattern, article)]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_tour_has_six_steps_and_each_starts_its_race(browser, site, language):
    async with page_at(browser, link(site, "", language)) as page:
        lab = Lab(page)
        await page.locator('[data-tour="begin"]').click()
        for number in range(1, 7):
            step = page.locator("[data-step]:visible")
            await expect(step).to_have_count(1)
            await expect(step.locator("h3")).to_be_focused()
            if number == 1:
                await step.locator('[data-tour="do"]').click()
                await lab.has_pieces()
            if number < 6:
                await page.locator('[data-tour="next"]').click()
        await expect(page.locator('[data-tour="next"]')).to_be_hidden()
        await page.locator('[data-tour="leave"]').click()
        await expect(page.locator("[data-step]:visible")).to_have_count(0)


async def test_the_figures_can_be_taken_away(browser, site):
    async with page_at(browser, link(site, "seconds=2&rate=20")) as page:
        lab = Lab(page)
        await lab.start()
        await lab.is_over()
        panels = await lab.panels()
        files = {}
        for kind in ("csv", "json"):
            async with page.expect_download() as download:
                await page.locator(f'button[data-action="{kind}"]').click()
            files[kind] = (await (await download.value).path()).read_text(encoding="utf-8")
        rows = list(csv.DictReader(files["csv"].splitlines()))
        assert [row["transport"] for row in rows] == list(TRANSPORTS)
        assert [row["pieces"] for row in rows] == [panel["pieces"] for panel in panels.values()]
        taken = json.loads(files["json"])
        assert taken["run"]["count"] == len(taken["writtenAt"]) == 40
        assert [panel["curve"][-1]["count"] for panel in taken["panels"]] == [40] * 4


async def test_another_tab_says_that_a_run_is_under_way(browser, site):
    async with page_at(browser, link(site, "seconds=60")) as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces()
        other = await page.context.new_page()
        await other.goto(page.url)
        await expect(other.locator('[data-part="said"]')).to_contain_text("in another tab")

"""Faults of the producer, caused on the lab's page."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser import Complaints, page_at
from tests.site import Site

from .page import SOURCES, STREAMED, TRANSPORTS, Lab, both, check_counts, link

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_killed_producer_interrupts_the_stream_and_the_plain_way_hears_nothing(
    browser, site
):
    (engine, engine_run, _), (plain, plain_run, outcomes) = await both(browser, site, "kill")
    check_counts(engine, engine_run, "engine")
    assert {panel["state"] for panel in engine.values()} == {"interrupted"}
    assert engine_run["stream"]["state"] == "interrupted"
    check_counts(plain, plain_run, "plain")
    assert {plain[transport]["state"] for transport in STREAMED} == {"silent"}
    assert all(outcomes[transport][2].startswith(">") for transport in STREAMED)


async def stopped_from_another_tab(browser: Browser, site: Site, source: str) -> Any:
    """Run a race, stop it in a second tab, and return what page and server say."""
    # The longest run, at a low rate: a busy machine may take half a minute to open the tab.
    address = link(site, f"seconds=60&rate=5&source={source}")
    async with page_at(browser, address, base_url=site.url) as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces("sse")
        async with page.expect_popup() as opening:
            await lab.fault("stop").click()
        tab = await opening.value
        complaints = Complaints(tab)
        await tab.locator('[data-action="stop"]').click()
        await expect(tab.locator('[data-part="said"]')).to_contain_text("Stopped.")
        assert complaints.heard == []
        await tab.close()
        await lab.is_over()
        await expect(page.locator(".plot-faults li")).to_have_text("stop")
        return await lab.panels(), await lab.look(), await lab.outcomes("stop", source)


async def test_a_stop_from_another_tab_ends_the_engine_s_stream_and_the_plain_way_goes_on(
    browser, site
):
    (engine, engine_run, outcomes), (plain, plain_run, plain_outcomes) = await asyncio.gather(
        *(stopped_from_another_tab(browser, site, source) for source in SOURCES)
    )
    check_counts(engine, engine_run, "engine")
    assert {panel["state"] for panel in engine.values()} == {"stopped"}
    assert [event["kind"] for event in engine_run["events"]].count("stop") == 1
    check_counts(plain, plain_run, "plain")
    assert {panel["state"] for panel in plain.values()} == {"done"}
    assert int(plain["sse"]["pieces"]) == 300 > int(engine["sse"]["pieces"])
    assert set(outcomes) == set(plain_outcomes) == set(TRANSPORTS)


async def test_a_stop_that_the_site_refuses_is_no_fault_of_the_race(browser, site):
    address = link(site, "seconds=60&rate=20")
    async with page_at(browser, address, base_url=site.url, calm=False) as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces("sse")
        tab = await page.context.new_page()
        await tab.goto(f"{site.url}/en/lab/stop/")
        held = asyncio.Event()

        async def refuse(route: Route) -> None:
            await held.wait()
            await route.fulfill(status=409, json={"detail": "The stream has ended already."})

        await tab.route("**/faults", refuse, times=1)
        stop = tab.locator('[data-action="stop"]')
        await stop.click()
        await expect(page.locator(".plot-faults li")).to_have_count(1)
        held.set()
        await expect(page.locator(".plot-faults li")).to_have_count(0)
        await stop.click()
        await expect(page.locator(".plot-faults li")).to_have_count(1)
        await expect(lab.panel("sse")).to_have_attribute("state", "stopped")


async def test_the_tab_that_stops_knows_only_the_run_of_its_own_browser(browser, site):
    async with page_at(browser, f"{site.url}/en/lab/stop/") as tab:
        await expect(tab.locator('[data-part="said"]')).to_contain_text("You have no run.")
        await expect(tab.locator('[data-action="stop"]')).to_be_disabled()


async def test_a_producer_that_wakes_after_its_lease_may_not_write(browser, site):
    query = "seconds=30&rate=20"
    async with page_at(browser, link(site, query), base_url=site.url) as page:
        lab = Lab(page)
        await lab.fault("hang").evaluate("button => { button.dataset.seconds = 8; }")
        await lab.start()
        await lab.has_pieces("sse")
        await lab.fault("hang").click()
        await lab.is_over()
        panels, run = await lab.panels(), await lab.look()
        check_counts(panels, run, "engine")
        assert {panel["state"] for panel in panels.values()} == {"interrupted"}
        assert run["count"] > run["stream"]["pieces"]
        kinds = [event["kind"] for event in run["events"]]
        assert (
            kinds.index("hang") < kinds.index("end") < kinds.index("wake") < kinds.index("fenced")
        )
        await expect(page.locator(".events li")).to_have_count(len(kinds))


async def test_a_fault_that_this_site_cannot_cause_says_why(browser, site):
    async with page_at(browser, link(site)) as page:
        lab = Lab(page)
        await expect(lab.fault("restart")).to_have_attribute("aria-disabled", "true")
        await expect(page.locator("#why-restart")).to_contain_text("LAB_RESTART")

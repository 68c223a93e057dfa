"""Faults of the producer, caused on the lab's page."""

import pytest
from playwright.async_api import expect

from tests.browser import page_at

from .page import STREAMED, Lab, both, check_counts, link

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


async def test_a_stop_ends_the_engine_s_stream_and_the_plain_way_goes_on(browser, site):
    (engine, engine_run, _), (plain, plain_run, _outcomes) = await both(browser, site, "stop")
    check_counts(engine, engine_run, "engine")
    assert {panel["state"] for panel in engine.values()} == {"stopped"}
    check_counts(plain, plain_run, "plain")
    assert {panel["state"] for panel in plain.values()} == {"done"}
    assert int(plain["sse"]["pieces"]) == 300 > int(engine["sse"]["pieces"])


async def test_a_producer_that_wakes_after_its_lease_may_not_write(browser, site):
    query = "seconds=15&rate=20"
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
        await expect(page.locator(".why")).to_contain_text("LAB_RESTART")

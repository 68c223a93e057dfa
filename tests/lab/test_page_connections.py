"""Faults of the connections, caused on the lab's page: who loses pieces, and how many."""

import re

import pytest
from playwright.async_api import expect

from tests.browser import page_at

from .page import PATIENTLY, SOURCES, STREAMED, TRANSPORTS, Lab, both, check_counts, link

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("source", SOURCES)
async def test_a_cut_costs_the_engine_nothing_and_the_plain_way_what_came_meanwhile(
    browser, site, source
):
    query = f"seconds=30&rate=20&source={source}"
    async with page_at(browser, link(site, query), base_url=site.url) as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces(*STREAMED)
        for transport in TRANSPORTS:
            await lab.panel(transport).locator('[data-fault="cut"]').click()
        await lab.is_over()
        panels, run = await lab.panels(), await lab.look()
        check_counts(panels, run, source)
        outcomes = await lab.outcomes("cut", source)
        for transport in TRANSPORTS:
            lost, repeated, _silence, requests = outcomes[transport]
            assert (lost, repeated) == (panels[transport]["lost"], panels[transport]["repeated"])
            assert (int(lost) > 0) == (source == "plain" and transport in STREAMED), transport
            assert int(requests) >= 1
        # The browser's four requests may overtake each other.
        cuts = [event["panel"] for event in run["events"] if event["kind"] == "cut"]
        assert sorted(cuts) == sorted(TRANSPORTS)


@pytest.mark.parametrize("fault", ["cut-all", "offline"])
async def test_when_all_connections_are_lost_only_readers_with_a_cursor_lose_nothing(
    browser, site, fault
):
    for panels, run, outcomes in await both(browser, site, fault):
        source = panels["sse"]["source"]
        check_counts(panels, run, source)
        for transport in TRANSPORTS:
            loses = source == "plain" and transport in STREAMED
            assert (int(outcomes[transport][0]) > 0) == loses, transport
            assert (int(panels[transport]["lost"]) > 0) == loses, transport


async def test_what_a_plain_reader_cannot_count_is_left_out_of_the_table(browser, site):
    async with page_at(browser, link(site, "seconds=30&rate=20&text=article&source=plain")) as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces("sse")
        await lab.fault("cut-all").click()
        await lab.is_over()
        outcomes = await lab.outcomes("cut", "plain")
        for transport in STREAMED:
            assert outcomes[transport][:2] == ["–", "–"], transport
        assert outcomes["polling"][:2] == ["0", "0"]


async def test_a_reader_that_reads_nothing_is_held_for_and_the_table_says_how_much(browser, site):
    for panels, run, outcomes in await both(browser, site, "slow"):
        source = panels["sse"]["source"]
        check_counts(panels, run, source)
        assert set(outcomes) == set(STREAMED)
        told = {reader["transport"]: reader for reader in run["slow"]}
        for transport, (lost, repeated, most_held, _state) in outcomes.items():
            reader = told[transport]
            assert (int(lost), int(repeated)) == (reader["lost"], reader["repeated"])
            assert int(re.sub(r"\D", "", most_held)) == reader["most_held"] > 0
            if source == "engine":
                assert (lost, repeated) == ("0", "0")


async def test_seven_tabs_of_sse_take_all_connections_of_http_1_1(browser, site):
    async with page_at(browser, link(site, "seconds=30&rate=20")) as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces("sse")
        await lab.fault("tabs").click()
        row = lab.row("tabs", "engine")
        figures = {
            name: row.locator(f'[data-figure="{name}"]')
            for name in ("opened", "waiting", "held_by_panels", "version")
        }
        await expect(figures["version"]).to_have_text("HTTP/1.1", timeout=PATIENTLY)
        await expect(figures["opened"]).to_have_text("4")
        await expect(figures["waiting"]).to_have_text("3")
        await expect(figures["held_by_panels"]).to_have_text("2")
        await lab.is_over()
        assert {panel["verified"] for panel in (await lab.panels()).values()} == {"true"}

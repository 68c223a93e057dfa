"""The lab in a real browser: what its page counts is what the server sent."""

import asyncio
import csv
import json
import re
from collections.abc import AsyncIterator, Iterator
from html import unescape
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, expect

from .browser import chromium, page_at
from .raw import http
from .site import Site, SiteMaker
from .waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

LANGUAGES = {"zh": "", "en": "/en"}
TRANSPORTS = ("polling", "chunked", "sse", "websocket")
STREAMED = ("chunked", "sse", "websocket")
SOURCES = ("engine", "plain")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
# A race takes up to a minute where a reader waits for an end that doesn't come.
PATIENTLY = 3 * PATIENCE * 1000


class Lab:
    """The lab's page in one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.element = page.locator("stream-lab")
        self.run = ""
        page.on("response", self._note_run)

    def _note_run(self, response: Any) -> None:
        # The address of a run is /lab/runs/<id>/…
        if found := re.search(r"/lab/runs/([0-9a-f]{32})", response.url):
            self.run = found[1]

    def panel(self, transport: str) -> Locator:
        return self.page.locator(f'lab-panel[transport="{transport}"]')

    def fault(self, name: str) -> Locator:
        return self.page.locator(f'.fault-bar button[data-fault="{name}"]')

    def row(self, fault: str, source: str) -> Locator:
        return self.page.locator(f'[data-row="{fault}"] .outcome[data-source="{source}"]')

    async def start(self) -> None:
        await self.page.locator('button[data-action="start"]').click()

    async def has_pieces(self, *transports: str) -> None:
        """Wait until these panels, by default all, have ten pieces."""
        for transport in transports or TRANSPORTS:
            figure = self.panel(transport).locator('[data-figure="pieces"]')
            await expect(figure).to_have_text(re.compile(r"^\d{2,}$"), timeout=PATIENTLY)

    async def is_over(self) -> None:
        await expect(self.element).to_have_attribute("state", "over", timeout=PATIENTLY)

    async def panels(self) -> dict[str, dict[str, str]]:
        """Return the attributes of the panels by transport."""
        return {
            transport: await self.panel(transport).evaluate(
                "panel => Object.fromEntries("
                "[...panel.attributes].map(({name, value}) => [name, value]))"
            )
            for transport in TRANSPORTS
        }

    async def outcomes(self, fault: str, source: str) -> dict[str, list[str]]:
        """Return the cells of a fault's row by transport: lost, repeated, and two more."""
        rows = self.row(fault, source).locator("tbody tr")
        return {
            await row.get_attribute("data-method") or "": await row.locator(
                "td"
            ).all_text_contents()
            for row in await rows.all()
        }

    async def look(self) -> dict[str, Any]:
        """Return what the server says about the run."""
        found = await self.page.request.get(f"/lab/runs/{self.run}")
        assert found.ok, await found.text()
        return await found.json()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab_site(make_shared_site: SiteMaker) -> Site:
    return make_shared_site(LAB_MAX_RUNS="20").start()


@pytest.fixture
def site(lab_site: Site) -> Iterator[Site]:
    yield lab_site
    lab_site.server.assert_calm()


def link(site: Site, query: str = "", language: str = "en") -> str:
    return f"{site.url}{LANGUAGES[language]}/lab/?{query}"


async def race(
    browser: Browser, site: Site, source: str, fault: str = "", *, seconds: int = 15, rate: int = 20
) -> tuple[dict[str, dict[str, str]], dict[str, Any], dict[str, list[str]]]:
    """Run one race, break it once all readers have pieces, and return what page and server say."""
    query = f"seconds={seconds}&rate={rate}&source={source}"
    async with page_at(browser, link(site, query), base_url=site.url) as page:
        lab = Lab(page)
        await lab.start()
        if fault:
            # Polling the plain way may be slow. The fault has to come before the stream's end.
            await lab.has_pieces("sse")
            await lab.fault(fault).click()
        await lab.is_over()
        run = await lab.look()
        panels = await lab.panels()
        row = "cut" if fault == "cut-all" else fault
        return panels, run, await lab.outcomes(row, source) if fault else {}


async def both(browser: Browser, site: Site, fault: str, **options: Any) -> list[Any]:
    """Run the race on both ways at the same time."""
    return await asyncio.gather(
        *(race(browser, site, source, fault, **options) for source in SOURCES)
    )


def check_counts(panels: dict[str, dict[str, str]], run: dict[str, Any], source: str) -> None:
    """Check what the panels show against what the server gave and sent."""
    given = run["stream"]["pieces"] if source == "engine" else run["count"]
    for transport, panel in panels.items():
        pieces, lost, repeated = (int(panel[name]) for name in ("pieces", "lost", "repeated"))
        assert pieces + lost == given, transport
        assert (panel["verified"] == "true") == (lost == repeated == 0), transport
        # A panel has a row for each path that it took.
        rows = [
            row
            for row in run["connections"]
            if (row["panel"], row["source"]) == (transport, source)
        ]
        unseen = sum(row["pieces"] for row in rows) - pieces - repeated
        # What is on its way to a connection that is lost is sent, but not received.
        assert unseen >= 0, transport


# The race


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


async def test_two_hundred_pieces_a_second_arrive_and_the_lists_stay_short(browser, site):
    async with page_at(browser, link(site, "seconds=3&rate=200&size=1")) as page:
        lab = Lab(page)
        await lab.start()
        await lab.is_over()
        for transport, panel in (await lab.panels()).items():
            assert (panel["pieces"], panel["verified"]) == ("600", "true"), transport
            assert await lab.panel(transport).locator(".log li").count() <= 6
        assert await page.locator("*").count() < 1500


# The faults


@pytest.mark.parametrize("source", SOURCES)
async def test_a_cut_costs_the_engine_nothing_and_the_plain_way_what_came_meanwhile(
    browser, site, source
):
    query = f"seconds=20&rate=20&source={source}"
    async with page_at(browser, link(site, query), base_url=site.url) as page:
        lab = Lab(page)
        await lab.start()
        for transport in TRANSPORTS:
            await lab.has_pieces(transport)
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
        cuts = [event["panel"] for event in run["events"] if event["kind"] == "cut"]
        assert cuts == list(TRANSPORTS)


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


@pytest.mark.parametrize("fault", ["nginx", "buffered", "gzip"])
async def test_a_proxy_that_collects_holds_up_chunked_transfer_and_sse_alone(browser, site, fault):
    for panels, run, outcomes in await both(browser, site, fault):
        source = panels["sse"]["source"]
        check_counts(panels, run, source)
        assert {row["path"] for row in run["connections"]} == {"direct", fault}
        silence = {name: float(cells[2].rstrip(" s")) for name, cells in outcomes.items()}
        # nginx obeys the header that the engine sends and the plain way doesn't.
        if source == "engine" and fault == "nginx":
            assert {panel["verified"] for panel in panels.values()} == {"true"}
        else:
            assert min(silence["chunked"], silence["sse"]) > silence["websocket"]


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
    async with page_at(browser, link(site, "seconds=20&rate=20")) as page:
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


async def test_a_fault_that_this_site_cannot_cause_says_why(browser, site):
    async with page_at(browser, link(site)) as page:
        lab = Lab(page)
        await expect(lab.fault("restart")).to_have_attribute("aria-disabled", "true")
        await expect(page.locator(".why")).to_contain_text("LAB_RESTART")


# The switch, links, the tour, files


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
    query = "rate=50&seconds=6&size=20&source=plain&fault=cut&panel=sse"
    async with page_at(browser, link(site, query)) as page:
        lab = Lab(page)
        for name, value in {"rate": "50", "seconds": "6", "size": "20"}.items():
            await expect(page.locator(f'[name="{name}"]')).to_have_value(value)
        assert {panel["source"] for panel in (await lab.panels()).values()} == {"plain"}
        await expect(page.locator("[data-planned]")).to_have_count(1)
        await lab.start()
        await lab.is_over()
        assert list(await lab.outcomes("cut", "plain")) == ["sse"]
        await expect(page.locator(".plot-faults li")).to_have_count(1)


async def test_every_proof_of_the_article_leads_to_a_state_that_the_lab_knows(browser, site):
    faults = set()
    for path in LANGUAGES.values():
        article = http.get(site.address, f"{path}/").body.decode()
        proofs = [unescape(href) for href in re.findall(r'class="proof" href="([^"]+)"', article)]
        assert len(proofs) >= 14
        for href in proofs:
            async with page_at(browser, site.url + href) as page:
                given = dict(part.split("=") for part in href.split("?")[1].split("&"))
                for name in {"rate", "size"} & set(given):
                    await expect(page.locator(f'[name="{name}"]')).to_have_value(given[name])
                if "fault" in given:
                    faults.add(given["fault"])
                    await expect(page.locator("[data-planned]")).to_have_count(1)
    assert {"cut", "cut-all", "buffered", "nginx", "gzip", "tabs"} <= faults


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
    async with page_at(browser, link(site, "seconds=10")) as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces()
        other = await page.context.new_page()
        await other.goto(page.url)
        await expect(other.locator('[data-part="said"]')).to_contain_text("in another tab")


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_is_accessible_and_fits_the_screen(
    browser, site, language, viewport, scheme
):
    address = link(site, "seconds=2&rate=20", language)
    async with page_at(browser, address, viewport=viewport, color_scheme=scheme) as page:
        lab = Lab(page)
        await page.locator('button[data-action="start"]').focus()
        await page.keyboard.press("Enter")
        await lab.is_over()
        await page.locator(".plot-table summary").click()
        await page.locator('[data-tour="begin"]').click()
        found = await Axe().run(page, options={"resultTypes": ["violations"]})
        serious = [
            each["id"]
            for each in found.response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        rows = page.locator(".plot-table tbody tr")
        assert await rows.last.locator("td").all_text_contents() == ["40"] * 5 + ["–"]


async def test_the_lab_needs_no_motion(browser, site):
    async with page_at(browser, link(site), reduced_motion="reduce") as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces()
        names = await page.evaluate(
            "[...document.querySelectorAll('lab-panel')].map("
            "panel => getComputedStyle(panel, '::before').animationName)"
        )
        assert set(names) == {"none"}


async def test_a_site_may_have_no_lab(make_site):
    site = make_site(LAB="off").start()
    assert http.get(site.address, "/lab/").status == 404
    assert http.get(site.address, "/lab/runs/").status == 404
    article = http.get(site.address, "/en/").body.decode()
    assert "/lab/" not in article

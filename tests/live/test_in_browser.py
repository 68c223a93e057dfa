"""The list and the pages of streams in a browser."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser import delay_answer, page_at
from tests.engine.people import Person, introduce
from tests.engine.publisher import Publisher
from tests.inside import keeping, streams
from tests.site import Site
from tests.waiting import wait_until

from .publishing import WORDS, get, new_name, put

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}


def signed_in(site: Site, person: Person) -> dict:
    return {
        "storage_state": {
            "cookies": [
                {
                    "name": "sessionid",
                    "value": person.session,
                    "domain": site.address[0],
                    "path": "/",
                    "expires": -1,
                    "httpOnly": True,
                    "secure": False,
                    "sameSite": "Lax",
                }
            ],
            "origins": [],
        }
    }


@pytest.mark.asyncio(loop_scope="session")
async def test_the_list_updates_itself_and_keeps_the_focus(browser, site, people, prefix):
    name, other = new_name(), new_name()
    put(site.server, people["owner"], other)
    async with page_at(browser, f"{site.url}{prefix}/live/") as page:
        await page.locator(f'[data-key="{other}"] a').focus()
        put(site.server, people["owner"], name)
        row = page.locator(f'[data-key="{name}"]')
        await expect(row.locator('[data-state="live"]')).to_be_visible()
        put(site.server, people["owner"], name, pieces=[], end="failed", reason="no paper")
        await expect(row.locator('[data-state="failed"]')).to_be_visible()
        await expect(page.locator(f'[data-key="{other}"] a')).to_be_focused()
        # The focus also stays when the focused row moves to the other list.
        put(site.server, people["owner"], other, pieces=[], end="done")
        await expect(page.locator(f'[data-key="{other}"] [data-state="done"]')).to_be_visible()
        await expect(page.locator(f'[data-key="{other}"] a')).to_be_focused()


@pytest.mark.asyncio(loop_scope="session")
async def test_a_change_that_comes_while_the_list_is_on_its_way_shows_soon(browser, site, people):
    name = new_name()
    noticed = asyncio.Event()
    # The reload breaks off the page's requests.
    async with page_at(browser, f"{site.url}/live/", calm=False) as page:
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Network.enable")
        await page.clock.install()
        await page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
        await page.reload()
        answered, let_go = await delay_answer(page, "**/live/list")
        await page.clock.run_for(1000)
        await answered.wait()
        devtools.on("Network.eventSourceMessageReceived", lambda _: noticed.set())
        put(site.server, people["owner"], name)
        await noticed.wait()
        async with page.expect_response("**/live/list") as late:
            let_go.set()
        await (await late.value).finished()
        # The page has taken the late answer when it has this one.
        await page.evaluate("fetch('/live/list').then((answer) => answer.text())")
        # Less than the time after which the page looks without a notice.
        await page.clock.run_for(3000)
        await expect(page.locator(f'[data-key="{name}"]')).to_be_visible()


@pytest.mark.asyncio(loop_scope="session")
async def test_a_stream_that_is_not_announced_appears_too(browser, site, publisher):
    name = new_name()
    async with page_at(browser, f"{site.url}/live/") as page:
        # The producer runs in another process, and without Redis its announcement does not arrive.
        source = publisher.open(name, visibility="public")
        await expect(page.locator(f'[data-key="{name}"]')).to_be_visible()
        source.end()


@pytest.mark.asyncio(loop_scope="session")
async def test_a_change_of_transport_loses_no_piece(browser, site, publisher, prefix):
    name = new_name()
    source = publisher.open(name)
    async with page_at(browser, f"{site.url}{prefix}/live/{name}/") as page:
        output = page.locator("stream-output")
        written = []
        for number, transport in enumerate(
            ["sse", "polling", "websocket", "chunked", "auto", "sse"]
        ):
            texts = [f"{number}.{each} {word}" for each, word in enumerate(WORDS * 4)]
            written += texts
            source.begin(texts, pause=0.01)
            await page.locator(f'input[value="{transport}"]').check()
            source.expect("written")
            if transport != "auto":
                await expect(output).to_have_attribute("via", transport)
        source.end()
        await expect(output).to_have_attribute("state", "done")
        assert await page.locator(".stream-output-text").evaluate("e => e.textContent") == "".join(
            written
        )
        received = page.locator('[data-figure="received"]')
        await expect(received).to_have_text(str(len(written)))
        await expect(page.locator('[data-figure="total"]')).to_have_text(str(len(written)))
        await expect(page.locator('[data-part="verified"]')).to_be_visible()
        await expect(page.locator(".state")).to_have_attribute("data-state", "done")


@pytest.mark.asyncio(loop_scope="session")
async def test_a_websocket_that_is_left_before_it_opens_logs_no_error(browser, site, publisher):
    name = new_name()
    source = publisher.open(name)
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        output = page.locator("stream-output")
        await output.evaluate("""async (output) => {
            const choose = (name) => document.querySelector(`input[value="${name}"]`).click();
            const chosen = new Promise((resolve) => {
                new MutationObserver(resolve).observe(output, { attributeFilter: ["via"] });
            });
            choose("websocket");
            await chosen;
            setTimeout(() => choose("chunked"));
        }""")
        source.write(*WORDS)
        source.end()
        await expect(output).to_have_attribute("state", "done")
        await expect(output).to_have_attribute("via", "chunked")


@pytest.mark.asyncio(loop_scope="session")
async def test_stop_ends_the_stream_for_everybody(browser, site, publisher, people, prefix):
    name = new_name()
    source = publisher.open(name)
    source.write(*WORDS)
    address = f"{site.url}{prefix}/live/{name}/"
    async with (
        page_at(browser, address) as viewer,
        page_at(browser, address, **signed_in(site, people["staff"])) as page,
    ):
        await expect(viewer.locator("stream-output")).to_have_attribute("state", "live")
        assert await viewer.locator('[data-action="stop"]').count() == 0
        await page.locator('[data-action="stop"]').focus()
        await page.keyboard.press("Enter")
        for each in (page, viewer):
            await expect(each.locator("stream-output")).to_have_attribute("state", "stopped")
            await expect(each.locator(".state")).to_have_attribute("data-state", "stopped")
            await expect(each.locator(".replay")).to_be_visible()
        await expect(page.locator('[data-action="start"]')).to_be_focused()
        assert source.expect("left")["stopped"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.asyncio(loop_scope="session")
async def test_staff_stop_a_stream_on_its_page_in_the_admin(
    browser, site, publisher, people, prefix, scheme
):
    source = publisher.open(new_name())
    source.write("one")
    pk = publisher.call(streams.primary_key, source.name)
    address = f"{site.url}{prefix}/admin/streams/stream/{pk}/change/"
    options = {"viewport": PHONE, "color_scheme": scheme, **signed_in(site, people["staff"])}
    async with page_at(browser, address, **options) as page:
        await page.locator(".object-tools button").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".messagelist .success")).to_be_visible()
        assert await page.locator(".object-tools button").count() == 0
        assert page.url == address
    assert source.expect("left")["stopped"]


@pytest.mark.parametrize("settings", ["keys", "cookie"])
@pytest.mark.asyncio(loop_scope="session")
async def test_the_stop_button_finds_the_csrf_token_of_the_site(browser, make_site, settings):
    """The token is in the session, or the cookie and the header have other names."""
    site = make_site(DJANGO_SETTINGS_MODULE=f"tests.inside.settings.{settings}").start()
    publisher = Publisher(site.env)
    try:
        owner = introduce(publisher)["owner"]
        name = new_name()
        publisher.open(name, owner=owner.pk).write("one")
        async with page_at(
            browser, f"{site.url}/en/live/{name}/", **signed_in(site, owner)
        ) as page:
            await page.locator('[data-action="stop"]').click()
            await expect(page.locator("stream-output")).to_have_attribute("state", "stopped")
    finally:
        publisher.kill()


@pytest.mark.asyncio(loop_scope="session")
async def test_an_ended_stream_replays(browser, site, people, prefix):
    name, words = new_name(), WORDS * 20
    put(site.server, people["owner"], name, pieces=words, end="done")
    async with page_at(browser, f"{site.url}{prefix}/live/{name}/") as page:
        output, text = page.locator("stream-output"), page.locator(".stream-output-text")
        await expect(output).to_have_attribute("state", "done")
        await page.locator("#pace").select_option("0.2")
        await page.locator('[data-action="start"]').click()
        await expect(output).to_have_attribute("state", "live")
        assert await text.evaluate("e => e.textContent") != "".join(words)
        await expect(page.locator('[data-figure="total"]')).to_have_text(str(len(words)))
        await page.locator('[data-action="whole"]').click()
        await expect(output).to_have_attribute("state", "done")
        assert await text.evaluate("e => e.textContent") == "".join(words)
        async with page.expect_download() as downloading:
            await page.locator("a[download]").click()
        download = await downloading.value
        assert download.suggested_filename == f"{name}.txt"


@pytest.mark.asyncio(loop_scope="session")
async def test_a_copied_element_works_and_shows_another_stream_when_told(browser, site, people):
    one, other = new_name(), new_name()
    put(site.server, people["owner"], one, end="done")
    put(site.server, people["owner"], other, pieces=["another text"], end="done")
    async with page_at(browser, f"{site.url}/en/live/{one}/") as page:
        output, text = page.locator("stream-output"), page.locator(".stream-output-text")
        await expect(output).to_have_attribute("state", "done")
        # Script libraries do the same when they show a snapshot of a page again.
        await output.evaluate("e => e.replaceWith(e.cloneNode(true))")
        await expect(output).to_have_attribute("state", "done")
        await expect(text).to_have_count(1)
        assert await text.evaluate("e => e.textContent") == "".join(WORDS)
        await output.evaluate("(e, src) => { e.src = src; }", f"/stream/{other}")
        await expect(text).to_have_text("another text")
        await expect(output).to_have_attribute("state", "done")


@pytest.mark.asyncio(loop_scope="session")
async def test_an_element_shows_that_its_stream_was_removed(browser, site, people, publisher):
    name = new_name()
    put(site.server, people["owner"], name, end="done")
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        output = page.locator("stream-output")
        await expect(output).to_have_attribute("state", "done")
        publisher.call(keeping.remove, name)
        # A server caches a finished stream for a moment.
        wait_until(lambda: get(site, f"/stream/{name}/polling").status == 410, "it is removed")
        await output.evaluate("(e, src) => { e.src = src; }", f"/stream/{name}?again")
        await expect(output).to_have_attribute("state", "refused")
        await expect(output).to_contain_text("was removed, because the time for which it was kept")


@pytest.mark.asyncio(loop_scope="session")
async def test_an_element_that_is_removed_and_put_back_continues(browser, site, publisher):
    name = new_name()
    source = publisher.open(name)
    source.write("one ")
    async with page_at(browser, f"{site.url}/en/live/{name}/") as page:
        output, text = page.locator("stream-output"), page.locator(".stream-output-text")
        await expect(text).to_have_text("one ")
        await output.evaluate(
            "e => { window.kept = [e, e.parentElement, e.nextSibling]; e.remove(); }"
        )
        await page.wait_for_function("window.kept[0].state === 'idle'")
        source.write("two ")
        await page.evaluate("kept[1].insertBefore(kept[0], kept[2])")
        await expect(text).to_have_text("one two ")
        source.end()
        await expect(output).to_have_attribute("state", "done")


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_violation(browser, site, people, prefix, scheme):
    name = new_name()
    put(site.server, people["owner"], name, query="?title=Seen")
    for path in ("/live/", f"/live/{name}/", "/live/article/"):
        async with page_at(
            browser,
            site.url + prefix + path,
            color_scheme=scheme,
            **signed_in(site, people["staff"]),
        ) as page:
            found = await Axe().run(page)
            assert [
                (violation["id"], [node["html"] for node in violation["nodes"]])
                for violation in found.response["violations"]
            ] == [], path


@pytest.mark.asyncio(loop_scope="session")
async def test_a_page_is_not_wider_than_a_phone(browser, site, people, prefix):
    name = "a-name-without-any-place-to-break-" * 2 + new_name()
    put(site.server, people["owner"], name)
    for path in ("/live/", f"/live/{name}/", "/live/article/"):
        async with page_at(
            browser, site.url + prefix + path, viewport=PHONE, **signed_in(site, people["staff"])
        ) as page:
            assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], (
                path
            )


@pytest.mark.asyncio(loop_scope="session")
async def test_the_text_of_a_stream_is_printed_as_a_whole(browser, site, people):
    name = new_name()
    put(site.server, people["owner"], name, pieces=[f"{n}\n" for n in range(200)], end="done")
    address = f"{site.url}/en/live/{name}/"
    async with page_at(browser, address, **signed_in(site, people["owner"])) as page:
        text = page.locator(".stream-output-text")
        await expect(text).to_contain_text("199")
        gap = "text => text.scrollHeight - text.clientHeight"
        assert await text.evaluate(gap) > 0
        await page.emulate_media(media="print")
        assert await text.evaluate(gap) == 0


@pytest.mark.asyncio(loop_scope="session")
async def test_a_link_that_the_browser_does_not_copy_is_not_called_copied(browser, site, people):
    name = new_name()
    put(site.server, people["owner"], name)
    address = f"{site.url}/en/live/{name}/"
    async with page_at(browser, address, **signed_in(site, people["owner"])) as page:
        await page.evaluate(
            "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')) }"
        )
        await page.locator('[data-action="copy"]').click()
        await expect(page.locator(".notice")).to_have_text("The browser didn’t copy the link.")


@pytest.mark.asyncio(loop_scope="session")
async def test_without_javascript_the_list_is_there_and_offers_to_reload(browser, site, prefix):
    async with page_at(browser, f"{site.url}{prefix}/live/", java_script_enabled=False) as page:
        assert await page.locator("live-streams li").count() > 0
        await expect(page.locator(f'noscript a[href="{prefix}/live/"]')).to_be_visible()

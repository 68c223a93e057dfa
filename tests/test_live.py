"""The live pages: the list of streams, which updates itself, and the page of each stream."""

import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from itertools import count

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect
from redis import Redis

from .browser import chromium, page_at
from .engine.people import Person, introduce
from .engine.publisher import Publisher
from .inside import keeping, streams
from .process import threads
from .raw import http
from .site import SERVERS, Server, Site, SiteMaker
from .valkey import Valkey
from .waiting import PATIENCE, wait_until

LANGUAGES = {"zh": "", "en": "/en"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
WORDS = ["流式", "输出 ", "goes ", "out\n", "piece ", "by ", "piece 👩‍💻, ", "é.\n"]

_numbers = count(1)


@pytest.fixture(scope="module", params=["daphne"])
def live_site(request: pytest.FixtureRequest, make_shared_site: SiteMaker) -> Site:
    return make_shared_site(servers=[request.param]).start()


ON_EVERY_SERVER = pytest.mark.parametrize("live_site", SERVERS, indirect=True)


@pytest.fixture
def site(live_site: Site) -> Iterator[Site]:
    yield live_site
    live_site.server.assert_calm()


@pytest.fixture(scope="module")
def publisher(live_site: Site) -> Iterator[Publisher]:
    publisher = Publisher(live_site.env)
    yield publisher
    publisher.kill()


@pytest.fixture(scope="module")
def people(publisher: Publisher) -> dict[str, Person]:
    return introduce(publisher)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(params=LANGUAGES)
def prefix(request: pytest.FixtureRequest) -> str:
    return LANGUAGES[request.param]


def new_name() -> str:
    return f"shown-{next(_numbers)}"


def put(
    server: Server, person: Person, name: str, *, query: str = "", **body: object
) -> http.Response:
    """Publish over HTTP, so that the producer runs in the server. The list shows the stream."""
    if "visibility" not in query:
        query = f"?visibility=public&{query.removeprefix('?')}"
    response = http.ask(
        server.address,
        f"/stream/{name}/pieces{query}",
        method="POST",
        headers={"Content-Type": "application/json", **person.bearer},
        body=json.dumps({"pieces": WORDS, **body}).encode(),
    )
    assert response.status == 202, response.text
    return response


def get(site: Site, target: str, person: Person | None = None) -> http.Response:
    return http.ask(site.address, target, headers=dict(person.cookies) if person else {})


def listed(html: str) -> list[str]:
    """Return the names of the streams in the HTML of a list."""
    return re.findall(r'<li data-key="([^"]+)"', html)


# The list.


@pytest.mark.parametrize("path", ["/live/", "/live/list"])
def test_a_list_shows_only_what_its_reader_may_see(site, people, prefix, path):
    public, link, private = new_name(), new_name(), new_name()
    put(site.server, people["owner"], public)
    put(site.server, people["owner"], link, query="?visibility=link")
    put(site.server, people["owner"], private, query="?visibility=owner")
    mine = {public, link, private}

    def seen(person: str | None) -> set[str]:
        response = get(site, prefix + path, people[person] if person else None)
        assert response.status == 200
        assert "no-store" in response.headers["cache-control"]
        return mine & set(listed(response.text))

    assert seen(None) == seen("stranger") == {public}
    assert seen("owner") == seen("staff") == mine


@ON_EVERY_SERVER
def test_a_row_shows_state_pieces_and_viewers(site, people):
    name = new_name()
    put(site.server, people["owner"], name, query="?title=A%20%3Cb%3Etitle%3C/b%3E")

    def row() -> str:
        html = get(site, "/en/live/list").text
        return re.search(rf'<li data-key="{name}">.*?(?=<li data-key|</section>)', html, re.DOTALL)[
            0
        ]

    assert "A &lt;b&gt;title&lt;/b&gt;" in row()
    assert 'data-state="live"' in row()
    assert f"{len(WORDS)} pieces" in row()
    with http.Connection(site.address) as viewer:
        viewer.send(f"/stream/{name}/events")
        wait_until(lambda: '<li data-method="sse"><b>1</b>' in row(), "the viewer is counted")
    wait_until(lambda: "data-method" not in row(), "the viewer has left")
    put(site.server, people["owner"], name, pieces=[], end="done")
    assert 'data-state="done"' in row()


def test_the_list_shows_that_a_producer_has_died(site):
    publisher, name = Publisher(site.env), new_name()
    publisher.open(name, visibility="public")
    publisher.kill()
    wait_until(
        lambda: re.search(
            rf'data-key="{name}">\s*<span class="state" data-state="interrupted"',
            get(site, "/live/list").text,
        ),
        "the stream is interrupted",
    )


# A stream's page.


def test_each_stream_has_a_page(site, people, prefix):
    name = new_name()
    put(site.server, people["owner"], name, query="?title=Mine")
    response = get(site, f"{prefix}/live/{name}/")
    assert response.status == 200
    assert "<h1>Mine</h1>" in response.text
    assert f'src="/stream/{name}"' in response.text
    assert 'content="noindex"' not in response.text


@pytest.mark.parametrize("name", ["nothing", "%00", "a" * 300, "%E2%82%AC"])
def test_a_stream_that_does_not_exist_has_no_page(site, prefix, name):
    assert get(site, f"{prefix}/live/{name}/").status == 404


def test_a_stream_with_a_link_is_open_but_not_indexed(site, people):
    name = new_name()
    put(site.server, people["owner"], name, query="?visibility=link")
    response = get(site, f"/live/{name}/")
    assert response.status == 200
    assert '<meta name="robots" content="noindex">' in response.text


def test_a_private_stream_is_for_its_owner_and_staff(site, people):
    name = new_name()
    put(site.server, people["owner"], name, query="?visibility=owner&title=Secret")
    for person in (None, people["stranger"]):
        response = get(site, f"/live/{name}/", person)
        assert response.status == 404
        assert "Secret" not in response.text
    for person in (people["owner"], people["staff"]):
        assert get(site, f"/live/{name}/", person).status == 200


def test_only_the_owner_and_staff_get_a_stop_button(site, people):
    name = new_name()
    put(site.server, people["owner"], name)

    def offered(person: Person | None) -> bool:
        response = get(site, f"/live/{name}/", person)
        offered = 'data-action="stop"' in response.text
        assert (
            any(cookie.startswith("csrftoken=") for cookie in response.headers.cookies) == offered
        )
        return offered

    assert not offered(None)
    assert not offered(people["stranger"])
    assert offered(people["owner"])
    assert offered(people["staff"])
    put(site.server, people["owner"], name, pieces=[], end="done")
    assert not offered(people["staff"])


def test_a_typed_text_replays_at_its_pace_and_a_recording_shows_at_once(site, people):
    recorded = new_name()
    put(site.server, people["owner"], recorded, end="done")
    assert 'pace="0.1"' in get(site, "/live/article/").text
    assert 'pace="' not in get(site, f"/live/{recorded}/").text
    assert 'pace="recorded"' in get(site, f"/live/{recorded}/?pace=recorded").text
    assert 'pace="' not in get(site, f"/live/{recorded}/?pace=abc").text


def test_the_absolute_url_of_a_stream_is_its_page(site):
    assert get(site, site.call(streams.address, "article")).status == 200


# Announcements.


class Notices:
    """A client that receives the announcements, as a page does."""

    def __init__(self, server: Server) -> None:
        self._connection = http.Connection(server.address)

    def __enter__(self) -> "Notices":
        self._connection.__enter__()
        self._connection.send("/notices/")
        head = http.read_head(self._connection.file)
        assert head.status == 200
        assert head.headers["content-type"] == "text/event-stream"
        assert self.next() == "stream-open"
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.__exit__(*error)

    def next(self) -> str:
        """Return the name of the next event that is not a keep-alive."""
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline, "no announcement comes, only keep-alives"
            chunk, _wire = http.read_chunk(self._connection.file)
            names = re.findall(rb"^event: (.*)$", chunk, re.MULTILINE)
            # An announcement has no data.
            assert not re.search(rb'^data: (?!""$|$)', chunk, re.MULTILINE), chunk
            for name in names:
                if name != b"keep-alive":
                    return name.decode()


@ON_EVERY_SERVER
def test_a_stream_is_announced_when_it_is_made_watched_and_ended(site, people):
    name = new_name()
    with Notices(site.server) as notices:
        put(site.server, people["owner"], name)
        assert notices.next() == "changed"
        with http.Connection(site.address) as viewer:
            viewer.send(f"/stream/{name}/chunked")
            assert notices.next() == "changed"
        assert notices.next() == "changed"
        put(site.server, people["owner"], name, pieces=[], end="done")
        assert notices.next() == "changed"


def test_a_deleted_stream_is_announced(make_site):
    # The publisher is another process, and its announcements do not arrive without Redis. So the
    # deletion, which this site's server does, is all that this server announces.
    site = make_site().start()
    publisher = Publisher(site.env)
    try:
        staff = introduce(publisher)["staff"]
        source = publisher.open(new_name(), visibility="public")
        source.end()
        pk = publisher.call(streams.primary_key, source.name)
        with Notices(site.server) as notices:
            deleted = http.ask(
                site.address,
                f"/admin/streams/stream/{pk}/delete/",
                method="POST",
                headers={**staff.form, "Content-Type": "application/x-www-form-urlencoded"},
                body=b"post=yes",
            )
            assert deleted.status == 302
            assert notices.next() == "changed"
        assert source.name not in listed(get(site, "/live/").text)
    finally:
        publisher.kill()


@ON_EVERY_SERVER
def test_listeners_need_no_threads(site):
    with ExitStack() as stack:
        stack.enter_context(Notices(site.server))
        before = threads(site.server.pid)
        for _listener in range(40):
            stack.enter_context(Notices(site.server))
        assert threads(site.server.pid) <= before + 2


@pytest.mark.parametrize(
    "query", ["?channel=other", "?recover=true", "?es-meta=x", "?lastEventId=x"]
)
def test_a_listener_cannot_choose_a_channel_or_a_cursor(site, query):
    with http.Connection(site.address) as connection:
        connection.send(f"/notices/{query}")
        assert http.read_head(connection.file).status == 200


def test_announcements_reach_other_processes_and_come_back_after_an_outage(
    make_site: SiteMaker, valkey: Valkey
):
    site = make_site(servers=["daphne"] * 2, REDIS_URL=valkey.url).start()
    publisher = Publisher(site.env)
    owner = introduce(publisher)["owner"]
    publisher.kill()
    here, there = site.servers
    with Notices(there) as notices:
        # The response begins before the process has subscribed to Redis.
        wait_until(lambda: has_subscribers(valkey), "the process subscribes")
        put(here, owner, new_name())
        assert notices.next() == "changed"
        valkey.stop()
        # By then the listener of django-eventstream would have given up.
        wait_until(lambda: "Redis doesn't answer" in there.log, "the listener notices the outage")
        valkey.start()
        wait_until(lambda: has_subscribers(valkey), "the process subscribes again")
        put(here, owner, new_name())
        assert notices.next() == "changed"


def has_subscribers(valkey: Valkey) -> bool:
    with Redis.from_url(valkey.url) as redis:
        return dict(redis.pubsub_numsub("events_channel"))[b"events_channel"] > 0


# In a browser.


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
    name = new_name()
    put(site.server, people["owner"], name, end="done")
    async with page_at(browser, f"{site.url}{prefix}/live/{name}/") as page:
        output, text = page.locator("stream-output"), page.locator(".stream-output-text")
        await expect(output).to_have_attribute("state", "done")
        await page.locator("#pace").select_option("0.2")
        await page.locator('[data-action="start"]').click()
        await expect(output).to_have_attribute("state", "live")
        assert await text.evaluate("e => e.textContent") != "".join(WORDS)
        await expect(page.locator('[data-figure="total"]')).to_have_text(str(len(WORDS)))
        await page.locator('[data-action="whole"]').click()
        await expect(output).to_have_attribute("state", "done")
        assert await text.evaluate("e => e.textContent") == "".join(WORDS)
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
async def test_without_javascript_the_list_is_there_and_offers_to_reload(browser, site, prefix):
    async with page_at(browser, f"{site.url}{prefix}/live/", java_script_enabled=False) as page:
        assert await page.locator("live-streams li").count() > 0
        await expect(page.locator(f'noscript a[href="{prefix}/live/"]')).to_be_visible()

"""Limits: one client or publisher can't take all of a server, and is told when to come back."""

import asyncio
import time
from contextlib import ExitStack, aclosing

import pytest

from streamsite.streams import client
from streamsite.streams.pieces import End, Pieces
from tests.browser import chromium, page_at
from tests.inside import users
from tests.marks import DAPHNE_AND_UVICORN
from tests.raw import http
from tests.site import Site, SiteMaker
from tests.waiting import PATIENCE, wait_until

from .limited import TARGETS, Refusal, connect, is_open, live_stream, publish

STREAMING = ("chunked", "sse", "websocket")


def check_refused(transport: str, *arguments: object) -> None:
    """Check that a connection is refused, and told when to come back."""
    with pytest.raises(Refusal, match=r"Try again in \d+ s\.") as refused:
        connect(transport, *arguments)
    assert refused.value.status == 429
    if transport != "websocket":
        assert int(refused.value.retry_after) >= 1


# Viewers.


@DAPHNE_AND_UVICORN
def test_an_address_has_so_many_viewers_at_once_on_all_transports(
    make_site: SiteMaker, stack: ExitStack, on: str
):
    site = make_site(servers=[on], STREAM_MAX_VIEWERS_PER_CLIENT="3").start()
    name = live_stream(site.address, site.call(users.make_token, "any"))
    for transport in STREAMING:
        stack.enter_context(connect(transport, site.address, name))
    for transport in TARGETS:
        check_refused(transport, site.address, name)
    # The page of the site and the health checks are no viewers.
    assert http.get(site.address, "/en/live/").status == 200
    assert http.get(site.address, "/readyz").status == 200
    # Whoever leaves makes room, also on a connection that was reset.
    stack.close()
    for transport in TARGETS:
        wait_until(lambda of=transport: is_open(of, site.address, name), "there is room again")


@DAPHNE_AND_UVICORN
def test_a_poll_that_waits_is_a_viewer_and_an_answered_one_is_not(
    make_site: SiteMaker, stack: ExitStack, on: str
):
    site = make_site(servers=[on], STREAM_MAX_VIEWERS_PER_CLIENT="1").start()
    token = site.call(users.make_token, "any")
    name = live_stream(site.address, token)
    for _ in range(3):
        stack.enter_context(connect("polling", site.address, name))
    poll = stack.enter_context(http.Connection(site.address))
    poll.send(f"/stream/{name}/polling?after=1&wait=60")
    wait_until(lambda: not is_open("chunked", site.address, name), "the poll counts")
    assert publish(site.address, name, token, "two").status == 202
    assert http.read_response(poll.file).json["pieces"] == ["two"]
    wait_until(lambda: is_open("chunked", site.address, name), "the poll has been answered")


@DAPHNE_AND_UVICORN
def test_a_poll_whose_client_has_left_takes_no_place(make_site: SiteMaker, on: str):
    site = make_site(servers=[on], STREAM_MAX_VIEWERS="1").start()
    target = f"/stream/{live_stream(site.address, site.call(users.make_token, 'one'))}/polling"
    with http.Connection(site.address) as connection:
        connection.send(f"{target}?after=1&wait=60")
        wait_until(
            lambda: http.get(site.address, target).status == 429, "the poll takes the only place"
        )
        before = time.monotonic()
    wait_until(lambda: http.get(site.address, target).status == 200, "the place is free")
    assert time.monotonic() - before < 50, "the poll has waited for its 60 s"


@DAPHNE_AND_UVICORN
def test_a_process_has_so_many_viewers_at_once(make_site: SiteMaker, stack: ExitStack, on: str):
    site = make_site(
        servers=[on], STREAM_MAX_VIEWERS="2", STREAM_TRUSTED_PROXIES="127.0.0.1"
    ).start()
    name = live_stream(site.address, site.call(users.make_token, "any"))
    for number, transport in enumerate(("sse", "websocket")):
        client = {"X-Forwarded-For": f"203.0.113.{number}"}
        stack.enter_context(connect(transport, site.address, name, client))
    check_refused("chunked", site.address, name, {"X-Forwarded-For": "203.0.113.9"})


def test_behind_a_proxy_each_client_and_each_network_of_ipv6_counts_alone(
    make_site: SiteMaker, stack: ExitStack
):
    site = make_site(STREAM_MAX_VIEWERS_PER_CLIENT="1", STREAM_TRUSTED_PROXIES="127.0.0.1").start()
    name = live_stream(site.address, site.call(users.make_token, "any"))
    for address in ("203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8:0:1::1"):
        # What stands before the address comes from the client itself.
        forwarded = {"X-Forwarded-For": f"198.51.100.1, {address}"}
        stack.enter_context(connect("sse", site.address, name, forwarded))
    for address in ("203.0.113.7", "::ffff:203.0.113.8", "2001:db8::ffff:2", "2001:db8:0:1::2"):
        check_refused("websocket", site.address, name, {"X-Forwarded-For": address})


def test_the_log_tells_once_that_a_proxy_is_not_trusted(make_site: SiteMaker, stack: ExitStack):
    site = make_site(STREAM_MAX_VIEWERS_PER_CLIENT="1").start()
    name = live_stream(site.address, site.call(users.make_token, "any"))
    stack.enter_context(connect("sse", site.address, name))
    for _ in range(3):
        check_refused("sse", site.address, name, {"X-Forwarded-For": "203.0.113.7"})
    assert site.server.log.count("name it in STREAM_TRUSTED_PROXIES") == 1


# Polls.


@DAPHNE_AND_UVICORN
def test_an_address_polls_so_many_times_a_second(make_site: SiteMaker, on: str):
    site = make_site(
        servers=[on], STREAM_MAX_POLLS_PER_CLIENT="2", STREAM_TRUSTED_PROXIES="127.0.0.1"
    ).start()
    # The endpoint of the engine, and that of the article.
    for number, target in enumerate(("/stream/article/polling", "/stream/polling?cnt=1")):

        def poll(client: str, target: str = target) -> http.Response:
            return http.get(site.address, target, x_forwarded_for=client)

        client = f"203.0.113.{number}"
        answers = [poll(client) for _ in range(20)]
        assert {answer.status for answer in answers} == {200, 429}
        refused = next(answer for answer in answers if answer.status == 429)
        assert refused.headers["retry-after"] == "1"
        assert "more than 2 times a second" in refused.json["detail"]
        # Others poll on, and so does the client, when its time has come.
        assert poll("203.0.113.77").status == 200
        wait_until(lambda: poll(client).status == 200, "the client may poll again")  # noqa: B023


def test_pages_of_other_origins_can_read_why_they_are_refused(make_site: SiteMaker):
    origin = "https://example.com"
    site = make_site(
        STREAM_MAX_POLLS_PER_CLIENT="1",
        STREAM_MAX_VIEWERS_PER_CLIENT="1",
        STREAM_ALLOWED_ORIGINS=origin,
    ).start()
    name = live_stream(site.address, site.call(users.make_token, "any"))
    answers = [http.get(site.address, "/stream/article/polling", origin=origin) for _ in range(20)]
    with connect("sse", site.address, name):
        answers.append(http.get(site.address, f"/stream/{name}/events", origin=origin))
    refused = [answer for answer in answers if answer.status == 429]
    assert answers[-1] in refused
    for answer in refused:
        assert answer.headers["access-control-allow-origin"] == origin


# What the readers of the engine do.


async def read(site: Site, name: str, transport: str, waits: list[float]) -> str:
    """Return the text that the client in Python reads, and note how long it was told to wait."""
    texts = []
    async with (
        asyncio.timeout(PATIENCE),
        aclosing(
            client.open(
                f"{site.url}/stream/{name}",
                transport=transport,
                on_lost=lambda lost, _wait: waits.append(lost.retry_after),
            )
        ) as records,
    ):
        async for record in records:
            if isinstance(record, Pieces):
                texts += record.texts
    assert isinstance(record, End)
    return "".join(texts)


async def test_the_client_waits_as_long_as_it_is_told_and_misses_nothing(make_site: SiteMaker):
    site = make_site(STREAM_MAX_VIEWERS_PER_CLIENT="4").start()
    token = site.call(users.make_token, "any")
    name = live_stream(site.address, token)
    waits = {transport: [] for transport in TARGETS}
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connect("chunked", site.address, name))
        reading = [
            asyncio.create_task(read(site, name, transport, waits[transport]))
            for transport in TARGETS
        ]
        async with asyncio.timeout(PATIENCE):
            while not all(waits.values()):
                await asyncio.sleep(0.02)
    # The stream goes on and ends while the readers wait.
    assert publish(site.address, name, token, "two ", "three", end="done").status == 202
    assert await asyncio.gather(*reading) == ["one two three"] * len(reading)
    assert {wait for each in waits.values() for wait in each} == {5}


async def test_a_client_that_polls_too_often_misses_nothing(make_site: SiteMaker):
    site = make_site(STREAM_MAX_POLLS_PER_CLIENT="1").start()
    token = site.call(users.make_token, "any")
    name = live_stream(site.address, token)
    waits: list[float] = []
    reading = asyncio.create_task(read(site, name, "polling", waits))

    target, texts = f"/stream/{name}/polling", ["one "]

    def write() -> bool:
        texts.append(f"{len(texts)} ")
        assert publish(site.address, name, token, texts[-1]).status == 202
        # A neighbour polls, too, as often as the address may.
        wait_until(lambda: http.get(site.address, target).status == 429, "a poll is refused")
        # A reader that begins late still finds the address at its limit.
        return len(texts) > 12 and bool(waits)

    await asyncio.to_thread(wait_until, write, "the limit refuses the reader")
    assert publish(site.address, name, token, end="done").status == 202
    assert await reading == "".join(texts)
    assert set(waits) <= {1, 2}


PAGE = """async (name) => {
    const found = { text: {}, states: [], refused: [] };
    const read = (key) => new Promise((resolve) => {
        found.text[key] = "";
        const done = () => { clearTimeout(timer); resolve(); };
        const timer = setTimeout(done, 80_000);
        if (key === "EventSource") {
            const source = new EventSource(`/stream/${name}/events`);
            source.onmessage = ({ data }) => { found.text[key] += JSON.parse(data).text; };
            source.addEventListener("refused", ({ data }) => found.refused.push(JSON.parse(data)));
            source.addEventListener("end", () => { source.close(); done(); });
        } else {
            const output = document.createElement("stream-output");
            output.setAttribute("src", `/stream/${name}`);
            output.setAttribute("transport", key);
            output.setAttribute("autostart", "");
            output.addEventListener("streamstate", ({ detail }) => found.states.push(detail.state));
            output.addEventListener("streamrecord", ({ detail }) => {
                found.text[key] += detail.text ?? "";
            });
            output.addEventListener("streamend", done);
            document.body.append(output);
        }
    });
    window.refusals = found.refused;
    window.finished = Promise.all(
        ["EventSource", "websocket", "sse", "chunked", "polling"].map(read)
    ).then(() => found);
}"""


async def test_a_page_and_its_event_source_come_back_and_miss_nothing(make_site: SiteMaker):
    site = make_site(STREAM_MAX_VIEWERS_PER_CLIENT="5").start()
    token = site.call(users.make_token, "any")
    name = live_stream(site.address, token)
    async with (
        chromium() as browser,
        # The browser writes each refusal to its console.
        page_at(browser, f"{site.url}/en/live/{name}/", calm=False) as page,
    ):
        # The page has defined the element. Its own reader leaves.
        await page.evaluate("document.querySelector('stream-output').remove()")
        with ExitStack() as stack:
            for _ in range(5):
                # The page's reader may take a place for a moment yet.
                viewer = wait_until(lambda: _viewer(site, name), "there is a place")
                stack.enter_context(viewer)
            refused: list[str] = []
            page.on("response", lambda answer: refused.append(answer.url))
            await page.evaluate(f"({PAGE})({name!r})")
            # The response of a WebSocket is a 101.
            wanted = {f"/stream/{name}/{each}" for each in ("events", "chunked", "polling")}
            async with asyncio.timeout(PATIENCE):
                # The EventSource has the address of another reader, and may ask later.
                while not (
                    all(any(each in url for url in refused) for each in wanted)
                    and await page.evaluate("window.refusals.length")
                ):
                    await asyncio.sleep(0.02)
        assert publish(site.address, name, token, "two ", "three", end="done").status == 202
        found = await page.evaluate("window.finished")
    assert found["text"] == dict.fromkeys(found["text"], "one two three")
    assert len(found["text"]) == 5
    assert not {"refused", "failed"} & set(found["states"])
    assert {each["status"] for each in found["refused"]} == {429}


def _viewer(site: Site, name: str) -> http.Connection | None:
    """Return the connection of a viewer, or None while the address may have no more."""
    try:
        return connect("chunked", site.address, name)
    except Refusal:
        return None

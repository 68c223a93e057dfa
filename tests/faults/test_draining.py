"""Deploys: a server that is told to end serves what is open, takes nothing new, and says so.

granian does not: it handles signals in its event loop, where nothing can come before its own
shutdown.
"""

import asyncio
import json
import signal
from contextlib import ExitStack, aclosing

import pytest
from websockets.sync.client import connect

from streamsite.streams import client
from streamsite.streams.pieces import End, Pieces
from tests.chat.front import Front, text_of, websocket_url
from tests.engine.publisher import Publisher
from tests.inside import chatter, streams
from tests.marks import DAPHNE_AND_UVICORN
from tests.raw import events, http, websocket
from tests.site import Server, Site, SiteMaker
from tests.valkey import Valkey
from tests.waiting import PATIENCE, wait_until

from .balancer import Balancer

TRANSPORTS = ("polling", "chunked", "sse", "websocket")
# Seconds: longer than a test waits, so that only the end of the grace can be what ended it.
LONG = "600"
CHATTER = "tests.inside.chatter.answer"


def begin(stack: ExitStack, site: Site):
    """Open a stream in a process beside the site, and write its first piece."""
    publisher = Publisher(site.env)
    stack.callback(publisher.kill)
    source = publisher.open()
    source.write("first ")
    return source


def is_draining(server: Server) -> bool:
    answer = http.get(server.address, "/readyz")
    return (answer.status, answer.json) == (503, {"status": "draining"})


def ended_well(server: Server) -> bool:
    return server.wait() == server.good_status(signal.SIGTERM)


class Viewers:
    """A viewer on each transport, who has the first piece of a stream."""

    def __init__(self, stack: ExitStack, site: Site, name: str) -> None:
        path = f"/stream/{name}"
        # First, because the server has begun with it when the others have their first piece.
        self.poll = stack.enter_context(http.Connection(site.address))
        self.poll.send(f"{path}/polling?after=1&wait=60")
        self.bodies = {}
        for kind in ("chunked", "events"):
            self.bodies[kind] = connection = stack.enter_context(http.Connection(site.address))
            connection.send(f"{path}/{kind}")
            assert http.read_head(connection.file).status == 200
            self.expect(kind, b"first ")
        self.socket = stack.enter_context(websocket.connect(site.address, f"{path}/ws"))
        assert '"first "' in self.socket.read_text()

    def expect(self, kind: str, piece: bytes) -> None:
        """Read a body up to a piece."""
        file = self.bodies[kind].file
        while piece not in http.read_chunk(file)[0]:
            pass


@DAPHNE_AND_UVICORN
def test_a_server_that_is_told_to_end_serves_what_is_open_and_refuses_what_is_new(
    make_site: SiteMaker, stack: ExitStack, on: str
):
    site = make_site(servers=[on], STREAM_GRACE=LONG).start()
    source = begin(stack, site)
    path = f"/stream/{source.name}"
    with ExitStack() as viewing:
        viewers = Viewers(viewing, site, source.name)
        site.server.send(signal.SIGTERM)
        wait_until(lambda: is_draining(site.server), "the server drains")
        assert http.get(site.address, "/healthz").status == 200
        assert http.get(site.address, "/en/").status == 200
        # Nothing new.
        for kind in ("polling", "chunked"):
            refused = http.get(site.address, f"{path}/{kind}")
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            assert refused.headers["connection"] == "close"
        with websocket.connect(site.address, f"{path}/ws") as late:
            assert late.closed() == 4503
        # What is open goes on.
        source.write("second ")
        for kind in viewers.bodies:
            viewers.expect(kind, b"second ")
        assert '"second "' in viewers.socket.read_text()
        assert http.read_response(viewers.poll.file).json["pieces"] == ["second "]
        site.server.send(signal.SIGTERM)
        assert ended_well(site.server)
        site.server.assert_calm()


@DAPHNE_AND_UVICORN
def test_a_server_that_is_told_to_end_starts_no_sources(
    make_site: SiteMaker, stack: ExitStack, on: str
):
    site = make_site(
        servers=[on],
        STREAM_GRACE=LONG,
        CHAT_SOURCE=CHATTER,
        DJANGO_SETTINGS_MODULE="tests.inside.settings.starting",
    ).start()
    assert http.get(site.address, "/begin").status == 200
    source = begin(stack, site)
    with ExitStack() as viewing:
        Viewers(viewing, site, source.name)
        front = Front(site, viewing)
        chat = viewing.enter_context(connect(websocket_url(site)))
        site.server.send(signal.SIGTERM)
        wait_until(lambda: is_draining(site.server), "the server drains")
        # A page of Django, which goes on as all pages do.
        refused = http.get(site.address, "/begin")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert refused.json == {"detail": "This process is about to end. Connect again."}
        # A connection that is open.
        frame = {"type": "send", "requestId": "r", "headers": {}, **front.body("late", "count 1")}
        chat.send(json.dumps(frame))
        assert json.loads(chat.recv(timeout=PATIENCE))["status"] == 503
        site.server.send(signal.SIGTERM)
        assert ended_well(site.server)
        site.server.assert_calm()
    # The answer that did not begin, the publisher's stream, and the one that was started before.
    assert sorted(site.call(streams.states)) == ["done", "live", "stopped"]


@DAPHNE_AND_UVICORN
def test_an_event_source_is_told_to_come_back(make_site: SiteMaker, stack: ExitStack, on: str):
    site = make_site(servers=[on], STREAM_GRACE=LONG).start()
    source = begin(stack, site)
    target = f"/stream/{source.name}/events"
    with ExitStack() as viewing:
        Viewers(viewing, site, source.name)
        site.server.send(signal.SIGTERM)
        wait_until(lambda: is_draining(site.server), "the server drains")
        # As a browser does. Without Sec-Fetch-Mode the client may be any program.
        of_browser = {"accept": "text/event-stream", "sec_fetch_mode": "cors"}
        answer = http.get(site.address, target, **of_browser)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
        assert "connection" in answer.headers
        fields = dict(field for block in events.parse(answer.body) for field in block.fields)
        assert int(fields["retry"]) >= 1000
        # Any other client reads the status.
        assert http.get(site.address, target).status == 503
        site.server.send(signal.SIGTERM)
        assert ended_well(site.server)


@DAPHNE_AND_UVICORN
def test_after_the_grace_no_viewer_takes_its_stream_for_complete(
    make_site: SiteMaker, stack: ExitStack, on: str
):
    site = make_site(servers=[on], STREAM_GRACE="1").start()
    source = begin(stack, site)
    with ExitStack() as viewing:
        viewers = Viewers(viewing, site, source.name)
        site.server.send(signal.SIGTERM)
        assert viewers.socket.closed() == 1012
        answer = http.read_response(viewers.poll.file)
        assert (answer.status, answer.json) == (200, {"pieces": [], "after": 1, "state": "live"})
        for connection in viewers.bodies.values():
            with pytest.raises((http.CutShort, ConnectionResetError)):
                for _chunk in http.read_chunks(connection.file):
                    pass
        assert ended_well(site.server)
        site.server.assert_calm()


@DAPHNE_AND_UVICORN
def test_a_server_that_nobody_watches_ends_without_waiting(make_site: SiteMaker, on: str):
    site = make_site(servers=[on], STREAM_GRACE=LONG).start()
    assert http.get(site.address, "/en/").status == 200
    site.server.send(signal.SIGTERM)
    assert ended_well(site.server)


@DAPHNE_AND_UVICORN
def test_a_server_ends_once_its_last_viewer_has_left(
    make_site: SiteMaker, stack: ExitStack, on: str
):
    site = make_site(servers=[on], STREAM_GRACE=LONG).start()
    source = begin(stack, site)
    with ExitStack() as viewing:
        Viewers(viewing, site, source.name)
        site.server.send(signal.SIGTERM)
        wait_until(lambda: is_draining(site.server), "the server drains")
        assert site.server.running
    assert ended_well(site.server)


@DAPHNE_AND_UVICORN
def test_ctrl_c_and_a_second_signal_do_not_wait_for_the_grace(
    make_site: SiteMaker, stack: ExitStack, on: str
):
    site = make_site(servers=[on, on], STREAM_GRACE=LONG).start()
    source = begin(stack, site)
    first, second = site.servers
    with ExitStack() as viewing:
        for server in site.servers:
            connection = viewing.enter_context(http.Connection(server.address))
            connection.send(f"/stream/{source.name}/chunked")
            http.read_head(connection.file)
        first.stop(signal.SIGINT)
        second.send(signal.SIGTERM)
        wait_until(lambda: is_draining(second), "the server drains")
        second.send(signal.SIGINT)
        assert ended_well(second)


def test_with_debug_a_server_does_not_wait_for_its_viewers(make_site: SiteMaker, stack: ExitStack):
    site = make_site(STREAM_GRACE=LONG, DEBUG="on").start()
    source = begin(stack, site)
    with ExitStack() as viewing:
        Viewers(viewing, site, source.name)
        site.server.send(signal.SIGTERM)
        assert ended_well(site.server)


# Sources that run in the server.


@DAPHNE_AND_UVICORN
def test_a_source_in_the_server_may_finish_within_the_grace(make_site: SiteMaker, on: str):
    site = make_site(servers=[on], STREAM_GRACE=LONG, CHAT_SOURCE=CHATTER).start()
    with ExitStack() as stack:
        front = Front(site, stack)
        with front.asking("within", "outlast 20") as answer:
            answer.until("waiting ")
            site.server.send(signal.SIGTERM)
            parts = answer.rest()
        assert text_of(parts).endswith("19 ")
        assert parts[-1]["type"] == "finish"
        assert ended_well(site.server)
    assert site.call(streams.states) == ["done"]


@DAPHNE_AND_UVICORN
def test_a_source_that_goes_on_after_the_grace_is_interrupted(make_site: SiteMaker, on: str):
    site = make_site(servers=[on], STREAM_GRACE="1", CHAT_SOURCE=CHATTER).start()
    with ExitStack() as stack:
        front = Front(site, stack)
        answer = stack.enter_context(front.asking("after", "hang"))
        answer.until("waiting ")
        site.server.send(signal.SIGTERM)
        assert ended_well(site.server)
    assert site.call(streams.states) == ["interrupted"]
    assert site.call(chatter.cancelled, "after")


# Rolling restarts.


@DAPHNE_AND_UVICORN
@pytest.mark.timeout(1800)
async def test_viewers_lose_nothing_when_server_after_server_is_restarted(
    make_site: SiteMaker, valkey: Valkey, pytestconfig: pytest.Config, on: str
):
    restarts, count = (20, 200) if pytestconfig.getoption("long") else (4, 60)
    site = make_site(servers=[on] * 2, REDIS_URL=valkey.url, STREAM_GRACE="1").start()
    publisher = Publisher(site.env)
    source = await asyncio.to_thread(publisher.open)
    written: list[str] = []
    over = asyncio.Event()
    lost: list[str] = []

    async def write() -> None:
        while not over.is_set():
            some = [f"{number} 🦊\r\n" for number in range(len(written), len(written) + 2)]
            await asyncio.to_thread(source.write, *some)
            written.extend(some)
            await asyncio.sleep(0.1)
        await asyncio.to_thread(source.end)

    async def view(url: str, transport: str, got: list[str]) -> None:
        records = client.open(
            url,
            transport=transport,
            patience=10 * PATIENCE,
            on_lost=lambda error, _wait: lost.append(str(error)),
        )
        async with aclosing(records):
            async for record in records:
                if isinstance(record, Pieces):
                    got += record.texts
                else:
                    assert isinstance(record, End), record
                    assert record.state == "done"

    texts: list[list[str]] = [[] for _ in range(count)]
    try:
        async with Balancer(site.servers) as balancer, asyncio.TaskGroup() as tasks:
            url = f"{balancer.url}/stream/{source.name}"
            for number, got in enumerate(texts):
                tasks.create_task(view(url, TRANSPORTS[number % len(TRANSPORTS)], got))
            tasks.create_task(write())
            async with asyncio.timeout(PATIENCE):
                while not all(texts):  # Until all viewers are there.
                    await asyncio.sleep(0.02)
            for number in range(restarts):
                server = site.servers[number % 2]
                server.send(signal.SIGTERM)
                status = await asyncio.to_thread(server.wait)
                assert status == server.good_status(signal.SIGTERM), server.log
                server.launch()
                await asyncio.to_thread(server.ready)
            over.set()
    finally:
        publisher.kill()
    wrong = sum(got != written for got in texts)
    print(
        f"{restarts} restarts, {count} viewers, {len(written)} pieces: "
        f"{len(lost)} connections lost, {wrong} viewers with a wrong text"
    )
    assert len(lost) >= count, "the restarts cut too few connections to show anything"
    assert wrong == 0

"""Viewers that read nothing, viewers that read slowly, and the signs of life that viewers get."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from tests.engine.publisher import Publisher
from tests.marks import DAPHNE_AND_UVICORN, EVERY_SERVER, upstream
from tests.process import connections, resident
from tests.raw import http
from tests.site import Site, SiteMaker
from tests.waiting import wait_until

KIB = 1024
# A commit of 1 MiB.
COMMIT = ["x" * 65_536] * 16
COMMITS = 4
TRANSPORTS = ("chunked", "events", "ws")
# Viewers that read nothing, and the most that each may cost.
MUTE = 200
MOST = 512 * KIB
# The largest receive buffer of a viewer that reads nothing, in bytes.
WINDOW = 16 * KIB
# Bytes that the slow viewer reads in a second, far fewer than it is sent.
SLOW = 64 * KIB
# Seconds. A busy machine may pause the slow viewer for some of them.
STALL_TIMEOUT = 8
LONGEST_SILENCE = 15
# Signs of life that each viewer waits for. The first may belong to the beginning of the stream.
SIGNS = 3


@pytest.fixture
def own(on: str, make_site: SiteMaker) -> Iterator[tuple[Site, Publisher]]:
    """Yield a site of one server, and its process of sources."""
    site = make_site(servers=[on], STREAM_STALL_TIMEOUT=f"{STALL_TIMEOUT}").start()
    publisher = Publisher(site.env)
    yield site, publisher
    publisher.kill()


class Viewer(http.Connection):
    """A client that has asked for a stream, and read the head of the response."""

    def __init__(self, site: Site, name: str, transport: str) -> None:
        self.address = site.address
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
        self.socket.settimeout(90)
        self.socket.connect(site.address)
        # Without a buffer, so that a viewer reads only what it asks for.
        self.file = self.socket.makefile("rb", buffering=0)
        headers = {}
        if transport == "ws":
            headers = {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
                "Sec-WebSocket-Version": "13",
            }
        elif transport == "chunked":
            headers = {"Accept": "application/x-ndjson"}
        self.send(f"/stream/{name}/{transport}", headers=headers)
        http.read_head(self.file)


# granian offers no way to end the connection of a client that reads nothing.
@DAPHNE_AND_UVICORN
def test_viewers_that_read_nothing_cost_little_and_are_cut_off_and_slow_ones_go_on(own):
    site, publisher = own
    source = publisher.open()
    with ExitStack() as stack:
        slow = stack.enter_context(Viewer(site, source.name, "events"))
        hurry, pool = Event(), stack.enter_context(ThreadPoolExecutor(1))
        received = pool.submit(read_slowly, slow, hurry)
        stack.callback(hurry.set)
        for number in range(MUTE):
            transport = TRANSPORTS[number % len(TRANSPORTS)]
            stack.enter_context(Viewer(site, source.name, transport))
        before, most = memory(site), 0

        def cut_off() -> bool:
            nonlocal most
            most = max(most, memory(site) - before)
            return connections(site.address[1]) == 1

        for _ in range(COMMITS):
            source.write(*COMMIT)
        wait_until(cut_off, "the viewers are cut off", patience=30)
        assert most < MUTE * MOST, f"{most / MUTE / KIB:.0f} KiB for each"
        # The slow viewer has not been cut off in twice the time to stall.
        time.sleep(STALL_TIMEOUT)  # It reads meanwhile: the test waits for time itself.
        hurry.set()
        source.end()
        assert received.result().count(COMMIT[0].encode()) == len(COMMIT) * COMMITS


def read_slowly(viewer: Viewer, hurry: Event) -> bytes:
    """Read `SLOW` bytes a second, and quickly when there is hurry, up to the end of the stream.

    After a pause that a busy machine has made longer, the reader reads more. The client's system
    tells the server what was read in steps of up to the receive buffer, so that a reader of 8 KiB a
    second would seem to read nothing for 4 seconds at a time.
    """
    data = b""
    while not has_end(data):
        paused = time.monotonic()
        hurry.wait(0.1)
        due = len(data) + SLOW * (time.monotonic() - paused)
        # After the end nothing comes on the open connection, until the server resets it.
        while len(data) <= due and not has_end(data):
            part = viewer.socket.recv(4 * KIB)
            assert part, "the slow viewer was cut off"
            data += part
    return data


def has_end(data: bytes) -> bool:
    """Return whether the end of the stream is the last of what a viewer has read."""
    return b'"end":"done"' in data[-KIB:]


def memory(site: Site) -> int:
    """Return the bytes that a server holds, with those in the send buffers of its sockets."""
    queued = 0
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _number, local, _remote, _state, queues, *_rest = row.split()
        if int(local.rpartition(":")[2], 16) == site.address[1]:
            queued += int(queues.partition(":")[0], 16)
    return resident(site.server.pid) + queued


@EVERY_SERVER
@upstream("granian", "granian sends no pings")
def test_a_viewer_of_a_silent_stream_gets_a_sign_of_life_at_least_every_15_seconds(
    on: str, make_site: SiteMaker
):
    # This site is silent for 5 s at most, so that 15 s leave room for a busy machine. For any other
    # site, tests/unit/test_promises.py adds up the longest silence.
    site = make_site(servers=[on], DJANGO_SETTINGS_MODULE="tests.inside.settings.quiet").start()
    with ExitStack() as stack, ThreadPoolExecutor(len(TRANSPORTS)) as pool:
        publisher = Publisher(site.env)
        stack.callback(publisher.kill)
        name = publisher.open().name
        viewers = [stack.enter_context(Viewer(site, name, each)) for each in TRANSPORTS]
        for waiting in [pool.submit(await_signs, viewer) for viewer in viewers]:
            waiting.result()


def await_signs(viewer: Viewer) -> None:
    """Wait until bytes have come several times, after the longest silence at most."""
    viewer.socket.settimeout(LONGEST_SILENCE)
    for _ in range(SIGNS):
        assert viewer.socket.recv(4 * KIB), "the viewer was cut off"

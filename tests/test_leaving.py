"""A hundred clients that leave at random moments: nothing of them stays. Nor do threads come."""

import random
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest

from .marks import EVERY_SERVER, ON_EVERY_SERVER
from .process import Holdings, connections, resident, threads
from .raw import http, websocket
from .site import Server, Site, SiteMaker
from .waiting import wait_until

CLIENTS = 100
ROUNDS = 4
MIB = 1024 * 1024
# What four hundred clients may cost a process that keeps nothing of them: the allocator's own play.
PLAY = 6 * MIB
# Sockets of all who left that a server may keep. granian 2.8 does so now and then, when no task of
# the site's is left.
KEPT = {"granian": 3}
# On closing, drop what is under way and send a reset.
ABRUPTLY = struct.pack("ii", 1, 0)


def poll_some(address, rest: random.Random) -> http.Connection:
    connection = http.Connection(address)
    for cnt in range(rest.randint(0, 4)):
        connection.ask(f"/stream/polling?cnt={cnt}")
    connection.send("/stream/polling?cnt=5")
    return connection


def read_some(target: str):
    def read(address, rest: random.Random) -> http.Connection:
        connection = http.Connection(address)
        connection.send(target)
        if pieces := rest.randint(0, 4):
            http.read_head(connection.file)
            for _ in range(pieces):
                http.read_chunk(connection.file)
        return connection

    return read


def listen_some(address, rest: random.Random) -> http.Connection:
    connection = websocket.connect(address, "/stream/ws")
    for _ in range(rest.randint(0, 4)):
        connection.read()
    return connection


def half_ask(address, rest: random.Random) -> http.Connection:
    """Leave in the middle of the request itself."""
    connection = http.Connection(address)
    request = b"GET /stream/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    connection.socket.sendall(request[: rest.randint(0, len(request))])
    return connection


WAYS = {
    "polling": poll_some,
    "chunked": read_some("/stream/chunked"),
    "sse": read_some("/stream/events"),
    "websocket": listen_some,
    "half a request": half_ask,
}


def come_and_go(address, seed: int) -> None:
    rest = random.Random(seed)
    way = list(WAYS.values())[seed % len(WAYS)]
    with way(address, rest) as connection:
        if rest.random() < 0.5:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)


def a_hundred_come_and_go(server: Server, pool: ThreadPoolExecutor, first: int) -> None:
    """Return when the server has let go of them all."""
    for _ in pool.map(
        lambda seed: come_and_go(server.address, seed), range(first, first + CLIENTS)
    ):
        pass
    wait_until(
        lambda: connections(server.port) <= KEPT.get(server.name, 0),
        "the server has let go of its clients",
    )


def watch(server: Server, viewers: int, stack: ExitStack) -> None:
    """Have this many viewers on each transport that keeps its connection, in mid-stream."""
    for _ in range(viewers):
        for target in ("/stream/chunked", "/stream/events"):
            connection = stack.enter_context(http.Connection(server.address))
            connection.send(target)
            http.read_head(connection.file)
            http.read_chunk(connection.file)
        stack.enter_context(websocket.connect(server.address, "/stream/ws")).read()


@ON_EVERY_SERVER
def test_viewers_cost_no_threads(site: Site):
    with ExitStack() as stack:
        watch(site.server, 1, stack)  # What a process starts for its first viewer, it keeps.
        before = threads(site.server.pid)
        watch(site.server, 30, stack)
        # For a moment there may be one that announces them to whoever watches the list.
        assert threads(site.server.pid) <= before + 1


@pytest.fixture
def pool():
    with ThreadPoolExecutor(25) as pool:
        yield pool


@EVERY_SERVER
def test_no_thread_file_or_memory_stays_behind(
    make_site: SiteMaker, pool: ThreadPoolExecutor, on: str
):
    server = make_site(servers=[on]).start().server
    # The first round starts what a process keeps: its threads, caches and connections.
    a_hundred_come_and_go(server, pool, 0)
    settled = Holdings.of(server.pid)
    most = replace(settled, files=settled.files + KEPT.get(on, 0))
    memory = []
    for number in range(1, ROUNDS + 1):
        a_hundred_come_and_go(server, pool, number * CLIENTS)
        wait_until(
            lambda: Holdings.of(server.pid).within(most),
            f"the server holds no more than {most}",
        )
        memory.append(resident(server.pid))
    assert memory[-1] - memory[0] < PLAY, memory


def test_long_addresses_and_names_are_not_remembered(make_site: SiteMaker):
    server = make_site().start().server
    with http.Connection(server.address) as connection:

        def ask(number: int) -> None:
            long = f"{number:x>14000}"
            assert connection.ask(f"/stream/{long}/pieces").status == 405
            headers = {"X-Forwarded-Host": long}
            assert connection.ask("/stream/nothing", headers=headers).status == 404

        for number in range(20):
            ask(number)
        before = resident(server.pid)
        for number in range(20, 1020):
            ask(number)
        # All of it would be 40 MiB.
        assert resident(server.pid) - before < 2 * PLAY

"""Clients leave at random moments, and the server keeps nothing of them.

A viewer costs no thread, and a client that has left costs no thread, file or memory.
"""

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
# By how much the memory of a process may grow after four hundred clients have left. The allocator
# alone needs some of this.
GROWTH = 6 * MIB
# How many sockets of clients that have left a server may keep. granian 2.8 keeps a socket now and
# then, although the site has no task for the socket.
KEPT = {"granian": 3}
# The option SO_LINGER with the timeout 0: close() discards unsent data and sends a reset.
RESET = struct.pack("ii", 1, 0)


def poll_some_pieces(address, rng: random.Random) -> http.Connection:
    connection = http.Connection(address)
    for cnt in range(rng.randint(0, 4)):
        connection.ask(f"/stream/polling?cnt={cnt}")
    connection.send("/stream/polling?cnt=5")
    return connection


def read_some_pieces(target: str):
    def read(address, rng: random.Random) -> http.Connection:
        connection = http.Connection(address)
        connection.send(target)
        if pieces := rng.randint(0, 4):
            http.read_head(connection.file)
            for _ in range(pieces):
                http.read_chunk(connection.file)
        return connection

    return read


def read_some_frames(address, rng: random.Random) -> http.Connection:
    connection = websocket.connect(address, "/stream/ws")
    for _ in range(rng.randint(0, 4)):
        connection.read()
    return connection


def send_half_a_request(address, rng: random.Random) -> http.Connection:
    """Leave in the middle of a request."""
    connection = http.Connection(address)
    request = b"GET /stream/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    connection.socket.sendall(request[: rng.randint(0, len(request))])
    return connection


WAYS = {
    "polling": poll_some_pieces,
    "chunked": read_some_pieces("/stream/chunked"),
    "sse": read_some_pieces("/stream/events"),
    "websocket": read_some_frames,
    "half a request": send_half_a_request,
}


def connect_and_leave(address, seed: int) -> None:
    rng = random.Random(seed)
    way = list(WAYS.values())[seed % len(WAYS)]
    with way(address, rng) as connection:
        if rng.random() < 0.5:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def connect_and_leave_a_hundred_times(server: Server, pool: ThreadPoolExecutor, first: int) -> None:
    """Connect and leave with 100 clients. Return when the server has closed their sockets."""
    for _ in pool.map(
        lambda seed: connect_and_leave(server.address, seed), range(first, first + CLIENTS)
    ):
        pass
    wait_until(
        lambda: connections(server.port) <= KEPT.get(server.name, 0),
        "the server has closed the sockets of its clients",
    )


def watch(server: Server, viewers: int, stack: ExitStack) -> None:
    """Open this many viewers on each transport with a long connection, and read one piece each."""
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
        watch(site.server, 1, stack)  # The first viewer starts threads that the process keeps.
        before = threads(site.server.pid)
        watch(site.server, 30, stack)
        # For a moment one more thread may announce the viewers to readers of the list of streams.
        assert threads(site.server.pid) <= before + 1


@pytest.fixture
def pool():
    with ThreadPoolExecutor(25) as pool:
        yield pool


@EVERY_SERVER
def test_clients_that_have_left_cost_no_thread_file_or_memory(
    make_site: SiteMaker, pool: ThreadPoolExecutor, on: str
):
    server = make_site(servers=[on]).start().server
    # The first round starts the threads, caches and connections that the process keeps.
    connect_and_leave_a_hundred_times(server, pool, 0)
    settled = Holdings.of(server.pid)
    most = replace(settled, files=settled.files + KEPT.get(on, 0))
    memory = []
    for number in range(1, ROUNDS + 1):
        connect_and_leave_a_hundred_times(server, pool, number * CLIENTS)
        wait_until(
            lambda: Holdings.of(server.pid).within(most),
            f"the server holds no more than {most}",
        )
        memory.append(resident(server.pid))
    assert memory[-1] - memory[0] < GROWTH, memory


def test_long_paths_and_host_headers_are_not_cached(make_site: SiteMaker):
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
        # A cache of all these paths and headers would take 40 MiB.
        assert resident(server.pid) - before < 2 * GROWTH

"""Valkey gone and back, servers killed, lines cut, readers that don't read: nothing is lost."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing, suppress

import pytest
import redis

from streamsite.streams import client
from streamsite.streams.pieces import End, Pieces, Reset
from tests.inside import streams
from tests.process import resident
from tests.proxy import Proxy
from tests.raw import http, websocket
from tests.site import SERVERS, Site, SiteMaker
from tests.valkey import Valkey
from tests.waiting import wait_until

from .cutting import CuttingProxy
from .publisher import Publisher, new_name
from .reading import TRANSPORTS, Reader

MIB = 1024 * 1024


def texts(start: int, stop: int) -> list[str]:
    return [f"{number} 🦊\r\n" for number in range(start, stop)]


# Valkey.


@pytest.fixture(params=SERVERS)
def own_single(
    request: pytest.FixtureRequest, make_site: SiteMaker
) -> Iterator[tuple[Site, Publisher]]:
    """A site of one server, on which nothing else goes on, and its publisher."""
    site = make_site(servers=[request.param]).start()
    publisher = Publisher(site.env)
    yield site, publisher
    publisher.kill()


def test_without_valkey_nothing_is_lost_and_with_it_again_rings_are_heard(
    own_site: Site, own_publisher: Publisher, valkey: Valkey, at_once
):
    source = own_publisher.open()
    readers = [Reader(source.name) for _ in range(8)]
    reading = [
        at_once.submit(reader.read, transport, server.address)
        for reader, (transport, server) in zip(
            readers,
            ((transport, server) for transport in TRANSPORTS for server in own_site.servers),
            strict=True,
        )
    ]

    def all_have(count: int) -> None:
        wait_until(
            lambda: all(len(reader.texts) == count for reader in readers),
            f"all have {count} pieces",
        )

    source.write(*texts(0, 10))
    all_have(10)
    valkey.stop()
    source.write(*texts(10, 20))
    all_have(20)
    valkey.start()
    source.write(*texts(20, 30))
    all_have(30)
    with redis.Redis.from_url(valkey.url) as keys:
        keys.flushall()
        source.write(*texts(30, 40))
        all_have(40)
        # Without a restart of anything, both servers listen again, and the source rings.
        wait_until(lambda: listeners(keys) >= len(own_site.servers), "the servers listen again")
        with keys.pubsub() as rings:
            rings.psubscribe("*streams.*")
            rings.get_message(timeout=30)
            source.write("last")
            assert rings.get_message(timeout=30)["type"] == "pmessage"
    source.end()
    for future in reading:
        reader = future.result()
        assert reader.texts == [*texts(0, 40), "last"]
        assert reader.state == "done"
        assert reader.resets == []
    for server in own_site.servers:
        server.excuse()  # The channel layer's own tracebacks, for as long as Valkey was away.


def listeners(keys: redis.Redis) -> int:
    """Return how many processes hear the rings of the one stream there is."""
    channels = [
        name for name in keys.pubsub_channels() if b"streams." in name and b"specific" not in name
    ]
    return max((count for _name, count in keys.pubsub_numsub(*channels)), default=0)


# Servers killed.


async def test_readers_on_every_transport_survive_their_server(own_single: tuple[Site, Publisher]):
    site, publisher = own_single
    source = publisher.open()
    got: dict[str, list[str]] = {transport: [] for transport in TRANSPORTS}

    async def read(url: str, transport: str) -> None:
        async for text in texts_of(url, transport):
            got[transport].append(text)

    def all_have(count: int) -> None:
        wait_until(
            lambda: {len(texts) for texts in got.values()} == {count}, f"all have {count} pieces"
        )

    # In front of both servers, as an operator's proxy is.
    async with Proxy(site.address) as proxy, asyncio.TaskGroup() as reading:
        url = f"{proxy.url}/stream/{source.name}"
        for transport in TRANSPORTS:
            reading.create_task(read(url, transport))
        await asyncio.to_thread(source.write, *texts(0, 10))
        await asyncio.to_thread(all_have, 10)
        await asyncio.to_thread(site.server.kill)
        await asyncio.to_thread(source.write, *texts(10, 20))
        await asyncio.to_thread(site.start)
        proxy.target = site.address
        await asyncio.to_thread(all_have, 20)
        await asyncio.to_thread(source.write, *texts(20, 30))
        await asyncio.to_thread(source.end)
    assert got == dict.fromkeys(TRANSPORTS, texts(0, 30))


async def texts_of(url: str, transport: str) -> AsyncIterator[str]:
    """Yield the texts that the client gives, to the end of a stream that ends well."""
    async with aclosing(client.open(url, transport=transport)) as records:
        async for record in records:
            match record:
                case Pieces(texts=found):
                    for text in found:
                        yield text
                case End(state=state):
                    assert state == "done"
                case Reset():
                    raise AssertionError(record)


# Lines cut.


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("seed", range(2))
async def test_a_reader_whose_line_is_cut_at_any_byte_gets_the_whole_text(
    backend_site: Site, publisher: Publisher, transport: str, seed: int
):
    chance = random.Random(seed)
    address = backend_site.servers[-1].address
    source = await asyncio.to_thread(publisher.open, new_name("cut"))
    source.begin(texts(0, 400), pause=0.001)
    # More at most than the largest message, which would never get through otherwise.
    async with CuttingProxy(address, lambda: chance.randint(1, 20_000)) as proxy:
        url = f"{proxy.url}/stream/{source.name}"
        got = []
        async for text in texts_of(url, transport):
            got.append(text)
            if len(got) == 200:
                await asyncio.to_thread(source.expect, "written")
                await asyncio.to_thread(source.end)
        assert got == texts(0, 400)


# Readers that don't read.

LARGE = 60_000  # characters
LARGE_PIECES = 600


def test_readers_that_do_not_read_cost_little_and_hold_up_nobody(own_single, at_once):
    site, publisher = own_single
    source = publisher.open()
    pieces = [f"{number % 10}" * LARGE for number in range(LARGE_PIECES)]
    source.write(pieces[0])
    reader = Reader(source.name)
    quick = at_once.submit(reader.read, "sse", site.address)
    with ExitStack() as stack:
        stalled = [stack.enter_context(stall(site, source.name, kind)) for kind in STALLED]
        wait_until(lambda: reader.texts, "the quick one reads")
        before = resident(site.server.pid)
        for start in range(1, LARGE_PIECES, 20):
            source.write(*pieces[start : start + 20])
        wait_until(lambda: len(reader.texts) == LARGE_PIECES, "the quick one has all")
        grown = resident(site.server.pid) - before
        # All of it would be 34 MiB for each. A server may keep a few messages.
        assert grown < 24 * MIB, f"{grown / MIB:.0f} MiB more"
        source.end()
        assert quick.result().texts == pieces
        # Those that stalled go on where they were, and miss nothing.
        rest = [data for data, _wire in http.read_chunks(stalled[0].file)]
        assert b"".join(rest) == "".join(pieces[1:]).encode()
        # Nor does the server have all that is left of an ended stream on its way to each.
        assert max(map(len, rest)) < MIB


def test_a_client_that_only_talks_is_read_no_further(own_single):
    site, publisher = own_single
    source = publisher.open()
    with websocket.connect(site.address, f"/stream/{source.name}/ws") as talker:
        # Each is answered; so many answers fill what lies between the server and a client who
        # reads none.
        words = websocket.write_frame(websocket.TEXT, b"{}") * 10_000
        speech = websocket.write_frame(websocket.TEXT, b" " * LARGE)
        talker.socket.settimeout(PAUSE)
        taken = 0
        with suppress(TimeoutError):
            for said in [words] * 20 + [speech] * 600:
                talker.socket.sendall(said)
                taken += len(said)
        # The sockets on both sides have room for a few MiB each.
        assert taken < 24 * MIB, "the server goes on reading"


# Seconds after which a server is taken to read no more.
PAUSE = 3


def test_a_client_that_says_much_at_once_gets_all_its_answers(own_single):
    site, publisher = own_single
    source = publisher.open()
    with websocket.connect(site.address, f"/stream/{source.name}/ws") as talker:
        talker.socket.sendall(websocket.write_frame(websocket.TEXT, b"{}") * 1000)
        answers = [talker.read().text for _ in range(1000)]
        assert all("error" in answer for answer in answers)
        source.write("text")
        assert '"text":"text"' in talker.read().text


STALLED = ("chunked", "events", "ws")


def stall(site: Site, name: str, kind: str) -> http.Connection:
    """Ask for a stream, read its first piece, and nothing more."""
    target = f"/stream/{name}/{kind}"
    if kind == "ws":
        socket = websocket.connect(site.address, target)
        socket.read()
        return socket
    connection = http.Connection(site.address)
    connection.send(target)
    http.read_head(connection.file)
    got = b""
    while len(got) < LARGE:
        got += http.read_chunk(connection.file)[0]
    return connection


@pytest.mark.parametrize("change", ["deleted", "edited"])
def test_a_reader_far_behind_learns_that_its_stream_was_changed_meanwhile(own_single, change: str):
    site, publisher = own_single
    source = publisher.open()
    with http.Connection(site.address) as slow:
        slow.send(f"/stream/{source.name}/chunked", headers={"Accept": "application/x-ndjson"})
        for _ in range(20):
            source.write(*["x" * LARGE] * 30)
        http.read_head(slow.file)
        chunks = (data for data, _wire in http.read_chunks(slow.file))
        # A reader that has nothing yet would just begin with the new text.
        begun = next(data for data in chunks if b'"text"' in data)
        if change == "deleted":
            publisher.call(streams.delete, source.name)
        else:
            # A reader that meets the end before the edit would get the old text, whole.
            publisher.call(streams.finish_and_edit, source.name, "new " * 1000)
        lines = b"".join([begun, *chunks]).splitlines()
    last = lines[-1]
    if change == "deleted":
        assert b'"end":"failed"' in last
        assert b"deleted" in last
    else:
        assert b'"reset":0' in b"".join(lines)
        assert b'"end":"done","n":1000,"rev":1' in last
        assert b"".join(lines).count(b'"text":"new "') == 1000


# Streams that can't be read.


def test_nobody_is_left_waiting_for_what_cannot_be_read(own_single: tuple[Site, Publisher]):
    site, publisher = own_single
    source = publisher.open()
    source.write("text")
    source.end()
    publisher.call(streams.damage_segments)
    # Each of them, also those who come when it has failed once.
    for kind in ("chunked", "events", "polling", "chunked"):
        with http.Connection(site.address) as connection:
            connection.send(f"/stream/{source.name}/{kind}")
            head = http.read_head(connection.file)
            if kind == "polling":
                assert head.status == 500
            else:
                with pytest.raises((http.CutShort, ConnectionResetError)):
                    for _chunk in http.read_chunks(connection.file):
                        pass
    # The article's own consumer, too.
    for target in (f"/stream/{source.name}/ws", "/stream/ws"):
        with websocket.connect(site.address, target) as socket:
            assert socket.closed() == 1011
    assert "ValueError" in site.log
    site.server.excuse()

"""Faults that must lose nothing: no Valkey, killed servers, cut connections, stalled clients."""

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
    """Yield a running site of one server that no other test uses, and its process of sources."""
    # The machine may be busy for longer than a viewer may read nothing.
    site = make_site(servers=[request.param], STREAM_STALL_TIMEOUT="90").start()
    publisher = Publisher(site.env)
    yield site, publisher
    publisher.kill()


def test_an_outage_of_valkey_loses_nothing_and_rings_resume_after_it(
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
        # Both servers listen again and the source rings, although no process was restarted.
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
        server.excuse()  # The channel layer logs tracebacks while Valkey is away.


def listeners(keys: redis.Redis) -> int:
    """Return how many processes listen to the rings of the only stream."""
    channels = [
        name for name in keys.pubsub_channels() if b"streams." in name and b"specific" not in name
    ]
    return max((count for _name, count in keys.pubsub_numsub(*channels)), default=0)


# Servers killed.


async def test_readers_on_every_transport_resume_when_their_server_is_killed(
    own_single: tuple[Site, Publisher],
):
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

    # The proxy keeps its address when the server restarts on another port.
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
    """Yield the texts that the client receives, and check that the stream ends as done."""
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


# Connections cut.


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("seed", range(2))
async def test_a_reader_whose_connection_is_cut_at_any_byte_gets_the_whole_text(
    backend_site: Site, publisher: Publisher, transport: str, seed: int
):
    chance = random.Random(seed)
    address = backend_site.servers[-1].address
    source = await asyncio.to_thread(publisher.open, new_name("cut"))
    source.begin(texts(0, 400), pause=0.001)
    # The limit is above the largest message, which would never get through otherwise.
    async with CuttingProxy(address, lambda: chance.randint(1, 20_000)) as proxy:
        url = f"{proxy.url}/stream/{source.name}"
        got = []
        async for text in texts_of(url, transport):
            got.append(text)
            if len(got) == 200:
                await asyncio.to_thread(source.expect, "written")
                await asyncio.to_thread(source.end)
        assert got == texts(0, 400)


# Clients that don't read.

LARGE = 60_000  # characters
LARGE_PIECES = 600


def test_stalled_readers_cost_little_memory_and_delay_no_other_reader(own_single, at_once):
    site, publisher = own_single
    source = publisher.open()
    pieces = [f"{number % 10}" * LARGE for number in range(LARGE_PIECES)]
    source.write(pieces[0])
    reader = Reader(source.name)
    quick = at_once.submit(reader.read, "sse", site.address)
    with ExitStack() as stack:
        stalled = [stack.enter_context(stall(site, source.name, kind)) for kind in STALLED]
        wait_until(lambda: reader.texts, "the quick reader reads")
        before = resident(site.server.pid)
        for start in range(1, LARGE_PIECES, 20):
            source.write(*pieces[start : start + 20])
        wait_until(lambda: len(reader.texts) == LARGE_PIECES, "the quick reader has all pieces")
        grown = resident(site.server.pid) - before
        # The whole text would be 34 MiB for each reader. A server may keep a few messages.
        assert grown < 24 * MIB, f"{grown / MIB:.0f} MiB more"
        source.end()
        assert quick.result().texts == pieces
        # The stalled readers go on where they were, and miss nothing.
        rest = [data for data, _wire in http.read_chunks(stalled[0].file)]
        assert b"".join(rest) == "".join(pieces[1:]).encode()
        # The server sends the rest of an ended stream in parts.
        assert max(map(len, rest)) < MIB


def test_a_client_that_sends_without_reading_is_read_no_further(own_single):
    site, publisher = own_single
    source = publisher.open()
    with websocket.connect(site.address, f"/stream/{source.name}/ws") as talker:
        # The server answers each message. The answers fill the buffers between the server and a
        # client that reads none of them.
        words = websocket.write_frame(websocket.TEXT, b"{}") * 10_000
        speech = websocket.write_frame(websocket.TEXT, b" " * LARGE)
        talker.socket.settimeout(PAUSE)
        taken = 0
        with suppress(TimeoutError):
            for said in [words] * 20 + [speech] * 600:
                talker.socket.sendall(said)
                taken += len(said)
        # The buffers of both sockets hold a few MiB.
        assert taken < 24 * MIB, "the server goes on reading"


# Seconds without progress after which the server counts as having stopped reading.
PAUSE = 3


def test_a_client_that_sends_many_messages_at_once_gets_all_answers(own_single):
    site, publisher = own_single
    source = publisher.open()
    with websocket.connect(site.address, f"/stream/{source.name}/ws") as talker:
        talker.socket.sendall(websocket.write_frame(websocket.TEXT, b"{}") * 1000)
        answers = [talker.read_text() for _ in range(1000)]
        assert all("error" in answer for answer in answers)
        source.write("text")
        assert '"text":"text"' in talker.read_text()


STALLED = ("chunked", "events", "ws")


def stall(site: Site, name: str, kind: str) -> http.Connection:
    """Request a stream, read its first piece, and then stop reading."""
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
def test_a_reader_far_behind_is_told_that_its_stream_was_deleted_or_edited(own_single, change: str):
    site, publisher = own_single
    source = publisher.open()
    with http.Connection(site.address) as slow:
        slow.send(f"/stream/{source.name}/chunked", headers={"Accept": "application/x-ndjson"})
        for _ in range(20):
            source.write(*["x" * LARGE] * 30)
        http.read_head(slow.file)
        chunks = (data for data, _wire in http.read_chunks(slow.file))
        # A reader without any piece would begin with the new text, and need no reset.
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


# Damaged streams.


def test_readers_of_a_damaged_stream_get_an_error_and_do_not_wait_for_ever(
    own_single: tuple[Site, Publisher],
):
    site, publisher = own_single
    source = publisher.open()
    source.write("text")
    source.end()
    publisher.call(streams.damage_segments)
    # Later readers get the error too.
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
    # The article's own consumer closes with the same code.
    for target in (f"/stream/{source.name}/ws", "/stream/ws"):
        with websocket.connect(site.address, target) as socket:
            assert socket.closed() == 1011
    assert "ValueError" in site.log
    site.server.excuse()

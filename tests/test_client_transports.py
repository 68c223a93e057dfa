"""The client, against a real site by every transport."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest

from streamsite.streams import client
from streamsite.streams.pieces import End, Pieces, Reset

from .commands.command import Command
from .inside import streams
from .marks import EVERY_SERVER
from .reading import read, sha256, text_of
from .site import Site, SiteMaker
from .waiting import PATIENCE


@pytest.mark.parametrize("transport", client.TRANSPORTS)
async def test_a_finished_stream_is_read_from_any_cursor(site: Site, transport):
    pieces = site.pieces()
    url = f"{site.url}/stream/article"
    records = await read(url, transport=transport)
    assert text_of(records) == "".join(pieces)
    assert records[-1] == End("done", len(pieces), sha256(*pieces))
    # From the middle, and from the end.
    assert text_of(await read(url, transport=transport, after=100)) == "".join(pieces[100:])
    assert await read(url, transport=transport, after=len(pieces)) == [records[-1]]
    # From a cursor beyond the end.
    reset, *rest = await read(url, transport=transport, after=10**9)
    assert isinstance(reset, Reset)
    assert text_of(rest) == "".join(pieces)


@pytest.mark.parametrize("transport", client.TRANSPORTS)
async def test_values_are_read_and_their_sha256_is_checked(site: Site, transport):
    name, values = f"values-{transport}", [{"a": [1.0, "é\0\u2028"]}, "text", None, 10**30, -0.0]
    site.call(streams.publish_values, name, values)
    url = f"{site.url}/stream/{name}"
    *records, end = await read(url, transport=transport)
    assert [value for record in records for value in record.values] == values
    assert (end.state, len(end.sha256)) == ("done", 64)
    last, _ = await read(url, transport=transport, after="latest")
    assert (last.first, last.values) == (4, [-0.0])


@pytest.mark.parametrize("transport", client.TRANSPORTS)
async def test_a_refusal_has_its_status_and_reason(site: Site, transport):
    with pytest.raises(client.Refused, match="There is no stream named 'nowhere'") as refused:
        await read(f"{site.url}/stream/nowhere", transport=transport)
    assert refused.value.status == 404
    with pytest.raises(client.Refused) as refused:
        await read(f"{site.url}/stream/article?pace=0", transport=transport)
    assert refused.value.status == 400


async def test_the_query_of_the_address_goes_with_the_request(site: Site):
    pieces = site.pieces()[:20]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with aclosing(client.open(f"{site.url}/stream/article/?pace=0.02")) as records:
        async for record in records:
            assert isinstance(record, Pieces)
            if record.end >= len(pieces):
                break
    assert loop.time() - begun >= 0.02 * (len(pieces) - 1)


@EVERY_SERVER
async def test_every_transport_survives_a_restart_of_the_server(
    make_site: SiteMaker, monkeypatch, on: str
):
    site = make_site(servers=[on]).start()
    publish = Command(site, "publish", "build")
    lost: set[str] = set()
    seen = dict.fromkeys(client.TRANSPORTS, "")

    async def follow(transport: str) -> End:
        def note(_error: client.ConnectionLost, _wait: float) -> None:
            lost.add(transport)

        url = f"{site.url}/stream/build"
        async with aclosing(client.open(url, transport=transport, on_lost=note)) as records:
            async for record in records:
                if isinstance(record, End):
                    return record
                assert isinstance(record, Pieces)
                seen[transport] += "".join(record.texts)
        raise AssertionError("no end")

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.05)

    try:
        publish.write(b"one\n")
        await asyncio.to_thread(publish.wait_for, "is live")
        readers = [asyncio.create_task(follow(transport)) for transport in client.TRANSPORTS]
        await until(lambda: set(seen.values()) == {"one\n"})
        await asyncio.to_thread(site.stop)
        await until(lambda: lost == set(client.TRANSPORTS))
        publish.write(b"two\n")
        port = site.server.port
        monkeypatch.setattr("tests.site.free_port", lambda: port)
        await asyncio.to_thread(site.start)
        assert (await asyncio.to_thread(publish.end, b"three\n"))[0] == 0
        async with asyncio.timeout(PATIENCE):
            ends = await asyncio.gather(*readers)
    finally:
        publish.kill()
    assert ends == [End("done", 3, sha256("one\ntwo\nthree\n"))] * 4
    assert set(seen.values()) == {"one\ntwo\nthree\n"}

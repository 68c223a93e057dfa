"""Servers killed and connections cut: the engine loses nothing, and a naive service is caught.

The long form (`--long`) kills 300 servers.
"""

import asyncio
import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.cutting import CuttingProxy
from tests.engine.publisher import Publisher, Source, new_name
from tests.raw import http
from tests.site import Server, Site, SiteMaker
from tests.valkey import Valkey
from tests.waiting import PATIENCE, wait_until

from . import naive
from .harness import Count, Service, cut_connections, kill_servers, leave_alone

# Seconds between two ends of a stream of the naive service.
AGAIN = 0.2


class EngineStream:
    """A stream of the engine, written in a process beside the server."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        self._begun = 0

    def begin(self, texts: Sequence[str], *, pause: float) -> None:
        self._source.begin(texts, pause=pause)
        self._begun += 1

    def await_written(self) -> None:
        while self._begun:
            self._source.expect("written")
            self._begun -= 1

    def finish(self) -> None:
        self.await_written()
        self._source.end()


class Engine:
    """The engine: a site with one server, and a process of sources."""

    def __init__(self, site: Site, publisher: Publisher) -> None:
        self._site = site
        self._publisher = publisher

    @property
    def address(self) -> tuple[str, int]:
        return self._site.address

    def open(self) -> EngineStream:
        return EngineStream(self._publisher.open(new_name("tried")))

    def await_viewers(self, name: str, number: int) -> None:
        """Wait for nobody: who comes late reads the log."""

    def kill(self) -> None:
        self._site.server.kill()

    def restart(self) -> None:
        self._site.server.launch(self._site.server.port)
        self._site.server.ready()


class NaiveServer(Server):
    application = "tests.faults.naive:application"


class NaiveStream:
    """A stream of the naive service, written in a thread of the test."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self._url = url
        self._source = naive.Source(name)
        self._thread = ThreadPoolExecutor(1)
        self._writing: list[Future[None]] = []
        self._over = threading.Event()

    def begin(self, texts: Sequence[str], *, pause: float) -> None:
        self._writing.append(self._thread.submit(asyncio.run, self._write(texts, pause)))

    async def _write(self, texts: Sequence[str], pause: float) -> None:
        layer = naive.new_layer(self._url)
        await self._source.write(layer, list(texts), pause)
        await layer.flush()

    async def _end(self) -> None:
        layer = naive.new_layer(self._url)
        # Viewers who are away at the moment hear a later one.
        while not self._over.is_set():
            await self._source.end(layer)
            await asyncio.sleep(AGAIN)
        await layer.flush()

    def await_written(self) -> None:
        for writing in self._writing:
            writing.result(PATIENCE)

    def finish(self) -> None:
        self.await_written()
        self._thread.submit(asyncio.run, self._end())

    def close(self) -> None:
        self._over.set()
        self._thread.shutdown()


class Naive:
    """The naive service: one server, and sources in the process of the test."""

    def __init__(self, folder: Path, url: str) -> None:
        self._url = url
        self._streams: list[NaiveStream] = []
        self._server = NaiveServer("daphne", {"REDIS_URL": url}, folder / "naive.log")
        self._server.launch()
        self._server.ready()

    @property
    def address(self) -> tuple[str, int]:
        return self._server.address

    def open(self) -> NaiveStream:
        self._streams.append(NaiveStream(new_name("naive"), self._url))
        return self._streams[-1]

    def await_viewers(self, name: str, number: int) -> None:
        wait_until(
            lambda: int(http.get(self.address, f"/stream/{name}/members").body) >= number,
            "all viewers have joined",
        )

    def kill(self) -> None:
        self._server.kill()

    def close(self) -> None:
        self.kill()
        for stream in self._streams:
            stream.close()

    def restart(self) -> None:
        self._server.launch(self._server.port)
        self._server.ready()


@pytest.fixture
def engine(make_site: SiteMaker) -> Iterator[Engine]:
    site = make_site().start()
    publisher = Publisher(site.env)
    yield Engine(site, publisher)
    publisher.kill()


@pytest.fixture
def naive_service(valkey: Valkey, tmp_path: Path) -> Iterator[Naive]:
    service = Naive(tmp_path, valkey.url)
    yield service
    service.close()


def test_no_viewer_loses_a_piece_when_servers_are_killed(engine: Engine, count: Count, long: bool):
    kill_servers(engine, kills=300 if long else 3, viewers=16, count=count)
    assert count.failures == []


def test_viewers_of_the_naive_service_get_everything_while_nothing_goes_wrong(
    naive_service: Naive, count: Count
):
    leave_alone(naive_service, streams=2, viewers=16, count=count)
    assert count.failures == []


def test_the_harness_notices_what_the_naive_service_loses_when_a_server_is_killed(
    naive_service: Naive, count: Count
):
    kill_servers(naive_service, kills=2, viewers=16, count=count)
    assert count.failed == count.tried


async def test_no_viewer_loses_a_piece_when_connections_are_cut(engine: Engine, count: Count):
    await cut(engine, count)
    assert count.failures == []


async def test_the_harness_notices_what_the_naive_service_loses_when_connections_are_cut(
    naive_service: Naive, count: Count
):
    await cut(naive_service, count)
    assert count.failed > count.tried / 2


async def cut(service: Service, count: Count) -> None:
    chance = random.Random(17)
    # A connection may carry the largest answer to a poll, of all pieces: 3 KiB.
    async with CuttingProxy(service.address, lambda: chance.randint(1, 6000)) as proxy:
        await asyncio.to_thread(cut_connections, service, lambda: proxy.address, 2, 16, count)

"""Sources that run in a server, and the server's end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from streamsite.streams import Stopped, areserve, publish, start, stop
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture
from streamsite.streams.writing import blocks
from streamsite.streams.writing.sources import end_sources, running
from streamsite.streams.writing.wsgi import made_by_asgiref


async def source() -> AsyncIterator[str]:
    yield "text"


async def test_a_start_that_is_still_opening_its_stream_ends_with_the_server(monkeypatch):
    opening = asyncio.Event()

    async def in_database(*_work: Any, **_options: Any) -> None:
        opening.set()
        await asyncio.Future()

    monkeypatch.setattr(blocks, "in_database", in_database)
    starting = asyncio.create_task(start("never-opened", source()))
    await opening.wait()
    await end_sources()
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await starting


async def test_an_option_that_does_not_exist_is_refused_before_anything_is_opened():
    with pytest.raises(TypeError, match=r"publish\(\) has no option 'titel'\. Its options"):
        publish("build", titel="A build")
    with pytest.raises(TypeError, match=r"reserve\(\) has no option 'abandon'"):
        await areserve("build", abandon=60)
    with pytest.raises(TypeError, match="has no option 'titel'"):
        await start("build", source(), titel="A build")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("streams")
async def test_a_source_that_is_stopped_cleans_up_in_its_own_task():
    tasks: list[Any] = []

    async def endless() -> AsyncIterator[str]:
        tasks.append(asyncio.current_task())
        try:
            while True:
                yield "text"
        finally:
            tasks.append(asyncio.current_task())

    stream = await start(None, endless())
    await stop(stream)
    await asyncio.gather(*running())
    began, ended = tasks
    assert began is ended


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("streams")
async def test_a_piece_that_comes_after_the_block_is_refused():
    async with publish("build") as producer:
        await producer.write("one")
    with pytest.raises(Stopped, match=r"'build' has ended \(done\)"):
        await producer.write("two")
    assert (producer.stream.pieces, producer.n, producer.stopped) == (1, 1, False)


# Under WSGI.


class Opened(Exception):
    """The source was about to open its stream."""


@pytest.fixture
def opens(monkeypatch) -> None:
    """Let a producer that opens its stream raise Opened."""

    async def in_database(*_work: Any, **_options: Any) -> None:
        raise Opened

    monkeypatch.setattr(blocks, "in_database", in_database)


async def asynchronous(_request: HttpRequest) -> HttpResponse:
    await start("answer", source())
    return HttpResponse()


def synchronous(_request: HttpRequest) -> HttpResponse:
    async_to_sync(start)("answer", source())
    return HttpResponse()


def handler500(_request: HttpRequest) -> HttpResponse:
    """Answer without a template."""
    return HttpResponse(status=500)


urlpatterns = [path("asynchronous", asynchronous), path("synchronous", synchronous)]
VIEWS = pytest.mark.parametrize("view", ["asynchronous", "synchronous"])


@VIEWS
@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
def test_a_view_under_wsgi_is_told_that_it_cannot_start_a_source(opens: None, view: str):
    with pytest.raises(RuntimeError, match="Serve the site by ASGI"):
        Client().get(f"/{view}")
    # The thread serves no request any more.
    with pytest.raises(Opened):
        async_to_sync(start)("answer", source())


@VIEWS
@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
async def test_a_view_under_asgi_starts_a_source(opens: None, view: str):
    with pytest.raises(Opened):
        await AsyncClient().get(f"/{view}")


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
def test_an_async_test_method_of_django_starts_a_source(opens: None):
    # Django runs such a method by async_to_sync.
    @async_to_sync
    async def method() -> None:
        await AsyncClient().get("/asynchronous")

    with pytest.raises(Opened):
        method()


async def running_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.get_running_loop()
    return loop if made_by_asgiref(loop) else None


def test_the_undocumented_table_of_asgiref_has_its_loops():
    assert async_to_sync(running_loop)() is not None
    assert asyncio.run(running_loop()) is None

    async def in_thread() -> object:
        return await sync_to_async(async_to_sync(running_loop))()

    assert asyncio.run(in_thread()) is None

"""The transport below uvicorn's `send`, which the engine reaches by undocumented names."""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.protocols.http import h11_impl, httptools_impl
from uvicorn.protocols.websockets import websockets_sansio_impl

from streamsite.streams.http.uvicorn import (
    abort,
    hold_little,
    patiently,
    transport_of,
    unread,
    watch_the_rest,
    write_frame,
)

SENDERS = [
    h11_impl.RequestResponseCycle,
    httptools_impl.RequestResponseCycle,
    websockets_sansio_impl.WebSocketsSansIOProtocol,
]


@pytest.mark.parametrize("sender", SENDERS)
def test_uvicorn_has_the_names_with_which_the_transport_is_found(sender: type):
    assert inspect.iscoroutinefunction(sender.send)
    assert "self.transport" in inspect.getsource(sender)
    made: Any = sender.__new__(sender)
    made.transport = SimpleNamespace()
    assert transport_of(made.send) is made.transport


def test_other_servers_have_no_transport_to_find():
    class Cycle:
        transport = SimpleNamespace()

        async def send(self, message: object) -> None: ...

    async def send(message: object) -> None: ...

    assert transport_of(Cycle().send) is None
    assert transport_of(send) is None


# Clients that read nothing, on real sockets below uvicorn's `send`.


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Any, Any]]:
    """Yield the `send` of a connection, and the socket of its client."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        theirs.setblocking(False)
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=ours
        )
        cycle: Any = h11_impl.RequestResponseCycle.__new__(h11_impl.RequestResponseCycle)
        cycle.transport = transport
        yield cycle.send, theirs
        transport.abort()


@pytest.fixture
def hasty(settings: Any) -> None:
    settings.STREAM_STALL_TIMEOUT = 0.2


async def until_closing(transport: Any) -> None:
    async with asyncio.timeout(60):
        while not transport.is_closing():
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_reads_nothing_is_cut_off():
    async with connected() as (send, _client):
        transport = transport_of(send)
        transport.write(bytes(1_000_000))
        assert unread(send) >= 900_000
        sending = asyncio.create_task(patiently(send, asyncio.Event().wait()))
        await until_closing(transport)
        sending.cancel()


@pytest.mark.usefixtures("hasty")
async def test_the_rest_of_a_body_that_nobody_reads_is_cut_off_too():
    async with connected() as (send, _client):
        watch_the_rest(send)  # Nothing is left to send.
        transport = transport_of(send)
        transport.write(bytes(1_000_000))
        watch_the_rest(send)
        await until_closing(transport)


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_reads_slowly_gets_everything():
    loop = asyncio.get_running_loop()
    async with connected() as (send, client):
        transport_of(send).write(bytes(100_000))
        watch_the_rest(send)
        came = 0
        while came < 100_000:
            came += len(await loop.sock_recv(client, 10_000))
            await asyncio.sleep(0.02)
        assert not transport_of(send).is_closing()


async def test_a_frame_is_written_while_the_connection_is_open():
    async with connected() as (send, client):
        write_frame(send, b"\x89\x00")
        assert await asyncio.get_running_loop().sock_recv(client, 10) == b"\x89\x00"
        abort(send)
        write_frame(send, b"\x89\x00")


async def test_other_servers_are_left_alone():
    async def send(message: object) -> None: ...

    async def rest() -> None: ...

    hold_little(send)
    write_frame(send, b"\x89\x00")
    watch_the_rest(send)
    abort(send)
    await patiently(send, rest())
    assert unread(send) is None

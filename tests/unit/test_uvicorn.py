"""The transport below uvicorn's `send`, which the engine reaches by undocumented names."""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.protocols.http import flow_control, h11_impl, httptools_impl
from uvicorn.protocols.websockets import websockets_sansio_impl

from streamsite.streams.http.uvicorn import (
    abort,
    hold_little,
    open_door,
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


# The door.


class Protocol(asyncio.Protocol):
    """What uvicorn's protocol does with the signs of back-pressure."""

    flow: flow_control.FlowControl

    def connection_made(self, transport: Any) -> None:
        self.flow = flow_control.FlowControl(transport)

    def pause_writing(self) -> None:
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        self.flow.resume_writing()


@pytest.fixture
async def cycle():
    """Return uvicorn's side of a response whose body has begun. `client` is the other side."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        transport, protocol = await asyncio.get_running_loop().create_connection(
            Protocol, sock=ours
        )
        made: Any = httptools_impl.RequestResponseCycle.__new__(httptools_impl.RequestResponseCycle)
        made.transport, made.flow, made.client = transport, protocol.flow, theirs
        made.chunked_encoding, made.response_complete, made.disconnected = True, False, False
        yield made
        transport.abort()


@pytest.mark.parametrize(
    "name",
    ["chunked_encoding", "disconnected", "flow", "response_complete", "transport", "write_paused"],
)
def test_uvicorn_has_the_names_that_the_door_uses(name: str):
    assert name in inspect.getsource(httptools_impl.RequestResponseCycle)


async def test_the_door_writes_chunks(cycle: Any):
    door = open_door(cycle.send)
    assert door.write(door.frame(b"hello") + door.frame(b"you"))
    read = await asyncio.get_running_loop().sock_recv(cycle.client, 100)
    assert read == b"5\r\nhello\r\n3\r\nyou\r\n"


async def test_the_door_says_when_a_connection_takes_no_more(cycle: Any):
    loop, door = asyncio.get_running_loop(), open_door(cycle.send)
    assert not door.write(bytes(1_000_000))
    drained = asyncio.create_task(door.drained())
    came = len(await loop.sock_recv(cycle.client, 100_000))
    assert not drained.done()
    while came < 1_000_000:
        came += len(await loop.sock_recv(cycle.client, 100_000))
    await drained
    assert door.write(b"more")


@pytest.mark.usefixtures("hasty")
async def test_the_door_cuts_off_a_client_that_reads_nothing(cycle: Any):
    door = open_door(cycle.send)
    assert not door.write(bytes(1_000_000))
    waiting = asyncio.create_task(door.drained())
    await until_closing(cycle.transport)
    waiting.cancel()


@pytest.mark.parametrize("over", ["disconnected", "response_complete"])
async def test_the_door_writes_nothing_after_the_response(cycle: Any, over: str):
    door = open_door(cycle.send)
    setattr(cycle, over, True)
    assert door.write(b"late")
    with pytest.raises(BlockingIOError):
        cycle.client.recv(100)


@pytest.mark.parametrize(
    ("attribute", "value"), [("chunked_encoding", False), ("response_complete", True)]
)
async def test_a_body_that_takes_no_chunks_has_no_door(cycle: Any, attribute: str, value: bool):
    setattr(cycle, attribute, value)
    assert open_door(cycle.send) is None


async def test_the_protocol_for_h11_has_no_door():
    async with connected() as (send, _client):
        assert open_door(send) is None

"""A WebSocket consumer, called as a server calls the consumer."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from streamsite.streams import Consumer
from streamsite.streams.errors import Conflict
from streamsite.streams.http.outlets import NO_TEXT, PONG
from streamsite.streams.http.transports.websocket import arrays, framed, frames

Messages = list[dict[str, Any]]

SCOPE = {"path": "/", "headers": []}


async def serve(
    consumer: type[Consumer], *, gone: bool = False, says: str | None = None
) -> Messages:
    """Connect a client to a consumer. Return the messages that the consumer sent.

    The client sends the text `says`, if any, and stays until the consumer closes the connection.
    A client that is `gone` has left, although the consumer has not received the disconnect yet.
    """
    sent: Messages = []
    tasks: set[asyncio.Task[Any]] = set()
    coming: Messages = [{"type": "websocket.connect"}]
    if says is not None:
        coming.append({"type": "websocket.receive", "text": says})
    over = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if coming:
            return coming.pop(0)
        await over.wait()
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        tasks.add(asyncio.current_task())
        if message["type"] == "websocket.close":
            over.set()
        if gone and message["type"] != "websocket.accept":
            # As uvicorn does after a connection is lost and before the disconnect is received.
            raise ConnectionResetError

    async with asyncio.timeout(30):
        await asyncio.create_task(consumer.as_asgi()(SCOPE, receive, send))
        await asyncio.wait(tasks)
    assert not any(isinstance(task.exception(), OSError) for task in tasks)
    return sent


class Sender(Consumer):
    """Send two frames."""

    async def connect(self) -> None:
        await self.accept()
        self.start_sending(self.send_two())

    async def send_two(self) -> None:
        await self.send("one")
        await self.send("two")


async def test_a_client_that_has_left_causes_no_error(caplog):
    sent = await serve(Sender, gone=True)
    assert [message["type"] for message in sent] == [
        "websocket.accept",
        "websocket.send",
        "websocket.send",
        "websocket.close",
    ]
    assert sent[-1].get("code") != 1011
    assert not caplog.records


def test_a_keep_alive_is_a_frame_for_clients_that_take_arrays():
    assert arrays([]) == ["[]"]
    assert frames([]) == [NO_TEXT]
    assert framed(frames, bytes)([]) == PONG


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [(Conflict("It is live again."), 4409, "It is live again."), (KeyError("n"), 1011, None)],
)
async def test_the_close_frame_has_the_error_of_the_sending_task(
    caplog, error: Exception, code: int, reason: str | None
):
    class Failing(Sender):
        async def send_two(self) -> None:
            await self.send("one")
            raise error

    *_, closed = await serve(Failing)
    assert (closed["type"], closed["code"]) == ("websocket.close", code)
    assert closed.get("reason") == reason
    # A StreamError is for the client alone. Any other error is a bug of the site.
    assert [record.exc_info[1] for record in caplog.records] == ([error] if code == 1011 else [])


@pytest.mark.parametrize("error", [Conflict("The stream is live again."), KeyError("n")])
async def test_an_error_in_a_handler_cancels_the_sending_task(error: Exception):
    sending: list[asyncio.Task[Any]] = []

    class Failing(Sender):
        async def send_two(self) -> None:
            await asyncio.Event().wait()

        async def receive(self, text_data=None, bytes_data=None) -> None:
            sending.append(self._sending)
            raise error

    with suppress(KeyError):
        *_, closed = await serve(Failing, says="anything")
        assert (closed["type"], closed["code"]) == ("websocket.close", 4409)
    assert sending[0].cancelling()


async def test_what_a_consumer_starts_to_send_takes_the_place_of_what_it_was_sending():
    began, ended = asyncio.Event(), asyncio.Event()

    class Changing(Sender):
        async def send_two(self) -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async def receive(self, text_data=None, bytes_data=None) -> None:
            await began.wait()
            self.start_sending(super().send_two())

    sent = await serve(Changing, says="anything")
    assert [message["text"] for message in sent[1:-1]] == ["one", "two"]
    assert ended.is_set()

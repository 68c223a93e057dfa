"""A consumer, called as a server calls it."""

import asyncio
from typing import Any

import pytest

from streamsite.streams import Consumer
from streamsite.streams.errors import Conflict
from streamsite.streams.http.transports.websocket import frames

Messages = list[dict[str, Any]]


async def serve(consumer: type[Consumer], *, gone: bool = False) -> Messages:
    """Connect a client, who says nothing and stays, or is `gone`. Returns what was sent to it."""
    sent: Messages = []
    tasks: set[asyncio.Task[Any]] = set()
    begun, over = False, asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal begun
        if not begun:
            begun = True
            return {"type": "websocket.connect"}
        await over.wait()
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        tasks.add(asyncio.current_task())
        if message["type"] == "websocket.close":
            over.set()
        if gone and message["type"] != "websocket.accept":
            # As uvicorn does between the loss of a connection and the message that tells of it.
            raise ConnectionResetError

    async with asyncio.timeout(30):
        await asyncio.create_task(consumer.as_asgi()({"path": "/"}, receive, send))
        await asyncio.wait(tasks)
    assert not any(isinstance(task.exception(), OSError) for task in tasks)
    return sent


class Sender(Consumer):
    """Sends two frames, whatever the client says."""

    async def connect(self) -> None:
        await self.accept()
        self.start_sending(self.send_two())

    async def send_two(self) -> None:
        await self.send("one")
        await self.send("two")


async def test_a_client_that_left_meanwhile_is_no_error(caplog):
    sent = await serve(Sender, gone=True)
    assert [message["type"] for message in sent] == [
        "websocket.accept",
        "websocket.send",
        "websocket.send",
        "websocket.close",
    ]
    assert sent[-1].get("code") != 1011
    assert not caplog.records


def test_a_sign_of_life_is_a_frame_for_clients_who_take_arrays():
    assert frames([], in_batches=True) == ["[]"]
    assert frames([], in_batches=False) == []


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [(Conflict("It is live again."), 4409, "It is live again."), (KeyError("n"), 1011, None)],
)
async def test_a_client_is_told_why_nothing_more_comes(
    caplog, error: Exception, code: int, reason: str | None
):
    class Failing(Sender):
        async def send_two(self) -> None:
            await self.send("one")
            raise error

    *_, closed = await serve(Failing)
    assert (closed["type"], closed["code"]) == ("websocket.close", code)
    assert closed.get("reason") == reason
    # What the client is told is enough; anything else is the site's own fault.
    assert [record.exc_info[1] for record in caplog.records] == ([error] if code == 1011 else [])

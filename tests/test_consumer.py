"""A consumer, called as a server calls it."""

import asyncio
from typing import Any

from streamsite.streams import Consumer


class Sender(Consumer):
    """Sends two frames, whatever the client says."""

    async def connect(self) -> None:
        await self.accept()
        self.start_sending(self.send_two())

    async def send_two(self) -> None:
        await self.send("one")
        await self.send("two")


async def test_a_client_that_left_meanwhile_is_no_error(caplog):
    # As uvicorn does between the loss of a connection and the message that tells of it.
    tried: list[tuple[str, int | None]] = []
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
        tried.append((message["type"], message.get("code")))
        tasks.add(asyncio.current_task())
        if message["type"] == "websocket.close":
            over.set()
        if message["type"] != "websocket.accept":
            raise ConnectionResetError

    async with asyncio.timeout(30):
        await asyncio.create_task(Sender.as_asgi()({"path": "/"}, receive, send))
        await asyncio.wait(tasks)
    assert not any(task.exception() for task in tasks)
    assert [kind for kind, _code in tried] == [
        "websocket.accept",
        "websocket.send",
        "websocket.send",
        "websocket.close",
    ]
    assert tried[-1][1] != 1011
    assert not caplog.records

"""The inbox of an application."""

import asyncio
from collections.abc import Callable
from typing import Any

# Messages of one client that may wait for the application. Then no more are read from the client.
INBOX_SIZE = 32


class Inbox:
    """The messages from a connection to its application. Only one task reads them.

    Daphne gives each application an asyncio.Queue, which is made for many readers and writers and
    has no bound here.

    `asked` is called when the application waits for a message that is not there yet.
    """

    __slots__ = ("_arrived", "_messages", "_resume", "asked")

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._arrived: asyncio.Future[None] | None = None
        self._resume: Callable[[], None] | None = None
        self.asked: Callable[[], None] | None = None

    def put_nowait(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def get(self) -> dict[str, Any]:
        while not self._messages:
            if self.asked is not None:
                self.asked()
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        message = self._messages.pop(0)
        if self._resume is not None and not self._messages:
            resume, self._resume = self._resume, None
            resume()
        return message

    def hold_if_full(
        self, pause: Callable[[], None], resume: Callable[[], None], size: int = INBOX_SIZE
    ) -> None:
        """Stop reading from the client if `size` messages wait, until the inbox is empty.

        `pause` stops the reading, and `resume` starts it again.
        """
        if len(self._messages) >= size and self._resume is None:
            self._resume = resume
            pause()

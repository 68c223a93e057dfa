"""A Channels consumer for WebSockets with many viewers."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from ..errors import StreamError

logger = logging.getLogger(__name__)

INTERNAL_ERROR = 1011  # RFC 6455, 7.4.1
# Bytes of a close frame's reason at most (RFC 6455, 5.5).
REASON_SIZE = 123


class Consumer(AsyncWebsocketConsumer):
    """A Channels consumer without a thread, and without a channel of its own: readers need none.

    Channels gives each a channel on the layer, and closes old database connections, in a thread,
    around each message. Here hub.py has the one channel, and database.py the one connection.

    A `StreamError` that it raises closes the connection by the error's code, with its detail as the
    reason.
    """

    channel_layer = None
    _accepted = False
    _sending: asyncio.Task[None] | None = None

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Any:
        # Channels' is a coroutine function: each viewer would keep one more coroutine.
        def application(scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
            return cls(**initkwargs)(scope, receive, send)

        return application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.base_send = scope, send
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._receiving = False
        self._closing: asyncio.Future[None] | None = None
        try:
            while True:
                self._receiving = True
                try:
                    message = await receive()
                except asyncio.CancelledError:
                    closing, self._closing = self._closing, None
                    if closing is None or self._task.uncancel():
                        raise
                    await closing
                    continue
                finally:
                    self._receiving = False
                await getattr(self, get_handler_name(message))(message)
        except StopConsumer:
            pass
        except StreamError as error:
            await self._refuse(error)

    async def _refuse(self, error: StreamError) -> None:
        if not self._accepted:
            # A refused handshake shows a browser nothing but its failure, so it is accepted first;
            # and a browser fails one that takes up none of the subprotocols it offered.
            await self.accept(next(iter(self.scope["subprotocols"]), None))
        # Servers refuse to send a longer reason, or send a frame that no client may take.
        reason = error.detail.encode()[:REASON_SIZE].decode(errors="ignore")
        await self.close(error.close_code, reason)

    async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None:
        self._accepted = True
        await super().accept(subprotocol, headers)

    def start_sending(self, sends: Coroutine[Any, Any, None]) -> None:
        """Run what sends beside the messages that come, one of which is handled at a time.

        The connection is closed when that is through: by 1000, by a StreamError's own code, or by
        1011 when it raised anything else.
        """
        self._sending = asyncio.create_task(sends)
        self._sending.add_done_callback(self._close_after)

    def stop_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    def _close_after(self, sending: asyncio.Task[None]) -> None:
        if sending.cancelled():
            return
        # Nobody waits for the task, but its client does.
        error = sending.exception()
        if isinstance(error, StreamError):
            last = self._refuse(error)
        elif error is not None:
            logger.error("%s can't be sent on", self.scope["path"], exc_info=error)
            last = self.close(INTERNAL_ERROR)
        else:
            last = self.close()
        self._sending = asyncio.create_task(last)

    async def send(self, text: str) -> None:
        # To one who has left a server raises an OSError (ASGI specification, "Disconnected Client -
        # send exception"). It is no error of the site's, and a disconnect is about to tell.
        try:  # noqa: SIM105 - once for each viewer and piece, and `suppress` takes its time
            await self.base_send({"type": "websocket.send", "text": text})
        except OSError:
            pass

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        # granian 2.8 sends no close while a receive is under way: both want the same lock.
        closing = None
        if self._receiving:
            # Taken by the task that is cancelled, which may be after all of this.
            closing = self._closing = asyncio.get_running_loop().create_future()
            self._task.cancel()
        try:
            with suppress(OSError):  # As above.
                await super().close(code, reason)
        finally:
            if closing is not None and not closing.done():
                closing.set_result(None)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        self.stop_sending()
        await self.disconnect(message["code"])
        raise StopConsumer

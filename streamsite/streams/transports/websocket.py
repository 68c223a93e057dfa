"""WebSocket: a text frame for each JSON object, and a client that may say stop."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Coroutine
from contextlib import aclosing, suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, parse_cookie
from django.utils.functional import SimpleLazyObject

from ..control import stop_as
from ..errors import BadRequest, NoSuchStream, StreamError
from ..following import Batch
from ..sessions import session_of
from ..wire import objects
from .reading import reading
from .records import as_objects

logger = logging.getLogger(__name__)

PROTOCOL = "streamsite.v1"
# The same, for a client that takes a JSON array of several objects as one frame when it is behind.
BATCH_PROTOCOL = "streamsite.v1.batch"
INTERNAL_ERROR = 1011  # RFC 6455, 7.4.1
# Bytes of a close frame's reason at most (RFC 6455, 5.5).
REASON_SIZE = 123


class Consumer(AsyncWebsocketConsumer):
    """A Channels consumer without a thread, and without a channel of its own: readers need none.

    Channels gives each a channel on the layer, and closes old database connections, in a thread,
    around each message. Here hub.py has the one channel, and database.py the one connection.
    """

    channel_layer = None
    _sending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.base_send = scope, send
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._receiving = False
        self._closing: asyncio.Future[None] | None = None
        with suppress(StopConsumer):
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

    def start_sending(self, sends: Coroutine[Any, Any, None]) -> None:
        """Run what sends beside the messages that come, one of which is handled at a time.

        The connection is closed when that is through: by 1000, or by 1011 when it raised.
        """
        self._sending = asyncio.create_task(sends)
        self._sending.add_done_callback(self._close_after)

    def stop_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    def _close_after(self, sending: asyncio.Task[None]) -> None:
        if sending.cancelled():
            return
        error = sending.exception()
        if error is not None:
            # Nobody waits for the task, but its client does.
            logger.error("%s can't be sent on", self.scope["path"], exc_info=error)
        self._sending = asyncio.create_task(self.close(INTERNAL_ERROR if error else None))

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


class StreamConsumer(Consumer):
    """Sends a stream's records, from the cursor in the query."""

    async def connect(self) -> None:
        self.user = user_of(self.scope)
        query = dict(parse_qsl(self.scope["query_string"].decode("latin1"), keep_blank_values=True))
        self.reading = await reading(self.scope["url_route"]["kwargs"]["name"], query, self.user)
        offered = self.scope["subprotocols"]
        protocol = next((known for known in (BATCH_PROTOCOL, PROTOCOL) if known in offered), None)
        await self.accept(protocol)
        self.start_sending(self.send_records(protocol == BATCH_PROTOCOL))

    async def send_records(self, in_batches: bool) -> None:
        async with aclosing(self.reading.batches("websocket")) as batches:
            async for batch in batches:
                for frame in frames(batch, in_batches):
                    await self.send(frame)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            if op_of(text_data) != "stop":
                raise BadRequest('The only op is "stop".')
            await stop_as(self.user, self.reading.stream)
        except StreamError as error:
            await self.send(json.dumps({"error": error.detail}, ensure_ascii=False))


def frames(batch: Batch, in_batches: bool) -> list[str]:
    """Return a batch as text frames."""
    if in_batches and sum(len(record.encoded(as_objects)) for record in batch) > 1:
        return [objects.array([text for record in batch for text in record.encoded(as_objects)])]
    return [text for record in batch for text in record.encoded(as_objects)]


def op_of(text: str | None) -> str:
    """Return what a client's message asks for. Raises BadRequest."""
    if text is None:
        raise BadRequest('A message is text, not bytes: {"op": "stop"}.')
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest('A message is a JSON object: {"op": "stop"}.') from None
    if not isinstance(message, dict) or not isinstance(message.get("op"), str):
        raise BadRequest('A message is a JSON object with an "op": {"op": "stop"}.')
    return str(message["op"])


def user_of(scope: Any) -> AbstractBaseUser | AnonymousUser:
    """Return the user of the session cookie, who is read from the database when asked for."""
    return SimpleLazyObject(partial(_read_user, scope))  # type: ignore[return-value]


def _read_user(scope: Any) -> AbstractBaseUser | AnonymousUser:
    request = HttpRequest()
    cookies = parse_cookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin1"))
    request.session = session_of(cookies)
    return get_user(request)


class Refusals:
    """Turns a `StreamError` of a consumer into a close code with a reason.

    A refused handshake shows a browser nothing but its failure, so it is accepted first.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        accepted = False

        def noticing(message: Any) -> Awaitable[None]:
            nonlocal accepted
            accepted = accepted or message["type"] == "websocket.accept"
            return send(message)  # type: ignore[no-any-return]

        try:
            await self.application(scope, receive, noticing)
        except StreamError as error:
            if not accepted:
                # A browser fails a handshake that takes up none of the subprotocols it offered.
                offered = next(iter(scope["subprotocols"]), None)
                await send({"type": "websocket.accept", "subprotocol": offered, "headers": []})
            # Servers refuse to send a longer reason, or send a frame that no client may take.
            reason = error.detail.encode()[:REASON_SIZE].decode(errors="ignore")
            await send({"type": "websocket.close", "code": error.close_code, "reason": reason})


async def nowhere(scope: Any, receive: Any, send: Any) -> Any:
    """Refuse an address that is no stream's."""
    await receive()
    raise NoSuchStream(scope["path"])

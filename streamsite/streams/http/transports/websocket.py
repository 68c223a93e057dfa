"""WebSocket: a text frame for each JSON object, and a client that may say stop."""

import asyncio
import json
import logging
from collections.abc import Coroutine
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

from ...errors import BadRequest, NoSuchStream, StreamError
from ...reading.following import Batch
from ...wire import objects
from ...writing.stopping import stop_as
from ..requests import read_request
from ..sessions import session_of
from .encoding import json_objects

logger = logging.getLogger(__name__)

PROTOCOL = "streamsite.v1"
# The same, for a client that takes a JSON array as a frame: of several objects when it is behind,
# of none as a sign of life.
BATCH_PROTOCOL = "streamsite.v1.batch"
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


class StreamConsumer(Consumer):
    """Sends a stream's records, from the cursor in the query."""

    async def connect(self) -> None:
        query = dict(parse_qsl(self.scope["query_string"].decode("latin1"), keep_blank_values=True))
        name = self.scope["url_route"]["kwargs"]["name"]
        self.wanted = await read_request(name, query, user_of(self.scope))
        offered = self.scope["subprotocols"]
        protocol = next((known for known in (BATCH_PROTOCOL, PROTOCOL) if known in offered), None)
        await self.accept(protocol)
        self.start_sending(self.send_records(protocol == BATCH_PROTOCOL))

    async def send_records(self, in_batches: bool) -> None:
        async with aclosing(self.wanted.batches("websocket")) as batches:
            async for batch in batches:
                for frame in frames(batch, in_batches):
                    await self.send(frame)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            if op_of(text_data) != "stop":
                raise BadRequest('The only op is "stop".')
            await stop_as(user_of(self.scope), self.wanted.stream)
        except StreamError as error:
            await self.send(json.dumps({"error": error.detail}, ensure_ascii=False))


def frames(batch: Batch, in_batches: bool) -> list[str]:
    """Return a batch as text frames."""
    if in_batches and sum(len(record.encoded(json_objects)) for record in batch) != 1:
        return [objects.array([text for record in batch for text in record.encoded(json_objects)])]
    return [text for record in batch for text in record.encoded(json_objects)]


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


class Nowhere(Consumer):
    """Refuses an address that is no stream's."""

    async def connect(self) -> None:
        raise NoSuchStream(self.scope["path"])

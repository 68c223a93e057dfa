"""A Channels consumer that is cheap enough for thousands of viewers in one process."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import HttpRequest

from ..errors import BadRequest, StreamError
from ..instruments import ERRORS
from ..log.outages import AWAY, outage, unanswered
from ..reading.fanout import Outlet, Reader, Viewer
from ..request_id import begin as begin_request
from .access import demand_login, login_required
from .admissions import Admission, admissions
from .draining import draining
from .endpoints import View, endpoint
from .granian import closable
from .limits import viewers
from .origins import SameOrigin
from .outlets import ClientLeft, open_door
from .sessions import handshake_request

logger = logging.getLogger(__name__)

INTERNAL_ERROR = 1011  # RFC 6455, section 7.4.1
# The largest reason of a close frame, in bytes: a control frame holds 125, and the code takes 2
# (RFC 6455, section 5.5).
REASON_SIZE = 123


class Consumer(AsyncWebsocketConsumer):
    """A Channels consumer without a thread and without a channel of its own.

    Channels gives each consumer a channel on the channel layer and closes old database connections
    in a thread before each message. A viewer of a stream needs neither, because the hub has the
    one channel of the process and `log.database` has the one database connection.

    Override `connect`, `receive` and `disconnect` as in Channels. A consumer handles one message
    at a time, so a consumer that sends for longer does so in a task of its own:

        class Countdown(Consumer):
            async def connect(self):
                await self.accept()
                self.start_sending(self.count())

            async def count(self):
                for n in range(10, 0, -1):
                    await self.send(str(n))
                    await asyncio.sleep(1)

    Put the consumer into the URLconf, and `streams_application` serves it there:

        urlpatterns = [path("countdown", Countdown.as_view())]

    A `StreamError`, raised by a handler or by the sending task, closes the connection with the
    error's `close_code` and with its `detail` as the reason.
    """

    channel_layer = None
    _accepted = False
    _sending: asyncio.Task[None] | None = None
    # The door through which texts are sent on Daphne.
    _door: Any = None
    _viewer: Viewer | None = None
    _admission: Admission | None = None

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Any:
        # Channels' application is a coroutine function: each viewer would keep one more coroutine.
        def application(scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
            return cls(**initkwargs)(scope, *closable(receive, send))

        return application

    @classmethod
    def as_view(cls, **initkwargs: Any) -> View:
        """Return a view for a URLconf, at whose address the consumer serves WebSockets.

        The view refuses requests that are not WebSocket handshakes. A handshake of a page from an
        unknown origin is rejected: see `SameOrigin`.
        """

        @endpoint("GET", websocket=SameOrigin(cls.as_asgi(**initkwargs)))
        async def refuse(request: HttpRequest, *args: Any, **kwargs: Any) -> None:
            raise BadRequest(why_no_handshake(request))

        return refuse

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.base_send = scope, send
        begin_request(scope)
        draining.sockets.add(self)
        try:
            while True:
                message = await receive()
                await getattr(self, get_handler_name(message))(message)
        except StopConsumer:
            pass
        except StreamError as error:
            self.stop_sending()  # A frame after the close would be an error.
            await self._refuse(error)
        except AWAY as error:
            self.stop_sending()
            outage.tell(error)
            await self._refuse(unanswered(error))
        finally:
            # Also after an error in a handler. Otherwise the task would go on, and presence would
            # count a viewer who has left.
            self.stop_sending()
            viewers.leave(self.scope)
            draining.sockets.discard(self)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        viewers.enter(self.scope)
        # At the address of a view, `WebSockets` has demanded the login already. Channels' own
        # routing has no views.
        if "resolver_match" not in self.scope and login_required(None):
            await demand_login(handshake_request(self.scope))
        await super().websocket_connect(message)

    async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None:
        # A second call is an error of the consumer.
        left = () if self._accepted else (OSError, RuntimeError)
        self._accepted = True
        with suppress(*left):  # As in send().
            await super().accept(subprotocol, headers)
        self._door = open_door(self.scope)

    def start_sending(self, sends: Coroutine[Any, Any, None]) -> None:
        """Run the coroutine `sends` in a task, beside the loop that handles messages.

        When the task ends, it closes the connection: with the code 1000, with the `close_code` of a
        `StreamError`, or with 1011 after any other error, which is logged. A consumer has one such
        task: a second call cancels the first task.
        """
        if self._sending is not None:
            self._sending.cancel()
        self._sending = asyncio.create_task(sends)
        self._sending.add_done_callback(self._close_after)

    def start_viewing(
        self, reader: Reader, outlet: Outlet, admission: Admission | None = None
    ) -> None:
        """Have the fan-out send what `reader` reads, and then close the connection.

        The connection closes as after `start_sending`, and with the code of the error with which
        the viewer loses the right to watch.
        """
        self._viewer = Viewer(reader, outlet, self._viewed)
        if admission is not None:
            self._admission, admission.on_lost = admission, self._viewer.fail
            admissions().add(admission)
        self._viewer.pull()

    def stop_sending(self) -> None:
        """Stop the sending task or the fan-out. The connection stays open."""
        if self._sending is not None:
            self._sending.cancel()
        if self._viewer is not None:
            self._viewer.close()
            self._viewer = None
        self._discharge()

    async def send(self, text: str) -> None:
        if (door := self._door) is not None:
            if not door.write(door.frame(text.encode())):
                await door.drained()
            return
        # A server raises OSError when the client has left (ASGI specification, "Disconnected Client
        # - send exception"). This is no error of the site, and websocket.disconnect is on its way.
        try:
            await self.base_send({"type": "websocket.send", "text": text})
        except OSError:
            pass
        except RuntimeError:
            # uvicorn raises this, too, for a client that has left.
            if not self._accepted:
                raise

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        with suppress(OSError, RuntimeError):  # As in send().
            await super().close(code, reason)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        self.stop_sending()
        await self.disconnect(message["code"])
        raise StopConsumer

    def _viewed(self) -> None:
        viewer, self._viewer = self._viewer, None
        assert viewer is not None
        viewer.close()
        self._discharge()
        # As in send(): there is nobody to close the connection for.
        if not isinstance(viewer.error, ClientLeft):
            self._close_with(viewer.error)

    def _discharge(self) -> None:
        """Ask no longer whether the viewer may watch."""
        if self._admission is not None:
            admissions().discard(self._admission)
            self._admission = None

    def _close_after(self, sending: asyncio.Task[None]) -> None:
        if not sending.cancelled():
            # No code awaits the task, so its error is handled here.
            self._close_with(sending.exception())

    def _close_with(self, error: BaseException | None) -> None:
        """Close the connection, with the code that belongs to an error if there is one."""
        if isinstance(error, StreamError):
            closing = self._refuse(error)
        elif isinstance(error, AWAY):
            outage.tell(error)
            closing = self._refuse(unanswered(error))
        elif error is not None:
            logger.error("Sending to %r failed.", self.scope["path"], exc_info=error)
            closing = self.close(INTERNAL_ERROR)
        else:
            closing = self.close()
        self._sending = asyncio.create_task(closing)

    async def _refuse(self, error: StreamError) -> None:
        ERRORS.labels(type(error).__name__).inc()
        if not self._accepted:
            # A browser tells its page nothing about a rejected handshake, so the handshake is
            # accepted first. A browser also fails a handshake that selects none of the subprotocols
            # it offered (WHATWG WebSockets, "establish a WebSocket connection").
            await self.accept(next(iter(self.scope["subprotocols"]), None))
        # Some servers raise an error for a longer reason, others send a frame that is not valid.
        reason = error.detail.encode()[:REASON_SIZE].decode(errors="ignore")
        await self.close(error.close_code, reason)


def why_no_handshake(request: HttpRequest) -> str:
    """Return why a request at the address of a WebSocket is not a handshake."""
    if "Sec-WebSocket-Key" not in request.headers:
        return "This is the address of a WebSocket. Connect with ws:// or wss://."
    # A client sends this header with the whole handshake, so a proxy has changed the rest.
    if getattr(request, "scope", {}).get("http_version") == "1.0":
        return "The handshake came over HTTP/1.0. Let the proxy use HTTP/1.1."
    return "The handshake came without the header Upgrade. Let the proxy pass Upgrade on."

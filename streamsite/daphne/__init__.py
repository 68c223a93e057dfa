"""Give Daphne back-pressure, strict HTTP, a clean shutdown and writes that go out at once.

The modules subclass Daphne's server, HTTP request and WebSocket. A site calls `install` in its
`asgi.py`. Daphne imports that module before it makes a server, so that the command
`daphne streamsite.asgi:application` needs no option.

- `server`: the backlog, the table of connections, the shutdown (daphne#177, daphne#538)
- `channel`: a connection of HTTP/1.1, whose requests come one after another (daphne#483)
- `head`, `body`: the two parts of a request, parsed without I/O
- `http`: a request and its response
- `http2`: a connection of HTTP/2, on which a response may come before the end of its request
- `scopes`: the ASGI scope of a request
- `answers`: responses that are not streamed, as bytes for one write
- `websocket`: a WebSocket (daphne#326, daphne#374, crossbario/autobahn-python#1642)
- `inbox`: the messages from a connection to its application
- `flow`: back-pressure (daphne#170)
- `writing`: writes that go out at once
- `door`: the way around Daphne for bytes that have their frames already
- `timers`: a clock that doesn't jump, and ticks of microseconds

Daphne documents no names for subclasses. The classes here therefore depend on undocumented and
private names of Daphne, Twisted, Autobahn and asyncio. The docstrings and comments say which, and
tests/unit/test_daphne_names.py fails when an upgrade changes one. They were last read in Daphne
4.2.3, Twisted 26.10 and Autobahn 26.10.2.
"""

from collections.abc import Callable

import daphne.cli
import daphne.http_protocol
import daphne.management.commands.runserver
import daphne.server
import daphne.ws_protocol
import twisted.web.http

from .flow import Flow
from .http import Factory, Request
from .server import Server
from .timers import sharpen, steady
from .websocket import Socket


def install(
    started: Callable[[], object] = lambda: None, *, patience: float = Flow.patience
) -> None:
    """Make Daphne use the classes of this package.

    Call the function once, in the module that Daphne imports the application from. Daphne has no
    lifespan (django/daphne#264), so `started` is called in the event loop when Daphne has started.
    A client that reads nothing for `patience` seconds is cut off.
    """
    Flow.patience = patience
    # All of these are undocumented: the class attributes of Daphne's command line and of its
    # `runserver`, the names that daphne.server, daphne.http_protocol and twisted.web.http look up
    # in their own modules, and the event loop that daphne.server makes when it is imported.
    daphne.cli.CommandLineInterface.server_class = Server
    daphne.management.commands.runserver.Command.server_cls = Server
    daphne.server.HTTPFactory = Factory
    daphne.http_protocol.WebRequest = Request
    daphne.ws_protocol.WebSocketFactory.protocol = Socket
    # Twisted speaks HTTP/2 where the package h2 is installed.
    if twisted.web.http.H2_ENABLED:
        from .http2 import Connection

        twisted.web.http.H2Connection = Connection  # type: ignore[attr-defined]
    Server.started = staticmethod(started)
    sharpen(daphne.server.twisted_loop)
    steady(daphne.server.reactor, daphne.server, daphne.http_protocol, daphne.ws_protocol)

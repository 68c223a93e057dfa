"""What this site needs of Daphne that Daphne lacks, one module each.

Subclasses of Daphne's own server, request and socket, put in their places by `install` while
Daphne imports the application: `daphne streamsite.asgi:application` alone gives all of it.
"""

import daphne.cli
import daphne.http_protocol
import daphne.management.commands.runserver
import daphne.server
import daphne.ws_protocol

from .http import Factory, Request
from .server import Server
from .timers import sharpen
from .websocket import Socket


def install() -> None:
    """Make Daphne use these."""
    daphne.cli.CommandLineInterface.server_class = Server
    daphne.management.commands.runserver.Command.server_cls = Server
    daphne.server.HTTPFactory = Factory
    daphne.http_protocol.WebRequest = Request
    daphne.ws_protocol.WebSocketFactory.protocol = Socket
    sharpen(daphne.server.twisted_loop)

"""The undocumented names that `streamsite.daphne` uses, so that an upgrade fails here."""

import inspect
import re
from asyncio import selector_events
from typing import Any

import daphne.cli
import daphne.http_protocol
import daphne.server
import daphne.ws_protocol
import pytest
from autobahn.twisted import websocket as autobahn_twisted
from autobahn.websocket import protocol as autobahn
from daphne.management.commands import runserver
from h2.connection import H2Connection
from twisted.internet import abstract, asyncioreactor, tcp
from twisted.web import _http2, http

from streamsite.daphne.http import Request
from streamsite.daphne.websocket import HANDSHAKE

# The names that an object has before it is used.
ATTRIBUTES = [
    (daphne.cli.CommandLineInterface, ["server_class"]),
    (runserver.Command, ["server_cls"]),
    (daphne.server, ["HTTPFactory", "logger", "reactor", "time", "twisted_loop"]),
    (daphne.server.Server, ["application_checker", "check_headers_type", "create_application"]),
    (daphne.server.Server, ["handle_reply", "kill_all_applications", "listen_error"]),
    (daphne.server.Server, ["protocol_disconnected", "timeout_checker"]),
    (daphne.http_protocol, ["HTTPFactory", "WebRequest", "logger", "time"]),
    (daphne.http_protocol.WebRequest, ["basic_error", "handle_exception", "handle_reply"]),
    (daphne.http_protocol.WebRequest.process, ["__wrapped__"]),
    (daphne.ws_protocol, ["time"]),
    (daphne.ws_protocol.WebSocketFactory, ["protocol"]),
    (daphne.ws_protocol.WebSocketProtocol, ["check_timeouts", "handle_reply", "serverAccept"]),
    (http, ["_ChunkedTransferDecoder", "_GenericHTTPChannelProtocol"]),
    (http, ["_MalformedChunkedDataError", "H2_ENABLED", "H2Connection"]),
    (_http2.H2Connection, ["_requestDone", "_tryToWriteControlData", "abortRequest"]),
    (_http2.H2Connection, ["openStreamWindow"]),
    (H2Connection(), ["streams"]),
    (http.HTTPChannel, ["_waitingForTransport", "getHost", "getPeer", "isSecure"]),
    (http.HTTPChannel, ["persistent", "requestDone", "requestFactory"]),
    (http.Request, ["gotLength", "handleContentChunk", "requestReceived"]),
    (abstract.FileDescriptor, ["dataBuffer", "disconnecting", "offset", "startWriting"]),
    (abstract.FileDescriptor, ["connected"]),
    (tcp.Connection, ["TLS", "doWrite"]),
    (autobahn.WebSocketProtocol, ["_sendAutoPing", "STATE_CLOSED"]),
    (autobahn_twisted.WebSocketAdapterProtocol, ["_closeConnection"]),
    (autobahn.WebSocketProtocol, ["STATE_CLOSING", "STATE_OPEN", "sendCloseFrame"]),
    (autobahn.WebSocketServerProtocol, ["CONFIG_ATTRS"]),
]
# The names that an object gets in the code of a module.
ASSIGNED = [
    (http, ["channel", "chunked", "code", "finished", "producer", "requests", "sentLength"]),
    (http, ["_handlingRequest", "_networkProducer", "startedWriting", "transport"]),
    (_http2, ["_inboundDataBuffer", "_stillProducing", "conn"]),
    (abstract, ["_tempDataLen"]),
    (daphne.server, ["action_logger", "application_close_timeout", "connections", "endpoints"]),
    (daphne.server, ["listeners"]),
    (daphne.http_protocol, ["_response_started", "application_queue", "client_addr"]),
    (daphne.http_protocol, ["request_start"]),
    (daphne.ws_protocol, ["application_queue", "last_ping", "request"]),
    (autobahn, ["closeHandshakeTimeout", "is_closed", "send_queue", "state", "wasClean"]),
    (autobahn, [name for name in HANDSHAKE if name != "_transport_details"]),
    (autobahn_twisted, ["_transport_details"]),
    (asyncioreactor, ["_writers"]),
    (selector_events, ["_selector"]),
]


def cases(table: Any) -> list[Any]:
    return [
        pytest.param(owner, name, id=f"{getattr(owner, '__name__', type(owner).__name__)}.{name}")
        for owner, names in table
        for name in names
    ]


@pytest.mark.parametrize(("owner", "name"), cases(ATTRIBUTES))
def test_a_name_that_the_package_uses_is_still_there(owner: Any, name: str):
    assert hasattr(owner, name)


@pytest.mark.parametrize(("module", "name"), cases(ASSIGNED))
def test_a_name_that_the_package_uses_is_still_assigned(module: Any, name: str):
    assert re.search(rf"self\.{name}\b[^=\n]*=[^=]", inspect.getsource(module))


def test_an_entry_of_the_table_of_connections_has_the_keys_that_the_server_reads():
    source = inspect.getsource(daphne.server)
    for key in ("connected", "disconnected", "application_instance"):
        assert f'"{key}"' in source


# Not by its name in Daphne, under which `install` puts our own class.
DAPHNES = Request.__bases__[-1]
# The names in the methods of Daphne that the package replaces by the same without a detour.
REPLACED = {
    DAPHNES.__init__: """
        client_addr server_addr http Request __init__ channel factory server application_queue
        _response_started protocol_connected Exception logger error traceback format_exc
    """,
    DAPHNES.finish: """
        application_queue send_disconnect logger debug client_addr http Request finish server
        protocol_disconnected
    """,
}


@pytest.mark.parametrize("method", REPLACED)
def test_a_method_that_the_package_replaces_does_what_it_did(method: Any):
    assert list(method.__code__.co_names) == REPLACED[method].split()

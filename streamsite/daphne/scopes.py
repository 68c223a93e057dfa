"""The ASGI scope of an HTTP request."""

from typing import Any
from urllib.parse import unquote

from daphne.utils import parse_x_forwarded_for

from .head import Head

ROOT_PATH = b"daphne-root-path"


def scope_of(head: Head, request: Any) -> dict[str, Any]:
    """Return the scope that Daphne makes of a request.

    `request` is an `http.Request`, which knows its server and both addresses.
    """
    server = request.server
    client, scheme = address(request.client), "https" if request.isSecure() else "http"
    if server.proxy_forwarded_address_header:
        client, scheme = parse_x_forwarded_for(
            dict(reversed(head.headers)),  # The first header of a name counts.
            server.proxy_forwarded_address_header,
            server.proxy_forwarded_port_header,
            server.proxy_forwarded_proto_header,
            client,
            scheme,
        )
    root_path, headers = server.root_path, head.headers
    for name, value in headers:
        if name == ROOT_PATH:
            root_path = unquote(value.decode("latin1"))
    return {
        "type": "http",
        "http_version": head.version[5:].decode(),
        "method": head.method.decode(),
        "path": unquote(head.path.decode()),
        "raw_path": head.path,
        "root_path": root_path,
        "scheme": scheme,
        "query_string": head.query,
        # A proxy may take X_Y for X-Y (CVE-2015-0219).
        "headers": [
            header for header in headers if header[0] != ROOT_PATH and b"_" not in header[0]
        ],
        "client": client,
        "server": address(request.host),
    }


def address(found: Any) -> list[Any] | None:
    """Return an address of Twisted's as ASGI has it, or None for a Unix socket."""
    return [str(found.host), found.port] if hasattr(found, "port") else None

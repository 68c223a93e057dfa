"""Which pages of other origins may read the streams (STREAM_ALLOWED_ORIGINS).

An origin is scheme, host and port (RFC 6454). A page of the site's own origin always may; pages
of the listed ones may; no other does.
"""

from collections.abc import Awaitable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port, validate_host
from django.utils.cache import patch_vary_headers

from ..conf import setting

DEFAULT_PORTS = {"http": 80, "https": 443}
# What Django takes for a site's names while it is developed and has none.
LOCAL_HOSTS = (".localhost", "127.0.0.1", "[::1]")

Origin = tuple[str, str, int]


def parse(origin: str) -> Origin | None:
    """Return scheme, host and port, or None for what isn't an http origin ("null", say)."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme]


def allowed(origin: str) -> bool:
    """Tell whether this origin is on the list."""
    parsed = parse(origin)
    return parsed is not None and parsed in map(parse, setting("STREAM_ALLOWED_ORIGINS"))


def allow_origin(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let a page of a listed origin read this response (Fetch standard, 3.3 "CORS protocol")."""
    if not setting("STREAM_ALLOWED_ORIGINS"):
        return
    patch_vary_headers(response, ("Origin",))
    # Not request.headers, which builds a mapping of them all for each request.
    origin = request.META.get("HTTP_ORIGIN", "")
    if allowed(origin):
        response["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response["Access-Control-Allow-Methods"] = "GET, POST"
            response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID"
            response["Access-Control-Max-Age"] = "600"


def allowed_hosts() -> Iterable[str]:
    """Return the names that this site goes by, as HttpRequest.get_host has them."""
    if settings.DEBUG and not settings.ALLOWED_HOSTS:
        return LOCAL_HOSTS
    return settings.ALLOWED_HOSTS


class SameOrigin:
    """Refuses the WebSocket handshakes that a page of an unknown origin makes, with a 403.

    A WebSocket is not under the same-origin policy: the server has to look (RFC 6455, 10.2). A
    client that sends no Origin is no browser, so nobody's cookies ride along.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        # Not a coroutine, of which each viewer would keep one.
        handle = self.application if self._welcome(scope) else self._refuse
        return handle(scope, receive, send)

    @staticmethod
    async def _refuse(scope: Any, receive: Any, send: Any) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.close", "code": 4403, "reason": None})

    def _welcome(self, scope: Mapping[str, Any]) -> bool:
        headers = {name: value.decode("latin1") for name, value in scope["headers"]}
        host, port = split_domain_port(headers.get(b"host", ""))
        if not host or not validate_host(host, allowed_hosts()):
            return False
        if b"origin" not in headers:
            return True
        origin = parse(headers[b"origin"])
        own = (
            (origin[0], host.strip("[]"), int(port) if port else DEFAULT_PORTS[origin[0]])
            if origin
            else None
        )
        return origin is not None and (
            (origin == own and origin[0] in self._schemes(scope)) or allowed(headers[b"origin"])
        )

    @staticmethod
    def _schemes(scope: Mapping[str, Any]) -> Iterable[str]:
        """Return the schemes that the page of this site may have."""
        if settings.SECURE_SSL_REDIRECT or scope.get("scheme") == "wss":
            return ("https",)
        # Without TLS in the settings a proxy may still end it unsaid.
        return ("http", "https")

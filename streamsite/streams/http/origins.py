"""The origins whose pages may read the streams.

An origin is a scheme, a host and a port (RFC 6454). Pages of the site's own origin may read the
streams, and so may pages of the origins in STREAM_ALLOWED_ORIGINS. Pages of other origins may not.
The pages of another origin never act with the visitor's cookies.
"""

from collections.abc import Awaitable, Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port, validate_host
from django.utils.cache import patch_vary_headers
from django.utils.http import is_same_domain

from ..conf import setting

DEFAULT_PORTS = {"http": 80, "https": 443}
# The hosts that Django allows when DEBUG is on and ALLOWED_HOSTS is empty.
LOCAL_HOSTS = (".localhost", "127.0.0.1", "[::1]")

Origin = tuple[str, str, int]


def parse(origin: str) -> Origin | None:
    """Return the scheme, host and port of an origin, or None if the origin is not valid.

    For example `parse("https://example.com")` is `("https", "example.com", 443)`. The origin "null"
    and origins of other schemes than http and https give None.
    """
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme]


def is_listed(origin: str) -> bool:
    """Return whether STREAM_ALLOWED_ORIGINS contains this origin."""
    parsed = parse(origin)
    return parsed is not None and parsed in map(parse, setting("STREAM_ALLOWED_ORIGINS"))


def own_origins(host: str, schemes: Iterable[str]) -> set[Origin]:
    """Return the origins of the site's own pages, given the Host header and the schemes in use.

    For example `own_origins("example.com", ["https"])` is `{("https", "example.com", 443)}`.
    """
    origins = (parse(f"{scheme}://{host}") for scheme in schemes)
    return {origin for origin in origins if origin is not None}


def page_schemes(scope: Mapping[str, Any]) -> Collection[str]:
    """Return the schemes that the site's own pages can have, given an ASGI scope."""
    if settings.SECURE_SSL_REDIRECT or scope.get("scheme") in ("https", "wss"):
        return ("https",)
    # A proxy may end TLS although no setting says so.
    return ("http", "https")


def is_foreign(request: HttpRequest) -> bool:
    """Return whether a page of another origin sent the request.

    Browsers send an Origin header with each request that another origin's page may read (Fetch,
    section 3.1). A client without an Origin header is the site's own page, or no browser. Pages of
    the origins in CSRF_TRUSTED_ORIGINS count as the site's own, because the setting says that they
    may act with the visitor's cookies.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None:
        return False
    try:
        own = own_origins(request.get_host(), page_schemes(getattr(request, "scope", {})))
    except DisallowedHost:
        return True
    return parse(origin) not in own and not is_trusted(origin)


def is_trusted(origin: str) -> bool:
    """Return whether CSRF_TRUSTED_ORIGINS contains this origin, such as "https://*.example.com"."""
    scheme, _, host = origin.partition("://")
    trusted = (entry.partition("://") for entry in settings.CSRF_TRUSTED_ORIGINS)
    return any(
        scheme == of and is_same_domain(host, pattern.removeprefix("*"))
        for of, _, pattern in trusted
    )


def is_allowed_host(host: str) -> bool:
    """Return whether ALLOWED_HOSTS contains the Host header's name, as `HttpRequest.get_host`."""
    name, _port = split_domain_port(host)
    local = settings.DEBUG and not settings.ALLOWED_HOSTS
    return bool(name) and validate_host(name, LOCAL_HOSTS if local else settings.ALLOWED_HOSTS)


def allow_origin(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let a page of a listed origin read this response.

    See the Fetch standard, section 3.3 "CORS protocol".
    """
    if not setting("STREAM_ALLOWED_ORIGINS"):
        return
    patch_vary_headers(response, ("Origin",))
    # META instead of request.headers, which builds a mapping of all headers for each request.
    origin = request.META.get("HTTP_ORIGIN", "")
    if is_listed(origin):
        response["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response["Access-Control-Allow-Methods"] = "GET, POST"
            response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID"
            response["Access-Control-Max-Age"] = "600"


class SameOrigin:
    """Reject the WebSocket handshakes of pages from unknown origins with status 403.

    Browsers don't apply the same-origin policy to WebSockets, so the server has to check the Origin
    header (RFC 6455, section 10.2). A client without an Origin header is not a browser, so the
    client cannot misuse the cookies of somebody else.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        # Not a coroutine function: each viewer would keep one more coroutine.
        handle = self.application if accepts_handshake(scope) else reject_handshake
        return handle(scope, receive, send)


def accepts_handshake(scope: Mapping[str, Any]) -> bool:
    """Return whether the Host and Origin headers allow this WebSocket."""
    headers = {name: value.decode("latin1") for name, value in scope["headers"]}
    host = headers.get(b"host", "")
    origin = headers.get(b"origin")
    if not is_allowed_host(host):
        return False
    if origin is None:
        return True
    return parse(origin) in own_origins(host, page_schemes(scope)) or is_listed(origin)


async def reject_handshake(scope: Any, receive: Any, send: Any) -> None:
    """Close a WebSocket before its handshake is accepted: the server answers with status 403."""
    await receive()  # websocket.connect
    await send({"type": "websocket.close", "code": 4403, "reason": None})
